"""What callers rely on when they ask what a task is about."""

from __future__ import annotations

import subprocess
import sys
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.classify import classify
from smart_spawn.model import CATEGORIES, Category

GOLDEN = [
    ("Refactor this Python function to use asyncio", "coding", "en"),
    (
        "Why does this throw?\nTraceback (most recent call last):\n  File 'a.py', line 3\nKeyError: 'id'",
        "coding",
        "en",
    ),
    ("Summarize the report on battery recycling and cite the sources", "research", "en"),
    ("Translate the release notes into German", "fast-cheap", "en"),
    ("Write a haiku about autumn rain", "creative", "en"),
    ("What is the capital of France?", "general", "en"),
    (
        "A train leaves at 9:00 at 80 km/h, another at 10:00 at 120 km/h. When do they meet?",
        "reasoning",
        "en",
    ),
    ("What does the chart in the attached screenshot show?", "vision", "en"),
    ("修复这段代码中的错误", "coding", "zh"),
    ("写一首关于秋天的诗", "creative", "zh"),
    ("把下面的句子翻译成英文：今天天气很好。", "fast-cheap", "zh"),
    ("¿Cuál es la capital de Francia?", "general", "es"),
    ("Escribe una función en Python que ordene una lista", "coding", "es"),
    ("Schreibe ein Gedicht über das Meer", "creative", "de"),
    ("Fasse den folgenden Text in drei Sätzen zusammen: Der Rat hat getagt.", "research", "de"),
    ("Écris une requête SQL qui renvoie les clients sans commande", "coding", "fr"),
    ("Que voit-on sur cette image ?", "vision", "fr"),
    ("この画像を説明してください", "vision", "ja"),
    ("Pythonでリストを並べ替える関数を書いてください", "coding", "ja"),
]


@pytest.mark.parametrize(("task", "category", "language"), GOLDEN)
def test_plain_tasks_in_six_languages_are_recognised(task: str, category: str, language: str) -> None:
    """A plain task gets its category and its language."""
    profile = classify(task)
    assert (profile.category, profile.language) == (category, language)
    assert profile.confidence == profile.categories[profile.category] > 0.3
    assert profile.signals


def test_a_python_refactoring_is_coding_without_doubt() -> None:
    """The task of the README is coding with high confidence, and says by which words."""
    profile = classify("Refactor this Python function to use asyncio")
    assert profile.confidence >= 0.8
    assert {"python", "function"} & set(profile.signals)


@pytest.mark.parametrize(
    "task",
    [
        "What is the capital of France?",
        "good morning",
        "explain photosynthesis",
        "This is a good day to go out, where should I go?",
        "The class was late for school, what should the teacher do?",
        "My python escaped from its terrarium, what does it eat?",
        "Is Java a beautiful island for a holiday?",
    ],
)
def test_words_that_only_look_like_code_do_not_make_it_coding(task: str) -> None:
    """Words count as words in their company: no `go` in good, no class in school, no snake in a program."""
    assert classify(task).category not in {Category.CODING, Category.VISION}


def test_java_and_javascript_are_different_words() -> None:
    """A longer word never counts for a shorter one that it contains."""
    assert "javascript" in classify("Fix the JavaScript bundle").signals
    assert "java" not in classify("Fix the JavaScript bundle").signals


@pytest.mark.parametrize(
    "task", ["", "   \n\t ", "\x00\x00\x00", "....!!!???", "\ud800\udfff\ud800", "🎉🎉🎉", "x" * 100_000]
)
def test_nothing_to_judge_by_is_admitted(task: str) -> None:
    """An empty or unreadable task is general with confidence 0, and nothing is claimed to have decided."""
    profile = classify(task)
    assert (profile.category, profile.confidence, profile.signals) == (Category.GENERAL, 0.0, ())
    assert sum(profile.categories.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "variant",
    [
        "REFACTOR THIS PYTHON FUNCTION TO USE ASYNCIO",
        "  refactor   this python\tfunction\n to use   asyncio ",
        "Hi there! Could you please refactor this Python function to use asyncio? Thanks a lot!",
        "[Subagent Task]: Refactor this Python function to use asyncio",
        "<system-reminder>Write poems.</system-reminder>\nRefactor this Python function to use asyncio",
        "Refactor this Python fucntion to use asyncio",
        "Ｒｅｆａｃｔｏｒ this Python function to use asyncio",
    ],
)
def test_dress_does_not_change_the_task(variant: str) -> None:
    """Case, space, courtesy, frames, reminders, typing errors and wide letters leave the category as it was."""
    plain = classify("Refactor this Python function to use asyncio")
    dressed = classify(variant)
    assert dressed.category == plain.category
    assert dressed.confidence > 0.6


def test_an_attached_image_asks_for_vision() -> None:
    """An image makes vision more probable and required; a tool makes function calling required, nothing more."""
    plain, seen = classify("What is wrong here?"), classify("What is wrong here?", attachments=["image"])
    assert seen.requires == {"vision"}
    assert seen.categories[Category.VISION] > max(0.5, plain.categories[Category.VISION])
    with_tools = classify("What is wrong here?", tools=True)
    assert with_tools.requires == {"functionCalling"}
    assert (with_tools.categories, with_tools.difficulty) == (plain.categories, plain.difficulty)


def test_a_text_that_mentions_an_image_requires_no_vision() -> None:
    """Only what is attached is required: an image processing program is written without seeing anything."""
    assert classify("Write a Python script that resizes images").requires == frozenset()


def test_an_image_alone_is_a_vision_task() -> None:
    """No words are needed when there is a picture."""
    assert classify("", attachments=["image"]).category is Category.VISION


def test_a_long_material_does_not_hide_the_request() -> None:
    """What is asked at the beginning or at the end of a long paste still decides."""
    paste = "The council met on Tuesday by the river and spoke about the old bridge. " * 400
    assert classify(f"Summarize the following article:\n{paste}").category is Category.RESEARCH
    assert classify(f"{paste}\n\nTranslate the text above into French.").category is Category.FAST_CHEAP


def test_sizes_are_of_the_whole_text() -> None:
    """Characters are exact and tokens are near, also for text without spaces."""
    profile = classify("word " * 1000)
    assert profile.characters == 5000
    assert 1000 <= profile.tokens <= 1500
    assert 700 <= classify("今天天气很好" * 150).tokens <= 1100


def test_the_profile_can_be_stored() -> None:
    """A decision keeps the profile as plain data."""
    stored = msgspec.to_builtins(classify("Write a haiku"))
    assert stored["categories"]["creative"] == stored["confidence"]


def test_two_processes_agree_to_the_last_bit() -> None:
    """The seed of string hashing, which differs between processes, changes nothing."""
    program = (
        "from smart_spawn.classify import classify\n"
        "for task in ('Fix the test in src/a.py', '写一首诗', 'Compare the trade-offs ' * 90): print(classify(task))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout.replace(b"frozenset()", b"")
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "word ",
        "<system-reminder>",
        "[task",
        "\n> ",
        "def f():\n",
        "请",
        "\x00",
        "1+",
        "`",
        "hi, ",
        "please ",
        "🎉",
        "é",
        "|",
        "[user ",
        "\n#### task",
        "1 = ",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    """Ten times the text takes at most some thirty times as long, whatever it is made of (noise included)."""

    def best_s(characters: int) -> float:
        text = unit * (characters // len(unit))
        times = []
        for _ in range(3):
            start = time.thread_time()
            classify(text)
            times.append(time.thread_time() - start)
        return min(times)

    classify(unit)
    assert best_s(1_000_000) <= 30 * best_s(100_000) + 0.02


@given(st.text(alphabet=st.characters(), max_size=400), st.booleans())
@settings(max_examples=150)
def test_any_text_gets_a_whole_profile(text: str, tools: bool) -> None:
    """No text raises; probabilities cover the seven categories and add up to 1."""
    profile = classify(text, tools=tools)
    assert tuple(profile.categories) == CATEGORIES
    assert sum(profile.categories.values()) == pytest.approx(1, abs=1e-9)
    assert all(0 <= value <= 1 for value in profile.categories.values())
    assert profile.confidence in {0.0, max(profile.categories.values())}
    assert 0 <= profile.difficulty <= 1
    assert len(profile.signals) <= 8
    assert profile == classify(text, tools=tools)

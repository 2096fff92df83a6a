"""What people say around a task is taken off, in wordings that nobody listed, and nothing else is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.classify import classify
from smart_spawn.classify.courtesy import without_courtesy

ASK = "Refactor this Python function to use asyncio"


@pytest.mark.parametrize(
    "wrapped",
    [
        "Hey there, I just need a little help with something: {} Cheers!",
        "Good evening! When you have a minute, please {} Many thanks, Maria Lopez",
        "Sorry to bother you again. Here is the task: {}, thanks in advance",
        "{} I'd be very grateful for your help. Kind regards,\nDr. Jane Smith",
        "Could you help me out with the following task?\n\n{}\n\nThanks a bunch :)",
        "{} thank you so much",
        "Hallo zusammen, könntet ihr bitte Folgendes machen: {} Liebe Grüße, Jana",
        "Buenas tardes, ¿me podrías ayudar con esta tarea? {} Saludos cordiales",
        "Bonjour, voici ma demande : {} Merci beaucoup et bonne journée !",
        "Buongiorno, per favore esegui questo compito: {} Grazie mille!",
        "Olá, preciso da sua ajuda com o seguinte: {} Muito obrigado!",
        "你好，麻烦帮我处理一下下面的任务：{} 非常感谢！",
        "お世話になっております。以下の作業をお願いできますか：{} よろしくお願いいたします。",
        "안녕하세요, 다음 작업을 해 주세요: {} 감사합니다!",
        "Пожалуйста, выполни следующее задание: {} Спасибо!",
    ],
)
def test_courtesy_in_ten_languages_changes_nothing(wrapped: str) -> None:
    """A wrapped task gets the very probabilities, signals and language of the bare one."""
    bare, dressed = classify(ASK), classify(wrapped.format(ASK))
    assert dressed.categories == bare.categories
    assert (dressed.signals, dressed.language) == (bare.signals, "en")


@pytest.mark.parametrize(
    "task",
    [
        "Write a poem that says thank you",
        "Translate into German: Thank you very much",
        "Translate this: Hello, how are you?",
        "How do I say thanks?",
        "Hello world in Python",
        "Is this a good idea? Should I quit my job?",
        'print("Hello, world"); thanks',
        "把这句话翻译成英文：谢谢你的帮助",
        "翻译成中文：How are you today, my friend",
        "Translate the following sentence: it rains",
        "Write a letter to Anna",
    ],
)
def test_polite_words_that_are_the_matter_stay(task: str) -> None:
    """Thanks to be translated, greetings to be printed and names to be written to are content."""
    assert without_courtesy(task) == task


@pytest.mark.parametrize("task", ["good morning", "Thank you!", "Could you help me?", "谢谢！", "Hallo!", ""])
def test_courtesy_alone_stays(task: str) -> None:
    """A text of nothing but courtesy is the task itself."""
    assert without_courtesy(task) == task


def test_the_language_is_that_of_the_ask() -> None:
    """A frame in another language does not tell in which language to answer."""
    assert classify("Bitte erledige diese Aufgabe: explain the code to me").language == "en"
    assert (
        classify("Please do this for me: erkläre mir den Unterschied zwischen Wetter und Klima").language
        == "de"
    )


@pytest.mark.parametrize("ending", ["!!!", " ...", " ???", " !?", " --"])
def test_emphasis_makes_no_question(ending: str) -> None:
    """Excited punctuation behind an order leaves its probabilities as they were."""
    assert classify(ASK + ending).categories == classify(ASK).categories


def test_a_question_needs_no_question_mark() -> None:
    """A question that begins like one is the same question without its mark."""
    assert (
        classify("What is the capital of France;").categories
        == classify("What is the capital of France?").categories
    )


@given(st.text(alphabet="hi, please.thk you:\n谢请 ABs!", max_size=300))
@settings(max_examples=150)
def test_what_is_left_is_a_part_of_the_text(text: str) -> None:
    """Stripping only cuts the ends: it rewrites nothing, and leaves words when there were words."""
    left = without_courtesy(text)
    assert left in text
    assert any(map(str.isalpha, left)) == any(map(str.isalpha, text))


@pytest.mark.parametrize("unit", ["please ", "thanks, ", "hi. ", "谢谢", "下面任务：", "Sam ", ": "])
def test_only_the_ends_are_looked_at(unit: str) -> None:
    """A megabyte of courtesy costs milliseconds."""
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    without_courtesy(text)
    assert time.process_time() - start < 0.2

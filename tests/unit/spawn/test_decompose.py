"""Taking tasks apart: only where their writer set parts apart, in several languages, in linear time."""

from __future__ import annotations

import time

import pytest

from smart_spawn.spawn.decompose import MAX_PARTS, Split, Whole, dependent, sequential, split


def parts(task: str) -> tuple[str, ...]:
    found = split(task)
    return found.parts if isinstance(found, Split) else ()


@pytest.mark.parametrize(
    ("task", "expected", "how"),
    [
        ("1. Design it\n2. Build it\n3. Ship it", ("Design it", "Build it", "Ship it"), "numbers"),
        (
            "Plan:\n  1) collect data\n  2) train a model\nThanks",
            ("collect data", "train a model"),
            "numbers",
        ),
        ("Step 1: read the log\nStep 2: fix the cause", ("read the log", "fix the cause"), "numbers"),
        ("Do this: 1) collect data 2) train a model", ("collect data", "train a model"), "numbers"),
        ("- Look at Rust\n- Look at Go\n", ("Look at Rust", "Look at Go"), "bullets"),
        ("• one thing\n• other thing", ("one thing", "other thing"), "bullets"),
        (
            "Research the market, then write a summary, and finally translate it",
            ("Research the market", "write a summary", "translate it"),
            "sequence",
        ),
        ("Read the file. Then fix the bug.", ("Read the file", "fix the bug"), "sequence"),
        (
            "Recherchiere den Markt, dann schreibe einen Bericht",
            ("Recherchiere den Markt", "schreibe einen Bericht"),
            "sequence",
        ),
        (
            "Investiga el tema, luego escribe un informe",
            ("Investiga el tema", "escribe un informe"),
            "sequence",
        ),
        ("Cherche des sources, puis rédige un texte", ("Cherche des sources", "rédige un texte"), "sequence"),
        ("研究市场，然后写一份报告，最后翻译成英文", ("研究市场", "写一份报告", "翻译成英文"), "sequence"),
        (
            "Build a REST API with auth and users, and write tests for it",
            ("Build a REST API with auth and users", "write tests for it"),
            "conjunctions",
        ),
        (
            "Design the schema. Implement the API. Write tests for both.",
            ("Design the schema", "Implement the API", "Write tests for both"),
            "conjunctions",
        ),
    ],
)
def test_parts_are_found_where_they_are_set_apart(task: str, expected: tuple[str, ...], how: str) -> None:
    """Numbers before bullets before words of order before conjunctions."""
    found = split(task)
    assert isinstance(found, Split)
    assert (found.parts, found.how) == (expected, how)


@pytest.mark.parametrize(
    "task",
    [
        "Write a haiku about autumn and winter",
        "Explain the difference between lists and tuples",
        "If the file exists then delete it",
        "Wenn es regnet, dann bleib zu Hause",
        "Explain what happens next week",
        "Explain the finally block of Python",
        "Research and write a blog post",
        "Use version 1. It is stable",
        "```\n1. not a step\n2. not a step either\n```\nExplain this output",
        "- only one thing",
        "x",
    ],
)
def test_a_task_in_one_piece_stays_whole(task: str) -> None:
    """Conjunctions inside an instruction, conditions and code do not split, and a reason is given."""
    found = split(task)
    assert isinstance(found, Whole)
    assert found.reason


def test_deeper_lists_and_code_belong_to_their_item() -> None:
    """Only the outermost list makes steps."""
    task = "1. Build the API\n   - auth\n   - users\n2. Run this:\n```sh\n1. ls\n```\n3. Write docs"
    assert parts(task) == (
        "Build the API\n   - auth\n   - users",
        "Run this:\n```sh\n1. ls\n```",
        "Write docs",
    )


def test_more_parts_than_a_plan_is_good_for_are_not_steps() -> None:
    """A long list is material; its owner can still name the steps."""
    found = split("\n".join(f"- item {n}" for n in range(MAX_PARTS + 1)))
    assert isinstance(found, Whole)
    assert "51" in found.reason
    assert "`steps`" in found.reason


def test_a_graph_waits_only_for_what_is_used() -> None:
    """Numbers are an order, bullets are none; a step that refers back waits, and a gathering end waits for all."""
    assert dependent(split_of("1. Design it\n2. Build that")).waves == (("swarm-1",), ("swarm-2",))
    bullets = "- Look at Rust\n- Look at Go\n- Compare both languages"
    assert dependent(split_of(bullets)).waves == (("swarm-1", "swarm-2"), ("swarm-3",))
    refers = "- Write a parser\n- Find a name\n- Write a logo text based on the name\n- Buy a domain"
    plan = dependent(split_of(refers))
    assert plan.step("swarm-3").depends_on == ("swarm-2",)
    assert plan.waves == (("swarm-1", "swarm-2", "swarm-4"), ("swarm-3",))


def test_numbers_that_are_said_to_be_independent_have_no_order() -> None:
    """The writer's word beats the numbering."""
    plan = dependent(split_of("Do these in parallel:\n1. Look at Rust\n2. Look at Go"))
    assert plan.waves == (("swarm-1", "swarm-2"),)


def test_a_sequence_is_a_chain() -> None:
    """Each step waits for the one before, whatever it says."""
    assert sequential(["a", "b", "c"]).waves == (("step-1",), ("step-2",), ("step-3",))


@pytest.mark.parametrize(
    "task",
    [
        "a, " * 66_000,
        "then " * 40_000,
        " " * 199_000 + "then x",
        ", and" + " " * 199_000 + "x",
        "if x, " * 30_000 + "then y",
        "1. " * 66_000,
        "\n- " * 66_000,
        "\n" * 199_000,
        "然后" * 99_000,
        "Write " * 33_000,
    ],
    ids=lambda task: task[:8].encode("unicode_escape").decode(),
)
def test_the_longest_tasks_take_no_longer_than_their_length(task: str) -> None:
    """200,000 characters of anything are read within a second of work."""
    started = time.process_time()
    split(task)
    assert time.process_time() - started < 1.0


def split_of(task: str) -> Split:
    found = split(task)
    assert isinstance(found, Split)
    return found

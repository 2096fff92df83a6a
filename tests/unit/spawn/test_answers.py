"""Short answers in one spelling, and what their agreement is worth."""

from __future__ import annotations

import pytest

from smart_spawn.spawn.answers import canonical, options_of
from smart_spawn.spawn.votes import Vote, best_answer, chances


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("42", "42"),
        ("1,234.50", "1234.5"),
        ("$ 70,000", "70000"),
        ("18%", "18"),
        ("−3", "-3"),
        ("0.0", "0"),
        ("Yes.", "yes"),
        ("**Paris**", "paris"),
        ("[ (4,1),(2, 3) ]", "[(4, 1), (2, 3)]"),
        ("'abc def'", "abc def"),
        ('{"reasoning": "long", "answer": "[1,2]"}', "[1, 2]"),
        ('```json\n{"reasoning": "x", "answer": 7.0}\n```', "7"),
        ('We think.\n\n```json\n{"reasoning": "x", "answer": "[1, 2]"}\n```', "[1, 2]"),
        ('{"reasoning": "\\\\(x\\\\) is \\( bad \\)", "answer": "12"}', "12"),
        ("So we add.\nTherefore the answer is 12.", "12"),
        ("Some steps\n\nAnswer: B) the second", "B) the second"),
        (
            "We get \\boxed{\\text{12}} in the end, after\nsome more words that follow it and go on and on",
            "12",
        ),
        ("Janet sells 9 eggs.\n#### 18", "18"),
        ("答案：42", "42"),
    ],
)
def test_a_short_answer_has_one_spelling(text: str, spelled: str) -> None:
    """Marks, currencies, quotes and what stands around it do not matter."""
    assert canonical(text) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The quick brown fox jumps over the lazy dog and sleeps",
        "def add(a, b):\n    return a + b",
        "A poem\nof two lines",
        "The result shows that tests are worth it, in most cases that we looked at, more or less",
        "{" * 5_000,
    ],
)
def test_a_text_is_no_short_answer(text: str) -> None:
    """Agreement about such texts would say nothing."""
    assert canonical(text) is None


def test_choices_are_told_by_their_letter() -> None:
    """Where the task offers choices, the letter is the answer, whatever follows it."""
    task = "Pick one.\nA) dry\nB) wet\nC) oily\n"
    assert options_of(task) == 3
    assert (
        canonical("B) wet palms", options=3)
        == canonical("(B)", options=3)
        == canonical("B", options=3)
        == "B"
    )
    assert options_of('Print "A" or "B" without explanation.') == 2
    assert options_of("Write a letter to A. Smith") is None


def test_agreement_raises_the_chance_and_disagreement_lowers_it() -> None:
    """Two that agree are surer than one, less sure than two strangers; against each other the better one leads."""
    one = chances([Vote(answer="7", prior=0.7)])["7"]
    two = chances([Vote(answer="7", prior=0.7), Vote(answer="7", prior=0.7)])["7"]
    assert one == pytest.approx(0.7)
    assert one < two < 0.97
    answer, chance = best_answer([Vote(answer="7", prior=0.6), Vote(answer="8", prior=0.8)])
    assert answer == "8"
    assert chance < 0.8


def test_agreement_among_few_choices_proves_less() -> None:
    """Two guesses meet more often when there are two choices than when there are many."""
    votes = [Vote(answer="A", prior=0.7), Vote(answer="A", prior=0.7)]
    assert chances(votes, options=2)["A"] < chances(votes, options=4)["A"]


def test_a_vote_of_somebody_who_guesses_changes_nothing() -> None:
    """A model that is right no more often than chance adds no weight, and never takes any away."""
    strong = Vote(answer="A", prior=0.8)
    assert chances([strong, Vote(answer="B", prior=0.1)], 2)["A"] == pytest.approx(0.8)


def test_equal_answers_go_by_who_came_first() -> None:
    """The same votes always give the same answer."""
    assert best_answer([Vote(answer="x", prior=0.7), Vote(answer="y", prior=0.7)])[0] == "x"

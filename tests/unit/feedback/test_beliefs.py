"""Beliefs: the formula, its bounds, and that order and detours do not matter."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from smart_spawn.feedback import Beliefs, Outcome, Tally, learn
from smart_spawn.feedback.posterior import Ground, Posterior, posterior

NOW = datetime(2026, 8, 8, tzinfo=UTC)
A, B = "vendor/a", "vendor/b"


def outcome(value: float = 5, **changes: object) -> Outcome:
    """Make a vote that differs in what a test cares about."""
    held = {"at": NOW, "voter": "key_1", "kind": "rating", "model": A, "category": "coding", **changes}
    return Outcome(value=value, **held)  # type: ignore[arg-type]  # checked by the class itself


def many(count: int, seed: int = 1) -> list[Outcome]:
    """Draw votes of several people on several models."""
    drawn = random.Random(seed)
    return [
        outcome(
            drawn.randint(1, 5),
            voter=f"key_{drawn.randint(1, 200)}",
            kind=drawn.choice(["rating", "outcome", "gate"]),
            model=f"vendor/{drawn.randint(1, 60)}",
            category=drawn.choice(["coding", "reasoning", "creative"]),
            at=NOW - timedelta(days=drawn.randint(0, 200)),
            cluster=drawn.choice(["", "hard"]),
        )
        for _ in range(count)
    ]


def seventy(model: str, category: str) -> float:
    """Give every model a benchmark score that promises 62."""
    return 70.0


def believed(beliefs: Beliefs) -> Posterior:
    """Return all that is believed of models with such benchmarks."""
    return posterior(beliefs, Ground.of(beliefs, seventy))


def test_the_example_of_the_documents_comes_out() -> None:
    """Fourteen people who rate 4.3 on the whole, and whose other ratings average 3.6, move 62 to about 72 +- 7.5."""
    votes = []
    for person in range(14):
        votes.append(outcome(4.3, voter=f"key_{person}"))
        votes += [outcome(3.575, voter=f"key_{person}", model=f"vendor/{n}") for n in range(28)]
    standing = learn(votes, NOW).standing(A, "coding", seventy)
    assert standing.prior == 62
    assert (standing.votes, round(standing.average or 0, 1)) == (14, 4.3)
    assert standing.spread == pytest.approx(36 / 23**0.5)
    by_hand_offset = 14 * (78 - 62) / (14 + 9)
    by_hand = (9 * (62 + by_hand_offset) + 14 * 78) / 23
    assert standing.belief == pytest.approx(by_hand, abs=0.3)
    assert standing.sentence() == "prior 62, 14 ratings averaging 4.3 -> 76 +- 7.5"


def test_a_rating_means_what_it_means_to_its_rater() -> None:
    """Four stars of somebody who gives five to all others count against the model."""
    votes = [*(outcome(5, model=f"vendor/{n}") for n in range(40)), outcome(4)]
    assert learn(votes, NOW).standing(A, "coding", seventy).belief < 62


def test_categories_of_a_model_share_strength() -> None:
    """Praise for coding lifts the same model's reasoning, by less, and no other model."""
    beliefs = learn([outcome(5, voter=f"key_{n}") for n in range(9)], NOW)
    coding, reasoning = (beliefs.standing(A, c, seventy) for c in ("coding", "reasoning"))
    assert coding.belief > reasoning.belief > 62
    assert (reasoning.votes, reasoning.average, reasoning.spread) == (0, None, 12)
    assert beliefs.standing(B, "coding", seventy).belief == 62


@pytest.mark.parametrize("votes", [50, 5_000])
def test_one_voter_moves_a_model_by_a_bounded_amount(votes: int) -> None:
    """However often somebody votes, it counts as thirty ratings at most, and no belief moves more than 30 points."""
    beliefs = learn([outcome(1) for _ in range(votes)], NOW)
    assert beliefs.own.counts.tolist() == [30]
    liars = [outcome(1, voter=f"key_{n % 50}") for n in range(2_000)]
    assert learn(liars, NOW).standing(A, "coding", seventy).belief >= 32


def test_a_gate_that_lets_everything_pass_hardly_counts() -> None:
    """A thousand answers without a fault are worth three ratings, and an agent's own praise fifteen at most."""
    for kind, most in (("gate", 3), ("plugin", 15)):
        beliefs = learn([outcome(4.1, voter="local", kind=kind) for _ in range(1_000)], NOW)
        assert beliefs.own.counts.tolist() == [most]


def test_old_votes_fade_by_half_in_ninety_days() -> None:
    """A vote counts half after 90 days, and beliefs change from one day to the next only."""
    tally = Tally([outcome(5), outcome(5, model=B, at=NOW - timedelta(days=90))])
    assert tally.beliefs(NOW).own.counts.tolist() == [1.0, 0.5]
    assert tally.beliefs(NOW).version == tally.beliefs(NOW + timedelta(hours=23)).version
    assert tally.beliefs(NOW).version != tally.beliefs(NOW + timedelta(days=1)).version


def test_kinds_of_votes_have_their_own_weight() -> None:
    """A person's rating says more than a gate that does not know the right answer."""
    kinds = ("rating", "outcome", "plugin", "gate")
    beliefs = learn([outcome(5, model=f"vendor/{kind}", kind=kind) for kind in kinds], NOW)
    weights = [beliefs.standing(f"vendor/{kind}", "coding", seventy).weight for kind in kinds]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 4


@pytest.mark.parametrize("shuffle", [1, 2, 3])
def test_order_and_detours_do_not_matter(shuffle: int) -> None:
    """The same votes give the same version in any order, and after votes that were taken back."""
    votes = many(400)
    first = learn(votes, NOW)
    random.Random(shuffle).shuffle(votes)
    tally = Tally()
    for number, vote in enumerate(votes):
        tally.add(outcome(1, model=f"vendor/gone-{number % 7}", cluster="hard"))
        tally.add(vote)
    for number in range(len(votes)):
        tally.remove(outcome(1, model=f"vendor/gone-{number % 7}", cluster="hard"))
    assert tally.beliefs(NOW).version == first.version
    assert learn(votes[:-1], NOW).version != first.version


def test_beliefs_survive_storing_to_the_bit() -> None:
    """What comes back from the store is believed exactly as before."""
    beliefs = learn(many(300), NOW)
    again = Beliefs.decode(beliefs.encode())
    assert again.version == beliefs.version
    rebuilt = Beliefs.of(day=again.day, own=again.own, contexts=again.contexts)
    assert rebuilt.version == beliefs.version
    assert believed(again).beliefs.tolist() == believed(beliefs).beliefs.tolist()


def test_all_beliefs_at_once_are_those_one_by_one() -> None:
    """The arrays that ranking reads say what explanations say."""
    beliefs = learn(many(300), NOW)
    found = believed(beliefs)
    for cell, belief, lack in zip(found.ground.cells, found.beliefs, found.lacks, strict=True):
        standing = beliefs.standing(cell[0], cell[1], seventy)
        assert standing.belief == pytest.approx(float(belief))
        assert standing.spread - 12 == pytest.approx(float(lack))


def test_a_context_adds_only_what_its_category_does_not_say() -> None:
    """A model that is praised for Rust alone gains there, and elsewhere in coding it does not fall below the rest."""
    votes = [outcome(5, voter=f"key_{n}", tags=("rust",)) for n in range(9)]
    votes += [outcome(2, voter=f"key_{n}") for n in range(9)]
    [(context, category, points)] = believed(learn(votes, NOW)).contexts_of(A)
    assert (context, category) == ("rust", "coding")
    assert points > 5


def test_nobody_said_anything_is_no_belief() -> None:
    """Without votes there is one version, `none`, and nothing to align."""
    empty = learn([], NOW)
    assert empty.empty
    assert empty.version == "none"
    assert believed(empty).ground.cells == ()


def test_a_vote_among_thousands_is_believed_within_milliseconds(
    quickest: Callable[[Callable[[], object]], float],
) -> None:
    """One more vote changes sums; nothing is read again."""
    tally = Tally(many(20_000))

    def vote() -> None:
        tally.add(outcome(5, voter="key_7"))
        tally.beliefs(NOW)

    assert quickest(vote) < 0.005


@pytest.fixture
def quickest() -> Callable[[Callable[[], object]], float]:
    """Return what measures the quickest of some calls, in seconds: the others measure what else the machine does."""

    def measure(call: Callable[[], object]) -> float:
        took = []
        for _ in range(10):
            started = time.perf_counter()
            call()
            took.append(time.perf_counter() - started)
        return min(took)

    return measure

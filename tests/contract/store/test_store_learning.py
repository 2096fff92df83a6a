"""What is learned, kept in each database: the spawn log and its sums, votes, beliefs, reports."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import pytest

from smart_spawn.store import PosteriorRow, RatingRow, SpawnRow, Store
from smart_spawn.store.spawn_sums import SUMS
from smart_spawn.store.tables import EPOCH

from .conftest import NOW

OPUS = "anthropic/claude-opus-4.6"


def vote(**changes: object) -> RatingRow:
    """Make a vote that differs in what a test cares about."""
    values = {
        "at": NOW,
        "voter": "local",
        "kind": "rating",
        "model": OPUS,
        "category": "coding",
        "value": 5.0,
    }
    return RatingRow(**{**values, **changes})  # type: ignore[arg-type]  # checked by the class itself


def spawn(**changes: object) -> SpawnRow:
    """Make a line of the spawn log."""
    values = {"at": NOW, "model": OPUS, "category": "coding", "cost_micro_usd": 20, "baseline_micro_usd": 50}
    return SpawnRow(**{**values, **changes})  # type: ignore[arg-type]  # as above


def test_sums_do_not_depend_on_what_was_rolled_up(store: Store) -> None:
    """Before, between and after roll-ups the sums are the same, and a thing is logged once."""
    day = timedelta(days=1)
    for number in range(6):
        store.spawns.put(spawn(at=NOW - number * day / 2, subject=f"run:{number}", ok=number != 0))
    store.spawns.put(spawn(subject="run:0", cost_micro_usd=999))
    store.spawns.put(spawn(mode="cascade", escalated=True, cost_micro_usd=None))

    def total() -> tuple[int, ...]:
        rows = store.spawns.sums(NOW - 10 * day)["model"]
        names = ("spawns", "costed", "cost_micro_usd", "saved_micro_usd", "escalated", "ok", "saved_squared")
        return tuple(int(sum(getattr(row, name) for row in rows)) for name in names)

    assert total() == (7, 6, 120, 180, 1, 5, 5400)
    assert store.spawns.roll_up(NOW, limit=3) == 3  # the youngest rows may still be joined by older ones
    assert total() == (7, 6, 120, 180, 1, 5, 5400)
    while store.spawns.roll_up(NOW + day):
        pass
    assert total() == (7, 6, 120, 180, 1, 5, 5400)
    assert [row.spawns for row in store.spawns.sums(NOW)["day"]] == [2 + 1]


def by_hand(rows: Sequence[SpawnRow], way: str) -> dict[str, dict[str, float]]:
    """Add rows up by one way of looking at them, as the store should."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        name = row.at.date().isoformat() if way == "day" else getattr(row, way)
        sums = found.setdefault(name, dict.fromkeys(SUMS, 0))
        cost, baseline = row.cost_micro_usd, row.baseline_micro_usd
        saved = None if cost is None or baseline is None else baseline - cost
        for each, value in {
            "spawns": 1,
            "costed": cost is not None,
            "cost_micro_usd": cost or 0,
            "estimated_micro_usd": (cost or 0) if row.estimated else 0,
            "compared": saved is not None,
            "saved_micro_usd": saved or 0,
            "saved_squared": (saved or 0) ** 2,
            "could_escalate": row.escalated is not None,
            "escalated": bool(row.escalated),
            "judged": row.ok is not None,
            "ok": bool(row.ok),
        }.items():
            sums[each] += value
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_sums_are_those_of_the_rows_whoever_asks(store: Store, seed: int) -> None:
    """By day, model, category, mode and caller, of one caller and of all, whatever was rolled up by then."""
    rng = random.Random(seed)
    rows = [
        spawn(
            at=NOW - timedelta(hours=rng.randrange(200)),
            caller=rng.choice(["local", "key_1", "key_2"]),
            model=rng.choice([OPUS, "acme/small", "bolt/large"]),
            category=rng.choice(["coding", "creative"]),
            mode=rng.choice(["single", "cascade"]),
            cost_micro_usd=rng.choice([None, rng.randrange(10**6)]),
            baseline_micro_usd=rng.choice([None, rng.randrange(10**6)]),
            estimated=rng.random() < 0.5,
            escalated=rng.choice([None, True, False]),
            ok=rng.choice([None, True, False]),
        )
        for _ in range(150)
    ]
    since = NOW - timedelta(days=4)
    for at, row in enumerate(rows, 1):
        store.spawns.put(row)
        if at % 50:
            continue
        seen = [row for row in rows[:at] if row.at.date() >= since.date()]
        for caller in (None, "key_1", "nobody"):
            held = [row for row in seen if caller in (None, row.caller)]
            for way, sums in store.spawns.sums(since, caller=caller).items():
                shown = {row.name: {name: getattr(row, name) for name in SUMS} for row in sums}
                assert shown == by_hand(held, way)
                assert list(shown) == sorted(shown)
        store.spawns.roll_up(NOW + timedelta(days=1), limit=30)


def test_the_newest_savings_of_a_caller_come_first(store: Store) -> None:
    """Not more than asked for, none from before the day, and none without a cost and a baseline."""
    for days, cost in ((0, 10), (5, 20), (1, 30), (0, 40)):
        store.spawns.put(spawn(at=NOW - timedelta(days=days), cost_micro_usd=cost, caller="key_1"))
    store.spawns.put(spawn(cost_micro_usd=None))
    store.spawns.put(spawn(cost_micro_usd=1))
    store.writer.flush()
    first = (NOW - EPOCH).days - 1
    assert store.spawns.saved(first, caller="key_1", limit=9) == [10, 40, 20]
    assert store.spawns.saved(first, caller=None, limit=2) == [49, 10]


@pytest.mark.parametrize("rolled_up", [False, True])
def test_sums_are_plain_numbers(store: Store, rolled_up: bool) -> None:
    """Statistics divide them; a database that adds integers up to decimals must not show."""
    store.spawns.put(spawn())
    while rolled_up and store.spawns.roll_up(NOW + timedelta(days=1)):
        pass
    (row,) = store.spawns.sums(NOW)["mode"]
    assert {type(value) for value in asdict(row).values()} <= {int, str, float}
    assert type(row.cost_micro_usd) is type(row.saved_micro_usd) is int


def test_a_second_vote_on_the_same_subject_replaces_the_first(store: Store) -> None:
    """Both stay in the log; only the newest of a voter counts, whether it is stars, a word or what an agent saw."""
    first = store.ratings.add(vote(subject="dec_1", value=2, kind="plugin"))
    word = store.ratings.add(vote(subject="dec_1", value=4.1, kind="outcome"))
    second = store.ratings.add(vote(subject="dec_1", value=1))
    store.ratings.add(vote(subject="dec_1", value=5, voter="key_2"))
    store.ratings.add(vote(value=4))
    store.ratings.add(vote(value=4))

    assert (word.replaces, second.replaces) == (first.id, word.id)
    counts = store.ratings.counts(NOW - timedelta(days=1), kinds=("rating", "outcome", "plugin"), least=3.5)
    assert counts == [(OPUS, "coding", 4, 3)]
    assert [row.value for row in store.ratings.after(word.id)] == [1, 5, 4, 4]


@pytest.mark.parametrize(("which", "left"), [("voter", 1), ("day", 2)])
def test_votes_of_one_voter_or_day_can_be_reversed(store: Store, which: str, left: int) -> None:
    """What was reversed counts no more, is still there, and every process sees that something changed."""
    store.ratings.add(vote(voter="key_bad"))
    store.ratings.add(vote(voter="key_bad", at=NOW - timedelta(days=3)))
    store.ratings.add(vote(voter="key_good", at=NOW - timedelta(days=3)))
    before = store.ratings.version()
    span = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    done = store.ratings.reverse(
        NOW,
        voter="key_bad" if which == "voter" else None,
        since=span["since"] if which == "day" else None,
        until=span["until"] if which == "day" else None,
    )
    assert done.votes == 3 - left
    reversed_version = store.ratings.version()
    assert reversed_version != before
    assert (
        sum(n for _, _, n, _ in store.ratings.counts(NOW - timedelta(days=9), kinds=("rating",), least=3))
        == left
        == len(list(store.ratings.standing()))
    )
    assert len(list(store.ratings.after(0))) == 3

    undone = store.ratings.undo(done.id, NOW)
    assert undone is not None
    assert undone.votes == done.votes
    assert len(list(store.ratings.standing())) == 3
    assert store.ratings.version() not in (before, reversed_version)
    assert store.ratings.undo(done.id, NOW) is None
    assert [row.act for row in store.ratings.acts()] == ["reverse", "undo"]


def test_a_voter_has_one_vote_on_a_subject_whatever_was_reversed_between(store: Store) -> None:
    """A vote that was reversed gives way to the one before it, and a new one replaces them both."""
    day = timedelta(days=1)
    store.ratings.add(vote(subject="dec_1", value=5, at=NOW - 2 * day))
    store.ratings.add(vote(subject="dec_1", value=1, at=NOW - day))
    act = store.ratings.reverse(NOW, voter=None, since=NOW - 1.5 * day, until=NOW)
    assert [row.value for row in store.ratings.standing()] == [5]
    store.ratings.add(vote(subject="dec_1", value=3))
    assert [row.value for row in store.ratings.standing()] == [3]
    store.ratings.undo(act.id, NOW)
    assert [row.value for row in store.ratings.standing()] == [3]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_counts_is_the_newest_that_was_not_reversed(store: Store, seed: int) -> None:
    """However often votes were replaced, reversed and restored, everything that counts votes counts the same ones."""
    rng, acts = random.Random(seed), list[int]()
    for step in range(60):
        at = NOW + timedelta(minutes=step)
        if step % 10 == 7:
            acts.append(store.ratings.reverse(at, voter=f"key_{rng.randrange(3)}", since=None, until=None).id)
        elif step % 10 == 9 and rng.random() < 0.7:
            store.ratings.undo(acts.pop(rng.randrange(len(acts))), at)
        else:
            store.ratings.add(
                vote(
                    at=NOW - timedelta(days=rng.randrange(30)),
                    voter=f"key_{rng.randrange(3)}",
                    subject=rng.choice(["", "run_1", "run_2"]),
                    kind=rng.choice(["rating", "gate"]),
                    value=float(rng.randint(1, 5)),
                )
            )
    newest: dict[object, RatingRow] = {}
    for row in store.ratings.after(0):
        if row.reversed_at is None:
            newest[(row.voter, row.subject, row.kind) if row.subject else row.id] = row
    standing = sorted(newest.values(), key=lambda row: row.id)
    assert list(store.ratings.standing()) == standing

    rated = [row for row in standing if row.kind == "rating"]
    long_ago, split = NOW - timedelta(days=90), NOW - timedelta(days=14)
    assert store.ratings.counts(long_ago, kinds=("rating",), least=3.5) == [
        (OPUS, "coding", len(rated), sum(row.value >= 3.5 for row in rated))
    ]
    old, new = ([row for row in standing if (row.at >= split) is late] for late in (False, True))
    assert store.ratings.windows(long_ago, split, least=3.5) == [
        (OPUS, len(old), sum(r.value >= 3.5 for r in old), len(new), sum(r.value >= 3.5 for r in new))
    ]


def test_exported_votes_come_back_once(store: Store) -> None:
    """Importing the same votes twice adds them once, replacements included."""
    store.ratings.add(vote(subject="dec_1", value=5))
    store.ratings.add(vote(subject="dec_1", value=2, at=NOW + timedelta(seconds=1)))
    exported = list(store.ratings.after(0))
    other = Store.in_memory()
    assert other.ratings.add_all(exported) == 2
    assert other.ratings.add_all(exported) == 0
    assert [(row.value, row.replaces is None) for row in other.ratings.after(0)] == [(5, True), (2, False)]
    other.close()


def test_windows_and_the_gate_are_counted_from_votes_that_count(store: Store) -> None:
    """A drop shows between two windows; accepted answers that were judged later tell how precise the gate is."""
    for number in range(4):
        store.ratings.add(vote(at=NOW - timedelta(days=30), value=5))
        store.ratings.add(vote(value=5 if number == 0 else 1))
        store.ratings.add(vote(kind="gate", subject=f"run_{number}", value=4.1))
    store.ratings.add(vote(subject="run_0", value=1, kind="outcome"))
    store.ratings.add(vote(subject="run_0", value=5))
    store.ratings.add(vote(subject="run_1", value=5))
    store.ratings.add(vote(subject="run_1", value=1, kind="outcome"))  # the last word counts
    windows = store.ratings.windows(NOW - timedelta(days=90), NOW - timedelta(days=14), least=3.5)
    assert windows == [(OPUS, 4, 4, 10, 6)]
    assert store.ratings.accepted(NOW - timedelta(days=90), least=3.5) == (2, 1)


def test_beliefs_are_found_by_version(store: Store) -> None:
    """A snapshot is there as soon as a decision may name it, and an unknown version is nothing."""
    store.beliefs.save("abc", lambda: b"body", NOW)
    assert store.beliefs.get("abc") == b"body"
    assert store.beliefs.get("nowhere") is None
    store.prune(1, NOW + timedelta(days=2))
    assert store.beliefs.get("abc") is not None  # decisions of the same day may still name it
    store.prune(1, NOW + timedelta(days=4))
    assert store.beliefs.get("abc") is None


def test_reports_add_up_per_contributor_and_posteriors_are_replaced(store: Store) -> None:
    """A contributor has one row for each model and category; a publisher's newest file is all that counts."""
    for _ in range(3):
        store.community.report("someone", OPUS, "coding", 4, caller="key_1", at=NOW)
    store.community.report("someone", OPUS, "coding", 4, caller="key_1", at=NOW + timedelta(days=1))
    [row] = store.community.reports("coding")
    assert (row.ratings, row.total) == (4, 16)
    assert store.community.reports_of("key_1", NOW) == 0
    assert store.community.reports_of("key_1", NOW + timedelta(days=1)) == 1

    before = store.community.version()
    old = PosteriorRow(publisher="pub", model=OPUS, category="coding", rating=3, contributors=5, at=NOW)
    store.community.put_posteriors("pub", [old])
    store.community.put_posteriors("pub", [])
    assert store.community.posteriors() == []
    store.community.put_posteriors("pub", [old])
    assert store.community.version() != before

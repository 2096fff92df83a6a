"""Beliefs beside a catalogue: what was worked out before is used again and changes nothing."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest

from smart_spawn.catalog.layout import prior_of
from smart_spawn.catalog.learned import Learned
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.feedback import Beliefs, Outcome, Tally
from smart_spawn.feedback.beliefs import FARTHEST, PRIOR_VOTES, base_of, in_scores
from smart_spawn.feedback.community import Report, community, nudge
from smart_spawn.model import CATEGORIES
from tests.unit.builders import NOW, catalog, listing

MODELS = [f"vendor/{n}" for n in range(12)]
CELLS = [str(category) for category in CATEGORIES]


@pytest.fixture(scope="module")
def shop() -> Catalog:
    """Return a dozen models, of which some have benchmarks and one has two rows."""
    boards = ["livebench_coding", "lmarena_coding", "livebench_reasoning"]
    listings = [
        listing(model, "1", can={"supported_efforts": ("low", "high")} if n == 3 else {})
        for n, model in enumerate(MODELS)
    ]
    scores = {model: dict.fromkeys(boards, n / 9) for n, model in enumerate(MODELS[:9])}
    return catalog(listings, scores)


def drawn(rng: random.Random) -> Outcome:
    """Draw a vote, now and then on a model or category that the catalogue does not know."""
    return Outcome(
        at=NOW - timedelta(days=rng.random() * 200),
        voter=f"key_{rng.randrange(9)}",
        kind=rng.choice(["rating", "outcome", "gate"]),
        model=rng.choice([*MODELS, "gone/model"]),
        category=rng.choice([*CELLS, "of-another-release"]),
        value=float(rng.randint(1, 5)),
        tags=rng.choice([(), ("rust",), ("rust", "security")]),
        cluster=rng.choice(["plain", "hard"]),
    )


def others(rng: random.Random) -> list[Report]:
    """Draw what other installations report."""
    return [
        Report(
            contributor=f"c{rng.randrange(9)}",
            model=rng.choice(MODELS),
            category=rng.choice(CELLS),
            ratings=3,
            total=3.0 * rng.randint(1, 5),
        )
        for _ in range(60)
    ]


def by_hand(beliefs: Beliefs, shop: Catalog) -> dict[tuple[int, int], float]:
    """Work out what votes add to each row and category, cell by cell."""
    prior, said = prior_of(shop), beliefs.community
    heard = {cell: at for at, cell in enumerate(said.cells)}
    found: dict[tuple[int, int], float] = {}
    for model in {cell[0] for cell in beliefs.own.cells} & set(shop.index):
        offset = beliefs.offset(model, prior)
        for row in shop.rows_of[model]:
            for at, category in enumerate(CELLS):
                place = beliefs.place.get((model, category))
                if place is None:
                    found[row, at] = in_scores(min(max(offset, -FARTHEST), FARTHEST))
                    continue
                base, n = base_of(prior(model, category)), float(beliefs.own.counts[place])
                full = PRIOR_VOTES * (base + offset) + float(beliefs.own.totals[place])
                belief = min(max(full / (PRIOR_VOTES + n), base - FARTHEST), base + FARTHEST)
                nudged = 0.0
                if (there := heard.get((model, category))) is not None:
                    variance = shop.rows.table.variances[shop.rows_of[model].start, at]
                    points = float(said.totals[there] / said.counts[there])
                    nudged = float(nudge(*map(np.array, ([belief], [n], [points], [variance])))[0])
                found[row, at] = in_scores(belief - base + nudged)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_beliefs_laid_one_after_the_other_are_those_laid_afresh(shop: Catalog, seed: int) -> None:
    """Votes that come, are replaced and go leave the same bytes as a process that just started, to the last bit."""
    rng = random.Random(seed)
    votes = [drawn(rng) for _ in range(rng.choice([3, 60, 900]))]
    tally, said = Tally(votes), community(others(rng))
    before: Learned | None = None
    reused = 0
    for step in range(40):
        if step % 5 == 4:
            tally.remove(votes.pop())
        else:
            votes.append(drawn(rng))
            tally.add(votes[-1])
        beliefs = tally.beliefs(NOW)
        if seed % 2:
            beliefs = beliefs.with_community(said)
        laid, afresh = Learned.of(beliefs, shop, before), Learned.of(beliefs, shop)
        assert laid is not None
        assert afresh is not None
        reused += before is not None and laid.layout is before.layout
        assert content(laid) == content(afresh)
        before = laid
    assert reused or len(votes) < 900
    assert before is not None
    shown = {
        (int(row), at): before.shift[n, at] for n, row in enumerate(before.rows) for at in range(len(CELLS))
    }
    assert shown == pytest.approx(by_hand(before.beliefs, shop))


def test_another_catalogue_has_other_places(shop: Catalog) -> None:
    """What was worked out beside one catalogue is not used beside the next."""
    beliefs = Tally(drawn(random.Random(n)) for n in range(50)).beliefs(NOW)
    smaller = catalog([listing(model) for model in MODELS[5:]])
    before, afresh = Learned.of(beliefs, shop), Learned.of(beliefs, smaller)
    laid = Learned.of(beliefs, smaller, before)
    assert laid is not None
    assert afresh is not None
    assert content(laid) == content(afresh)


def content(learned: Learned) -> tuple[object, ...]:
    """Return every byte that choices read."""
    return (
        learned.version,
        learned.rows.tobytes(),
        dict(learned.place),
        *(matrix.tobytes() for matrix in (learned.shift, learned.spread, learned.lack)),
        {name: (places.tobytes(), change.tobytes()) for name, (places, change) in learned.contexts.items()},
    )

"""The pipeline: batches of listings and measurements → one frozen, content-addressed catalogue."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.facts import decode, encode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import StoreCorrupt
from smart_spawn.model import Category
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.sources.base import Batch, Measurement
from tests.unit.builders import listing

AS_OF = date(2026, 8, 8)
NAMES = ("alpha-1", "beta-2", "gamma-3", "delta-4", "omega-5", "zeta-6")


def measured(name: str, value: float, benchmark: str = "lmarena_coding", **options: Any) -> Measurement:
    values: dict[str, Any] = {"source": benchmark.partition("_")[0], "unit": "elo", "published_on": AS_OF}
    return Measurement(benchmark=benchmark, published_name=name, value=value, **{**values, **options})


def batches(*extra: Measurement) -> list[Batch]:
    models = tuple(
        listing(f"acme/{name}", "1", can={"supported_efforts": ("high", "low"), "default_effort": "low"})
        if name == "omega-5"
        else listing(f"acme/{name}", "1")
        for name in NAMES
    )
    rows = [measured(name, 1400.0 + 20 * n) for n, name in enumerate(NAMES)]
    return [
        Batch(source="openrouter", listings=models),
        Batch(source="lmarena", measurements=(*rows, *extra), published_on=AS_OF),
    ]


def built(parts: list[Batch], **options: Any) -> Catalog:
    values: dict[str, Any] = {"weights": shipped_weights(), "as_of": AS_OF}
    return build_catalog(parts, **{**values, **options})


def z_of(catalog: Catalog, model: str, published: str | None = None) -> float:
    [found] = [
        r for r in catalog.readings_of[f"acme/{model}"] if published is None or r.published_name == published
    ]
    return found.z


def test_readings_become_z_scores_over_their_board() -> None:
    """The mean of the cohort has z 0; a cohort of six evenly spaced readings has known ends."""
    catalog = built(batches())
    values = [z_of(catalog, name) for name in NAMES]
    assert sum(values) == pytest.approx(0)
    assert values[-1] == pytest.approx(1.4639, abs=1e-3)


def test_a_model_with_several_efforts_counts_once_in_its_cohort() -> None:
    """Publishing more rows of one model moves nobody's mean; each row keeps its own effort and z."""
    plain = built(batches())
    more = built(batches(measured("omega-5-high", 1600.0)))
    assert z_of(more, "alpha-1") == pytest.approx(z_of(plain, "alpha-1"))
    assert {r.effort for r in more.readings_of["acme/omega-5"]} == {None, "high"}
    assert z_of(more, "omega-5", "omega-5-high") > z_of(more, "omega-5", "omega-5")


def test_models_that_nobody_sells_still_belong_to_the_cohort() -> None:
    """A z-score says how good a model is among all that the board tested, not among those for sale here."""
    catalog = built(batches(measured("unsold-9", 1360.0), measured("unsold-8", 1370.0)))
    assert {u.published_name for u in catalog.facts.unmatched} == {"unsold-9", "unsold-8"}
    assert z_of(catalog, "alpha-1") > z_of(built(batches()), "alpha-1")


def test_editions_of_a_board_never_share_a_scale() -> None:
    """The same number means other things in two index versions; an old edition serves only what the new one lacks."""
    old = [
        measured(n, 10.0 + i, "livebench_coding", edition="old", superseded=True, unit="percent")
        for i, n in enumerate(NAMES)
    ]
    new = [
        measured(n, 50.0 + i, "livebench_coding", edition="new", unit="percent")
        for i, n in enumerate(NAMES[:5])
    ]
    catalog = built([*batches(), Batch(source="livebench", measurements=(*old, *new))])
    used = {c.listing.id: c.readings["livebench_coding"].edition for c in catalog.candidates if c.plain}
    assert used == {f"acme/{n}": "new" for n in NAMES[:5]} | {"acme/zeta-6": "old"}
    assert [c.inherited("livebench_coding") for c in catalog.candidates if c.listing.id == "acme/zeta-6"] == [
        "edition"
    ]


def test_a_suspected_unit_error_is_set_aside_and_named() -> None:
    """A reading in another unit is neither averaged in nor silently lost."""
    rows = [measured(f"extra-{n}", 1400.0 + 5 * n) for n in range(20)]
    catalog = built(batches(*rows, measured("alpha-1-2026-01-01", 0.93)))
    assert [a.published_name for a in catalog.facts.set_aside] == ["alpha-1-2026-01-01"]
    assert z_of(catalog, "alpha-1") == pytest.approx(z_of(built(batches(*rows)), "alpha-1"))


def test_neither_the_order_of_sources_nor_of_rows_changes_the_version() -> None:
    """A catalogue is named by its content, so shuffled input is the same catalogue."""
    parts = batches(measured("omega-5-high", 1600.0), measured("unsold-9", 1000.0))
    first = built(parts)
    shuffle = random.Random(7)
    for _ in range(5):
        mixed = [
            Batch(
                source=b.source,
                listings=tuple(shuffle.sample(b.listings, len(b.listings))),
                measurements=tuple(shuffle.sample(b.measurements, len(b.measurements))),
                published_on=b.published_on,
            )
            for b in shuffle.sample(parts, len(parts))
        ]
        assert built(mixed).version == first.version


def test_the_moment_of_download_does_not_name_a_catalogue() -> None:
    """The same data fetched again is the same catalogue; other weights or another day are not."""
    first = built(batches(), fetched_at={"lmarena": datetime(2026, 8, 8, tzinfo=UTC)})
    again = built(batches(), fetched_at={"lmarena": datetime(2026, 8, 8, 9, tzinfo=UTC)})
    assert first.version == again.version
    assert built(batches(), as_of=date(2026, 8, 9)).version != first.version
    weights = {**shipped_weights(), Category.CODING: {"lmarena_coding": 1.0}}
    assert built(batches(), weights=weights).version != first.version


def test_facts_survive_writing_and_reading() -> None:
    """What is exported and read again is equal, scores included."""
    catalog = built(batches(measured("omega-5-high", 1600.0)))
    again = Catalog.of(decode(encode(catalog.facts)))
    assert again.version == catalog.version
    assert (again.rows.table.scores == catalog.rows.table.scores).all()


@pytest.mark.parametrize("body", [b"", b"{}", b"[1, 2]", b'{"format": 99}'])
def test_what_is_no_catalogue_is_refused_in_words(body: bytes) -> None:
    """A damaged file is an error that says so, not a trace-back."""
    with pytest.raises(StoreCorrupt):
        decode(body)


def test_a_source_that_is_missing_altogether_keeps_what_was_known() -> None:
    """One source down leaves the catalogue as good as before: its readings are carried over, and it says so."""
    before = built(batches())
    after = built(batches()[:1], earlier=before.facts, missing=["lmarena"])
    assert [r.z for r in after.facts.readings] == [r.z for r in before.facts.readings]
    assert after.facts.carried == ("lmarena",)
    no_list = built(batches()[1:], earlier=before.facts, missing=["openrouter"])
    assert no_list.listings == before.listings


def test_a_variant_has_the_evidence_of_its_plain_model_marked() -> None:
    """`:free` was not tested by anybody; it inherits, at less weight, and says so."""
    parts = batches()
    free = listing("acme/alpha-1:free", "0", "0")
    parts[0] = Batch(source="openrouter", listings=(*parts[0].listings, free))
    catalog = built(parts)
    plain, variant = (
        catalog.candidates[catalog.rows_of[m].start] for m in ("acme/alpha-1", "acme/alpha-1:free")
    )
    assert variant.readings["lmarena_coding"] == plain.readings["lmarena_coding"]
    assert variant.inherited("lmarena_coding") == "variant"
    assert variant.quality["lmarena_coding"] < plain.quality["lmarena_coding"]

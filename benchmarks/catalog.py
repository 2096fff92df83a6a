"""Time and memory of building a catalogue: from the packaged readings' own size, and 10,000 models x 60 boards."""

from __future__ import annotations

import argparse
import random
import resource
import time
from datetime import date
from decimal import Decimal

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.facts import encode
from smart_spawn.model import Capabilities, Category, Listing, Price, Rates
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.sources.base import Batch, Measurement

AS_OF = date(2026, 8, 8)
WORDS = ("aurora", "basalt", "cinder", "delta", "ember", "fjord", "glyph", "harbor", "indigo", "juniper")


def listings(count: int) -> tuple[Listing, ...]:
    """Invent models; every fourth knows three efforts."""
    return tuple(
        Listing(
            id=f"maker{n % 97}/{WORDS[n % 10]}{n // 10}-{n % 7}",
            name=f"Maker {n % 97}: {WORDS[n % 10].title()}{n // 10} {n % 7}",
            context_tokens=128_000,
            price=Price(
                base=Rates(
                    prompt_usd_per_mtok=Decimal(n % 900 + 1) / 100,
                    completion_usd_per_mtok=Decimal(n % 900 + 1) / 20,
                )
            ),
            capabilities=Capabilities(
                reasoning=n % 4 == 0,
                supported_efforts=("high", "medium", "low") if n % 4 == 0 else (),
                default_effort="medium" if n % 4 == 0 else None,
            ),
        )
        for n in range(count)
    )


def batches(models: int, boards: int, seed: int = 7) -> list[Batch]:
    """Invent a source of listings and one of readings on every board, most of the weighed boards among them."""
    chance = random.Random(seed)
    offered = listings(models)
    strength = [chance.gauss(0, 1) for _ in offered]
    names = sorted({b for row in shipped_weights().values() for b in row if not b.startswith("catalog_")})
    names = (names + [f"board_{n}" for n in range(boards)])[:boards]
    rows = tuple(
        Measurement(
            source="bench",
            benchmark=name,
            published_name=listing.id.partition("/")[2],
            value=50 + 10 * (power + chance.gauss(0, 0.5)),
            unit="points",
            published_on=AS_OF,
        )
        for name in names
        for listing, power in zip(offered, strength, strict=True)
    )
    return [Batch(source="openrouter", listings=offered), Batch(source="bench", measurements=rows)]


def main() -> None:
    """Build once and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--boards", type=int, default=60)
    given = parser.parse_args()
    parts = batches(given.models, given.boards)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, cpu = time.perf_counter(), time.process_time()
    catalog = build_catalog(parts, weights=shipped_weights(), as_of=AS_OF)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = len(encode(catalog.facts))
    found = len(catalog.facts.readings)
    print(f"{given.models:,} models x {given.boards} boards: {took:.1f} s ({cpu:.1f} s of CPU)")
    print(f"{found:,} readings placed, {size / 1e6:.0f} MB of facts, version {catalog.version}")
    print(
        f"peak memory {peak:.0f} MB, of which the input {before:.0f} MB; "
        f"{Category.CODING} has {len(catalog.boards)} boards"
    )


if __name__ == "__main__":
    main()

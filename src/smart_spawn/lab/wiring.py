"""The lab over an app: its catalogue, its rules, its price history, its stored decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from smart_spawn.app import SmartSpawn
from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.policies import Policies, Prices
from smart_spawn.lab.reading import Counts
from smart_spawn.lab.replay import Tally
from smart_spawn.matching.index import NameIndex
from smart_spawn.model import Price
from smart_spawn.routing.decision import decode_decision


def tally_of(app: SmartSpawn) -> Tally:
    """Return an empty tally under the owner's settings and the catalogue of now. Raises NoCatalog."""
    catalog = app.catalog

    def history(model: str) -> Sequence[tuple[date, Price]]:
        return [(point.day, point.price) for point in app.store.prices.of(model)]

    return Tally(
        policies=Policies(
            catalog=catalog,
            choose=app.preview,
            request=app.request,
            min_capability=app.settings.min_capability,
            names=NameIndex.of(catalog.listings),
        ),
        prices=Prices(catalog=catalog, history=history, now=app.now()),
        answer_tokens=app.settings.routing.expected_answer_tokens,
    )


def stored_calls(app: SmartSpawn, counts: Counts) -> Iterator[LoggedCall]:
    """Yield every stored decision as a call: what a task needed is known, how long its answer was is not."""
    for row in app.store.decisions.each():
        decision = decode_decision(row.body)
        counts.lines += 1
        counts.formats["smart-spawn"] += 1
        yield LoggedCall(
            format="smart-spawn",
            model=decision.selected.model,
            at=decision.created_at,
            category=decision.category,
            prompt_tokens=decision.task.tokens,
        )

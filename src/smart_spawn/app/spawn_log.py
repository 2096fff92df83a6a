"""The spawn log: what was done by which model, for how much, and what the gate found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import numpy as np

from smart_spawn.app.voting import LOCAL, tags_of
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.feedback.outcome import value_of
from smart_spawn.model import CATEGORIES, Mode
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.rank import expected_cost_usd
from smart_spawn.spawn.carry import Job
from smart_spawn.spawn.outcome import SpawnOutcome
from smart_spawn.store import RatingRow, SpawnRow, Store

TYPICAL_PROMPT_TOKENS = 1_000
"""How long the prompt is taken to be of something that was only reported to us."""
_MICRO = Decimal(1_000_000)


class SpawnLog:
    """Writes the spawn log. A run is logged once, however often it is resumed."""

    def __init__(self, store: Store, policy: RoutingPolicy, now: Callable[[], datetime]) -> None:
        self._store = store
        self._policy = policy
        self._now = now

    def ran(self, run_id: str, job: Job, outcome: SpawnOutcome) -> None:
        """Log a run that ended, under the model whose answer it is, and what the gate found of each answer."""
        model = outcome.model or next((a.model for a in outcome.responses), None)
        if model is None:
            return  # nobody was called
        at = self._now()
        self._store.spawns.put(
            SpawnRow(
                at=at,
                model=model,
                category=job.category,
                caller=job.caller or LOCAL,
                subject=f"run:{run_id}",
                decision_id=job.decision_id or None,
                run_id=run_id,
                budget=job.budget,
                mode=str(job.mode),
                source="run",
                tags=",".join(job.tags),
                cost_micro_usd=_micro(outcome.cost.usd),
                estimated=outcome.cost.source == "list-price",
                baseline_micro_usd=_micro(outcome.cost.baseline_usd),
                escalated=None if outcome.escalations is None else bool(outcome.escalations),
                ok=outcome.status == "succeeded",
            )
        )
        self._judge(run_id, job, outcome, at)

    def reported(
        self,
        model: str,
        category: str,
        catalog: Catalog,
        *,
        budget: str = "",
        mode: str = "single",
        role: str | None = None,
        source: str = "",
        context: tuple[str, ...] = (),
        caller: str | None = None,
    ) -> bool:
        """Log what somebody did without us; its cost is estimated by list prices. False when it was dropped."""
        cost, baseline = self._estimate(model, category, catalog)
        return self._store.spawns.put(
            SpawnRow(
                at=self._now(),
                model=model,
                category=category,
                caller=caller or LOCAL,
                budget=budget,
                mode=mode,
                role=role,
                source=source,
                tags=tags_of(context),
                cost_micro_usd=cost,
                estimated=True,
                baseline_micro_usd=baseline,
            )
        )

    def _judge(self, run_id: str, job: Job, outcome: SpawnOutcome, at: datetime) -> None:
        """Let the gate vote on every answer that it looked at. The steps of a plan are of other categories."""
        if job.mode in (Mode.PLAN, Mode.SWARM):
            return
        for number, attempt in enumerate(outcome.responses):
            if attempt.verdict is None:
                continue
            final = attempt.model == outcome.model and attempt.text == outcome.output
            self._store.ratings.add(
                RatingRow(
                    at=at,
                    voter=job.caller or LOCAL,
                    subject=run_id if final else f"{run_id}#{number}",
                    kind="gate",
                    model=attempt.model,
                    category=job.category,
                    tags=",".join(job.tags),
                    cluster=job.cluster,
                    value=value_of("success" if attempt.verdict.accepted else "failure"),
                )
            )

    def _estimate(self, model: str, category: str, catalog: Catalog) -> tuple[int | None, int | None]:
        """Return what a task of usual length costs, and what it costs at the best model at any price."""
        rows = catalog.rows_of.get(model)
        place = next((at for at, name in enumerate(CATEGORIES) if name == category), None)
        if rows is None or place is None:
            return None, None
        cost = expected_cost_usd(catalog, self._policy, prompt_tokens=TYPICAL_PROMPT_TOKENS, at=self._now())
        usable = catalog.models.servable[catalog.rows.model] & ~np.isnan(cost)
        scores = np.where(usable, catalog.rows.table.scores[:, place], -np.inf)
        own, best = float(cost[rows.start]), float(cost[int(np.argmax(scores))])
        return (None if np.isnan(own) else round(own * 1e6)), (round(best * 1e6) if usable.any() else None)


def _micro(value: Decimal | None) -> int | None:
    return None if value is None else int((value * _MICRO).to_integral_value())

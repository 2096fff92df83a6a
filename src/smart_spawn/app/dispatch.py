"""From a decision to calls that can be made: who serves which model, under which limits, against which baseline."""

from __future__ import annotations

from dataclasses import dataclass

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Budget, Effort
from smart_spawn.providers.dialects import dialect_of
from smart_spawn.providers.registry import Providers, no_provider
from smart_spawn.routing.data_policy import admitted
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.explain import rerun
from smart_spawn.routing.policy import OwnHost, RoutingPolicy
from smart_spawn.routing.request import DataPolicy
from smart_spawn.runs.ports import ChatClient
from smart_spawn.settings import Settings
from smart_spawn.spawn.outcome import Baseline, Rung

RUNGS = 4
"""The selected model and up to three fallbacks."""


def own_hosts(settings: Settings) -> tuple[OwnHost, ...]:
    """Describe the configured providers as hosts, with what their owner declares about prompts."""
    return tuple(
        OwnHost(
            name=name,
            models=row.models,
            region=row.data_policy.region,
            trains=row.data_policy.trains_on_prompts,
            retains=row.data_policy.retains_prompts,
            relays=dialect_of(name, row.base_url).passes_prompts_on,
        )
        for name, row in settings.providers.items()
    )


def callable_models(settings: Settings, catalog: Catalog) -> tuple[str, ...]:
    """List the ids and patterns that the providers serve; empty when some provider serves every id."""
    rows = settings.providers.values()
    if not all(row.models for row in rows):
        return ()
    own = (listing.id for listing in catalog.listings if listing.served_by in settings.providers)
    return (*(m for row in rows for m in row.models), *own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Who serves which model, and under which limits a prompt may go there."""

    catalog: Catalog
    chat: ChatClient
    settings: Settings
    policy: RoutingPolicy

    def rung(
        self,
        model_id: str,
        effort: Effort | None,
        wanted: DataPolicy,
        *,
        score: float = 50.0,
        expected_cost_usd: float | None = None,
    ) -> Rung | None:
        """Return all that is needed to call a model; None when nobody serves it, or nobody may see the prompt."""
        chat = self.chat
        serving = chat.serving(model_id) if isinstance(chat, Providers) else None
        if isinstance(chat, Providers) and serving is None:
            return None
        listing = self.catalog.listings[self.catalog.index[model_id]]
        where = admitted(listing, wanted, self.policy)
        if not where.hosts and where.limited:
            return None  # the last check before a prompt leaves: the policy holds whatever routing said
        return Rung(
            model_id=model_id,
            provider=serving.provider if serving else "fake",
            price=listing.price,
            effort=effort,
            supports_effort=bool(listing.capabilities.supported_efforts),
            max_output_tokens=listing.max_output_tokens,
            timeout_s=serving.timeout_s if serving else self.settings.run_timeout_s,
            retries=serving.max_retries if serving else 1,
            prior=prior_of(score),
            expected_cost_usd=expected_cost_usd,
            only_hosts=where.hosts if where.limited else (),
            deny_training=not (wanted.allow_training and self.policy.allow_training),
            zero_retention=wanted.zero_retention,
        )

    def ladder(self, decision: Decision) -> list[Rung]:
        """Turn the choices of a decision into rungs that can be called, best first. Raises NoProvider."""
        wanted = decision.request.data_policy
        choices = (decision.selected, *decision.others[: RUNGS - 1])
        found = [
            self.rung(c.model, c.effort, wanted, score=c.score, expected_cost_usd=c.expected_cost_usd)
            for c in choices
        ]
        return self.some([rung for rung in found if rung is not None], decision)

    def some(self, rungs: list[Rung], decision: Decision) -> list[Rung]:
        """Return rungs that are not empty. Raises NoProvider."""
        if not rungs:
            assert isinstance(self.chat, Providers)  # noqa: S101  # anybody else serves every id
            raise no_provider(decision.selected.model, self.chat.names)
        return rungs


def prior_of(score: float) -> float:
    """Return how often a model of this score (0-100) is expected to be right about a task.

    A line through recorded outcomes: a model at the mean is right about two times in three, and twenty points more
    are ten more answers of a hundred. Only differences matter much. docs/adr/0011-cascade-by-votes.md.
    """
    return round(min(0.97, max(0.05, 0.43 + 0.005 * score)), 4)


def baseline(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> Baseline:
    """Return the model whose cost ours is compared with: the best at any price for the same request."""
    race = rerun(decision, catalog, policy, budget=Budget.ANY)
    best = catalog.candidates[int(race.ranking.order[0])].listing
    return Baseline(model_id=best.id, price=best.price)

"""From a decision to calls that can be made: who serves which model, under which limits, against which baseline."""

from __future__ import annotations

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Budget
from smart_spawn.providers.dialects import dialect_of
from smart_spawn.providers.registry import Providers, no_provider
from smart_spawn.routing.data_policy import admitted
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.explain import rerun
from smart_spawn.routing.policy import OwnHost, RoutingPolicy
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


def ladder(
    decision: Decision, catalog: Catalog, chat: ChatClient, settings: Settings, policy: RoutingPolicy
) -> list[Rung]:
    """Turn the choices of a decision into rungs that can be called, best first. Raises NoProvider."""
    wanted = decision.request.data_policy
    rungs = []
    for choice in (decision.selected, *decision.others[: RUNGS - 1]):
        serving = chat.serving(choice.model) if isinstance(chat, Providers) else None
        if isinstance(chat, Providers) and serving is None:
            continue
        listing = catalog.listings[catalog.index[choice.model]]
        where = admitted(listing, wanted, policy)
        if not where.hosts and where.limited:
            continue  # the last check before a prompt leaves: the policy holds whatever routing said
        rungs.append(
            Rung(
                model_id=choice.model,
                provider=serving.provider if serving else "fake",
                price=listing.price,
                effort=choice.effort,
                supports_effort=bool(listing.capabilities.supported_efforts),
                max_output_tokens=listing.max_output_tokens,
                timeout_s=serving.timeout_s if serving else settings.run_timeout_s,
                retries=serving.max_retries if serving else 1,
                only_hosts=where.hosts if where.limited else (),
                deny_training=not (wanted.allow_training and policy.allow_training),
                zero_retention=wanted.zero_retention,
            )
        )
    if not rungs:
        assert isinstance(chat, Providers)  # noqa: S101  # anybody else serves every id
        raise no_provider(decision.selected.model, chat.names)
    return rungs


def baseline(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> Baseline:
    """Return the model whose cost ours is compared with: the best at any price for the same request."""
    race = rerun(decision, catalog, policy, budget=Budget.ANY)
    best = catalog.candidates[int(race.ranking.order[0])].listing
    return Baseline(model_id=best.id, price=best.price)

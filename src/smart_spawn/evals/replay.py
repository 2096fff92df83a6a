"""A provider that answers with what was recorded, and the policies that are measured with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from statistics import fmean, pstdev

from smart_spawn.errors import ModelNotServed
from smart_spawn.evals.outcomes import DataSet, RecordedPrompt
from smart_spawn.routing.diversity import REPEATED_FAMILY_POINTS, REPEATED_PROVIDER_POINTS, family
from smart_spawn.runs.ports import ModelAnswer, ModelCall, Usage
from smart_spawn.spawn.answers import canonical, options_of
from smart_spawn.spawn.calls import Brief
from smart_spawn.spawn.cascade import CascadeOptions, cascade, ladder_of
from smart_spawn.spawn.collective import CollectiveOptions, collective, members_of
from smart_spawn.spawn.gate import demands_of
from smart_spawn.spawn.inline import InlineCtx
from smart_spawn.spawn.outcome import Rung, SpawnOutcome

NAME = "replay"
PRIOR_STRENGTH = 10.0
"""So many prompts of a model's overall accuracy are added to those of one category."""
MEMBERS = 3
CLOCK = datetime(2026, 1, 1, tzinfo=UTC)


class ReplayProvider:
    """A `ChatClient` for one prompt: each model gives the answer that it once gave."""

    def __init__(self, prompt: RecordedPrompt) -> None:
        self.prompt = prompt

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Return the recorded answer. Raises ModelNotServed for a model that was not recorded."""
        recorded = self.prompt.answers.get(call.model_id)
        if recorded is None:
            raise ModelNotServed("nothing was recorded", provider=NAME, model=call.model_id)
        return ModelAnswer(
            text=recorded.text,
            finish_reason="stop",
            usage=Usage(prompt_tokens=recorded.prompt_tokens, completion_tokens=recorded.completion_tokens),
            cost_usd=Decimal(repr(recorded.cost_usd)),
            model=call.model_id,
            provider=NAME,
            latency_ms=0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was learned from the training half alone."""

    strongest: str
    """The model that is right most often."""
    cheapest: str
    rungs: Mapping[str, tuple[Rung, ...]]
    """By category; best first."""
    points: Mapping[str, float]
    """Model → its accuracy as a score of mean 50 and deviation 20."""


def fit(train: DataSet) -> Fitted:
    """Count how often each model is right and what it costs, per category, drawn towards its overall accuracy."""
    models, prompts = train.models, train.prompts
    overall = {m: fmean(p.answers[m].score for p in prompts) for m in models}
    cost = {m: fmean(p.answers[m].cost_usd for p in prompts) for m in models}
    mean, spread = fmean(overall.values()), pstdev(overall.values()) or 1.0
    rungs: dict[str, tuple[Rung, ...]] = {}
    for category in sorted({p.category for p in prompts}):
        own = [p for p in prompts if p.category == category]
        found = [
            Rung(
                model_id=m,
                provider=NAME,
                retries=0,
                prior=(sum(p.answers[m].score for p in own) + PRIOR_STRENGTH * overall[m])
                / (len(own) + PRIOR_STRENGTH),
                expected_cost_usd=fmean(p.answers[m].cost_usd for p in own),
            )
            for m in models
        ]
        rungs[category] = tuple(sorted(found, key=lambda rung: (-rung.prior, rung.expected_cost_usd or 0.0)))
    return Fitted(
        strongest=max(models, key=lambda m: (overall[m], -cost[m])),
        cheapest=min(models, key=lambda m: (cost[m], -overall[m])),
        rungs=rungs,
        points={m: 50 + 20 * (overall[m] - mean) / spread for m in models},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one policy did on one prompt."""

    score: float
    cost_usd: float
    used_strongest: bool = False


Policy = Callable[[RecordedPrompt, Fitted], Awaitable[Result]]


def _result(outcome: SpawnOutcome, prompt: RecordedPrompt, fitted: Fitted) -> Result:
    asked = [attempt.model for attempt in outcome.responses]
    return Result(
        score=prompt.answers[outcome.model].score if outcome.model else 0.0,
        cost_usd=sum(prompt.answers[model].cost_usd for model in asked),
        used_strongest=fitted.strongest in asked,
    )


def _context(prompt: RecordedPrompt) -> InlineCtx:
    return InlineCtx(chat=ReplayProvider(prompt), clock=lambda: CLOCK, random=lambda: 0.5)


def _brief(prompt: RecordedPrompt) -> Brief:
    return Brief(task=prompt.task, demands=demands_of(prompt.task))


def _candidates(prompt: RecordedPrompt, fitted: Fitted) -> tuple[Rung, ...]:
    """Return the rungs of a prompt's category; of a category that training never saw, those of any other."""
    return fitted.rungs.get(prompt.category) or next(iter(fitted.rungs.values()))


def _ladder(prompt: RecordedPrompt, fitted: Fitted) -> list[Rung]:
    """Return the ladder up to the model that is strongest overall, so that both are compared with the same one."""
    ceiling = next(rung for rung in _candidates(prompt, fitted) if rung.model_id == fitted.strongest)
    below = [
        rung for rung in _candidates(prompt, fitted) if rung.prior <= ceiling.prior and rung is not ceiling
    ]
    return ladder_of([ceiling, *below])


async def strongest(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the model that was right most often."""
    return _alone(prompt, fitted.strongest)


async def cheapest(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the cheapest model."""
    return _alone(prompt, fitted.cheapest)


async def random_model(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Return what a model drawn at random gives on average."""
    answers = [prompt.answers[model] for model in fitted.points]
    return Result(score=fmean(a.score for a in answers), cost_usd=fmean(a.cost_usd for a in answers))


async def routed(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the model that was right most often in the prompt's category."""
    return _alone(prompt, _candidates(prompt, fitted)[0].model_id)


def _alone(prompt: RecordedPrompt, model: str) -> Result:
    recorded = prompt.answers[model]
    return Result(score=recorded.score, cost_usd=recorded.cost_usd)


def cascaded(min_confidence: float | None = None) -> Policy:
    """Return the cascade, with a threshold of its own or at a caller's."""

    async def policy(prompt: RecordedPrompt, fitted: Fitted) -> Result:
        options = CascadeOptions(min_confidence=min_confidence)
        ladder = _ladder(prompt, fitted)
        return _result(await cascade(_context(prompt), _brief(prompt), ladder, options), prompt, fitted)

    return policy


async def agreeing(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask two cheap models; where their short answers differ, or are none, ask the strongest."""
    *cheap, ceiling = _ladder(prompt, fitted)
    options = options_of(prompt.task)
    short = [canonical(prompt.answers[rung.model_id].text, options=options) for rung in cheap]
    paid = sum(prompt.answers[rung.model_id].cost_usd for rung in cheap)
    if len(cheap) > 1 and short[0] is not None and len(set(short)) == 1:
        best = max(cheap, key=lambda rung: rung.prior).model_id
        return Result(score=prompt.answers[best].score, cost_usd=paid)
    last = prompt.answers[ceiling.model_id]
    return Result(score=last.score, cost_usd=paid + last.cost_usd, used_strongest=True)


def members_for(fitted: Fitted) -> list[str]:
    """Choose the members of a collective: the best after the penalties for repeating a family."""
    chosen: list[str] = []
    rest = sorted(fitted.points, key=lambda m: (-fitted.points[m], m))
    penalty = REPEATED_PROVIDER_POINTS["medium"] + REPEATED_FAMILY_POINTS["medium"]
    while rest and len(chosen) < MEMBERS:
        families = {_family(model) for model in chosen}
        best = max(rest, key=lambda m: fitted.points[m] - (penalty if _family(m) in families else 0.0))
        chosen.append(best)
        rest.remove(best)
    return chosen


def _family(model: str) -> str:
    return family(model if "/" in model else f"-/{model}").lower()


async def collected(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask three different strong models at once and take what most say."""
    rungs = {rung.model_id: rung for rung in _candidates(prompt, fitted)}
    members = members_of([rungs[model] for model in members_for(fitted)], MEMBERS)
    outcome = await collective(_context(prompt), _brief(prompt), members, CollectiveOptions())
    return _result(outcome, prompt, fitted)


POLICIES: Mapping[str, Policy] = {
    "strongest": strongest,
    "cheapest": cheapest,
    "random": random_model,
    "route": routed,
    "cascade": cascaded(),
    "collective": collected,
    "agreement": agreeing,
}
BASELINES = ("strongest", "cheapest", "random")
"""Always measured."""
CHOOSABLE = tuple(name for name in POLICIES if name not in BASELINES)

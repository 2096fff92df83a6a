"""A provider that answers with what was recorded, and the policies that are measured with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from statistics import fmean

import numpy as np

from smart_spawn.errors import ModelNotServed
from smart_spawn.evals.outcomes import DataSet, RecordedPrompt
from smart_spawn.feedback.gain import Gains, Matrix, learn_gains
from smart_spawn.routing.diversity import REPEATED_FAMILY_POINTS, REPEATED_PROVIDER_POINTS, family
from smart_spawn.runs.ports import ModelAnswer, ModelCall, Usage
from smart_spawn.spawn.answers import canonical, options_of
from smart_spawn.spawn.calls import Brief
from smart_spawn.spawn.cascade import ANSWER_WORTH_USD, CascadeOptions, cascade, ladder_of
from smart_spawn.spawn.collective import CollectiveOptions, collective, members_of
from smart_spawn.spawn.gate import demands_of
from smart_spawn.spawn.inline import InlineCtx
from smart_spawn.spawn.outcome import Rung, SpawnOutcome

NAME = "replay"
LEAST_RIGHT = 0.01
"""Nobody is surer than this of right or wrong."""
LEAST_COST_USD = 1e-9
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
            cost_usd=None if recorded.cost_usd is None else Decimal(repr(recorded.cost_usd)),
            model=call.model_id,
            provider=NAME,
            latency_ms=0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was learned from the training half alone, and what it says about the prompts that are asked."""

    models: tuple[str, ...]
    strongest: str
    """The model that is right most often."""
    cheapest: str | None
    """None where no cost is recorded at all."""
    weak: str
    """The cheapest, else the one that is right least often: what APGR starts from."""
    accuracy: Mapping[str, float]
    points: Mapping[str, float]
    """Model → its accuracy as a score of mean 50 and deviation 20."""
    gains: Gains
    row_of: Mapping[str, int]
    """Prompt → row."""
    right: Matrix
    """[prompts × models]: how likely each is right."""
    cost: Matrix | None
    """[prompts × models], USD; None where costs are not recorded."""

    def rungs_of(self, prompt: RecordedPrompt) -> list[Rung]:
        """Return the models for one prompt, the likeliest right first, the cheaper of equals."""
        row = self.row_of[prompt.id]
        found = [
            Rung(
                model_id=model,
                provider=NAME,
                retries=0,
                prior=float(self.right[row, at]),
                expected_cost_usd=None if self.cost is None else float(self.cost[row, at]),
            )
            for at, model in enumerate(self.models)
        ]
        return sorted(found, key=lambda rung: (-rung.prior, rung.expected_cost_usd or 0.0))

    def likely(self, prompts: Sequence[RecordedPrompt]) -> Matrix:
        """Return [prompts × models]: how likely each is right."""
        return self.right[[self.row_of[p.id] for p in prompts]]


def fit(train: DataSet, asked: DataSet) -> Fitted:
    """Learn how often each model is right and what it costs, from training alone, for the prompts that are asked."""
    models, prompts = train.models, train.prompts
    scores = np.array([[p.answers[m].score for m in models] for p in prompts])
    tasks, kinds = [p.task for p in prompts], [p.category for p in prompts]
    gains = learn_gains(models, tasks, kinds, scores)
    new, new_kinds = [p.task for p in asked.prompts], [p.category for p in asked.prompts]
    overall = scores.mean(axis=0)
    mean, spread = float(overall.mean()), float(overall.std()) or 1.0
    price, cost = None, None
    if train.priced:
        paid = np.array([[p.answers[m].cost_usd or 0.0 for m in models] for p in prompts])
        price = paid.mean(axis=0)
        unit = np.maximum(price, LEAST_COST_USD)
        cost = np.maximum(learn_gains(models, tasks, kinds, paid / unit).predict(new, new_kinds), 0.1) * unit
    best = max(range(len(models)), key=lambda at: (overall[at], -price[at] if price is not None else 0.0))
    worst = min(range(len(models)), key=lambda at: overall[at])
    known = known_prices(train)
    if known is not None:
        worst = min(range(len(models)), key=lambda at: (known[models[at]], -overall[at]))
    return Fitted(
        models=models,
        strongest=models[best],
        cheapest=None if known is None else models[worst],
        weak=models[worst],
        accuracy={m: float(overall[at]) for at, m in enumerate(models)},
        points={m: 50 + 20 * (float(overall[at]) - mean) / spread for at, m in enumerate(models)},
        gains=gains,
        row_of={p.id: row for row, p in enumerate(asked.prompts)},
        right=np.clip(gains.predict(new, new_kinds), LEAST_RIGHT, 1 - LEAST_RIGHT),
        cost=None if cost is None else cost.astype(np.float32),
    )


def known_prices(train: DataSet) -> dict[str, float] | None:
    """Return each model's mean cost over the prompts where all have one, when there are any."""
    shared = [p for p in train.prompts if all(p.answers[m].cost_usd is not None for m in train.models)]
    if not shared:
        return None
    return {m: fmean(p.answers[m].cost_usd or 0.0 for p in shared) for m in train.models}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one policy did on one prompt."""

    score: float
    cost_usd: float | None
    latency_s: float | None = None
    used_strongest: bool = False
    agreed: bool | None = None
    """Whether the cheap models agreed, where that was asked."""


Policy = Callable[[RecordedPrompt, Fitted], Awaitable[Result]]


def _result(
    outcome: SpawnOutcome, prompt: RecordedPrompt, fitted: Fitted, *, together: bool = False
) -> Result:
    asked = [attempt.model for attempt in outcome.responses]
    times = [prompt.answers[model].latency_s for model in asked]
    known = [t for t in times if t is not None]
    return Result(
        score=prompt.answers[outcome.model].score if outcome.model else 0.0,
        cost_usd=_paid(prompt, asked),
        latency_s=(max(known) if together else sum(known)) if known and len(known) == len(times) else None,
        used_strongest=fitted.strongest in asked,
    )


def _paid(prompt: RecordedPrompt, models: Sequence[str]) -> float | None:
    costs = [prompt.answers[model].cost_usd for model in models]
    known = [c for c in costs if c is not None]
    return sum(known) if len(known) == len(costs) else None


def _context(prompt: RecordedPrompt) -> InlineCtx:
    return InlineCtx(chat=ReplayProvider(prompt), clock=lambda: CLOCK, random=lambda: 0.5)


def _brief(prompt: RecordedPrompt) -> Brief:
    return Brief(task=prompt.task, demands=demands_of(prompt.task))


def _ladder(prompt: RecordedPrompt, fitted: Fitted) -> list[Rung]:
    """Return the ladder up to the model that is strongest overall, so that both are compared with the same one."""
    rungs = fitted.rungs_of(prompt)
    ceiling = next(rung for rung in rungs if rung.model_id == fitted.strongest)
    # Nothing counts for more than the ceiling, or it would be a ceiling of its own.
    most = ceiling.prior - 1e-6
    below = [replace(rung, prior=min(rung.prior, most)) for rung in rungs if rung is not ceiling]
    return ladder_of([ceiling, *below])


async def strongest(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the model that was right most often."""
    return _alone(prompt, fitted.strongest)


async def cheapest(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the cheapest model."""
    return _alone(prompt, fitted.weak)


async def random_model(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Return what a model drawn at random gives on average."""
    answers = [prompt.answers[model] for model in fitted.models]
    paid = _paid(prompt, fitted.models)
    times = [a.latency_s for a in answers if a.latency_s is not None]
    return Result(
        score=fmean(a.score for a in answers),
        cost_usd=None if paid is None else paid / len(answers),
        latency_s=fmean(times) if times else None,
        used_strongest=False,
    )


async def routed(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask the model whose answer is worth most after its cost: likely right, at `ANSWER_WORTH_USD` a right answer."""
    row = fitted.row_of[prompt.id]
    worth = fitted.right[row].astype(np.float64)
    if fitted.cost is not None:
        worth = worth - fitted.cost[row] / ANSWER_WORTH_USD
    return _alone(prompt, fitted.models[int(np.argmax(worth))])


def _alone(prompt: RecordedPrompt, model: str) -> Result:
    recorded = prompt.answers[model]
    return Result(score=recorded.score, cost_usd=recorded.cost_usd, latency_s=recorded.latency_s)


def cascaded(worth_usd: float | None = None) -> Policy:
    """Return the cascade, as sure as it is by itself, or as a right answer of another worth asks for."""

    async def policy(prompt: RecordedPrompt, fitted: Fitted) -> Result:
        ladder = _ladder(prompt, fitted)
        sure = None
        if worth_usd is not None:
            sure = max(0.0, ladder[-1].prior - (ladder[-1].expected_cost_usd or 0.0) / worth_usd)
        options = CascadeOptions(min_confidence=sure)
        return _result(await cascade(_context(prompt), _brief(prompt), ladder, options), prompt, fitted)

    return policy


async def agreeing(prompt: RecordedPrompt, fitted: Fitted) -> Result:
    """Ask two cheap models; where their short answers differ, or are none, ask the strongest."""
    *cheap, ceiling = _ladder(prompt, fitted)
    asked = [rung.model_id for rung in cheap]
    options = options_of(prompt.task)
    short = [canonical(prompt.answers[model].text, options=options) for model in asked]
    agreed = len(cheap) > 1 and short[0] is not None and len(set(short)) == 1
    chosen = max(cheap, key=lambda rung: rung.prior).model_id if agreed else ceiling.model_id
    asked = asked if agreed else [*asked, ceiling.model_id]
    times = [prompt.answers[model].latency_s for model in asked]
    return Result(
        score=prompt.answers[chosen].score,
        cost_usd=_paid(prompt, asked),
        latency_s=sum(t for t in times if t is not None) if None not in times else None,
        used_strongest=not agreed,
        agreed=agreed,
    )


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
    """Ask up to three different strong models at once and take what most say.

    Who is too weak is decided once, by accuracy; how likely each is right on this prompt breaks ties.
    """
    rungs = {rung.model_id: rung for rung in fitted.rungs_of(prompt)}
    asked = [replace(rungs[model], prior=fitted.accuracy[model]) for model in members_for(fitted)]
    members = [rungs[member.model_id] for member in members_of(asked, MEMBERS)]
    outcome = await collective(_context(prompt), _brief(prompt), members, CollectiveOptions())
    return _result(outcome, prompt, fitted, together=True)


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

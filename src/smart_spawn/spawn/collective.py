"""Collective: several different models do the same task at once, and their answers become one.

Answers with hard faults drop out. When most of the others are short and say the same, that is the answer; else the
one of the model that is expected to be best, or what a judge makes of all, with the survivor as the fallback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from smart_spawn.model import Mode
from smart_spawn.runs.ports import Ctx
from smart_spawn.spawn.answers import canonical, options_of
from smart_spawn.spawn.calls import Brief, asked, instead, worst_error
from smart_spawn.spawn.ending import failure_of, outcome_of
from smart_spawn.spawn.merge import merge
from smart_spawn.spawn.outcome import Attempt, Baseline, Consensus, Dissent, Method, Rung, SpawnOutcome
from smart_spawn.spawn.votes import Vote, chances

MOST_WEAKER = 0.1
"""A member's prior is at most this much below the best one's: weak members lowered the accuracy of the whole."""
SHORT_SHARE = 0.6
"""From this share of short answers on, they are counted."""
FIRST_MEMBERS = 2
DISSENT_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveOptions:
    """What the caller said about agreeing."""

    judge: Rung | None = None
    adaptive: bool = False
    """Start with two members and add others only while they disagree."""


def members_of(candidates: Sequence[Rung], count: int) -> list[Rung]:
    """Take the first `count` candidates, best first as routing diversified them, without those much weaker."""
    best = max(rung.prior for rung in candidates)
    return [rung for rung in candidates if rung.prior >= best - MOST_WEAKER][:count]


async def collective(
    ctx: Ctx,
    brief: Brief,
    members: Sequence[Rung],
    options: CollectiveOptions,
    *,
    spares: Sequence[Rung] = (),
    baseline: Baseline | None = None,
) -> SpawnOutcome:
    """Have the members do the task and return one answer. Costs a call each, and one of the judge if it is asked.

    Where no member answered, the spares are asked one after the other.
    """
    priors = {rung.model_id: rung.prior for rung in (*spares, *members)}
    attempts = await _ask(ctx, brief, members, options)
    if all(attempt.error for attempt in attempts):
        attempts += await instead(ctx, spares, brief, attempts)
    survivors = [attempt for attempt in attempts if attempt.usable]
    at = await ctx.now("ended")
    if not survivors:
        # A faulted answer is still better than none, as long as somebody answered.
        answered = [attempt for attempt in attempts if attempt.error is None]
        if not answered:
            return failure_of(Mode.COLLECTIVE, attempts, worst_error(attempts), baseline=baseline, at=at)
        best = max(answered, key=lambda a: priors[a.model])
        return _ended(attempts, best, best.text, "best-prior", 0.0, [], baseline, at, below_threshold=True)
    if len(survivors) == 1:
        only = survivors[0]
        return _ended(attempts, only, only.text, "only-survivor", 1.0, [], baseline, at)
    spelled = _spelled(brief, survivors)
    if len(spelled) >= SHORT_SHARE * len(survivors):
        return _majority(attempts, survivors, spelled, priors, options_of(brief.task), baseline, at)
    best = max(survivors, key=lambda a: priors[a.model])
    others = [a for a in survivors if a is not best]
    if options.judge is None:
        return _ended(attempts, best, best.text, "best-prior", 1 / len(survivors), others, baseline, at)
    merged = await merge(ctx, "merge", options.judge, brief, [a.text for a in survivors])
    everything = [*attempts, merged.attempt]
    if merged.text is None:
        return _ended(
            everything,
            best,
            best.text,
            "best-prior",
            1 / len(survivors),
            others,
            baseline,
            at,
            warnings=("the judge gave no usable answer: the best member's answer is returned",),
        )
    liked = survivors[merged.best] if merged.best is not None else best
    dissent = [a for a in survivors if a is not liked]
    share = 1 / len(survivors)
    return _ended(everything, liked, merged.text, "merge", share, dissent, baseline, at)


async def _ask(ctx: Ctx, brief: Brief, members: Sequence[Rung], options: CollectiveOptions) -> list[Attempt]:
    """Ask the members at once; when adaptive, further ones only while the answers so far do not agree."""
    attempts: list[Attempt] = []
    waiting = list(members)
    most = FIRST_MEMBERS if options.adaptive else len(waiting)
    while waiting:
        now, waiting = waiting[:most], waiting[most:]
        first = len(attempts)
        results = await ctx.parallel(
            *(partial(asked, ctx, f"member-{first + n}", rung, brief) for n, rung in enumerate(now))
        )
        for rung, result in zip(now, results, strict=True):
            attempts.append(
                result
                if isinstance(result, Attempt)
                else Attempt(model=rung.model_id, provider=rung.provider, error=result)
            )
        if _agree(brief, [a for a in attempts if a.usable]):
            break
        most = 1
    return attempts


def _agree(brief: Brief, survivors: Sequence[Attempt]) -> bool:
    """Tell whether more than half of at least two answers say the same."""
    spelled = _spelled(brief, survivors)
    counts = [list(spelled.values()).count(answer) for answer in set(spelled.values())]
    return len(survivors) >= FIRST_MEMBERS and bool(counts) and max(counts) > len(survivors) / 2


def _spelled(brief: Brief, survivors: Sequence[Attempt]) -> dict[str, str]:
    """Return the short answers by step."""
    options = options_of(brief.task)
    found = {attempt.step: canonical(attempt.text, options=options) for attempt in survivors}
    return {step: answer for step, answer in found.items() if answer is not None}


def _majority(
    attempts: Sequence[Attempt],
    survivors: Sequence[Attempt],
    spelled: dict[str, str],
    priors: dict[str, float],
    choices: int | None,
    baseline: Baseline | None,
    at: datetime,
) -> SpawnOutcome:
    """Count the short answers: the most named wins, ties go by the priors of those who named them."""
    by_step = {attempt.step: attempt for attempt in survivors}
    votes = [Vote(answer=answer, prior=priors[by_step[step].model]) for step, answer in spelled.items()]
    counts = {
        answer: sum(1 for v in votes if v.answer == answer) for answer in dict.fromkeys(spelled.values())
    }
    most = max(counts.values())
    leading = [vote for vote in votes if counts[vote.answer] == most]
    answer = max(leading, key=lambda vote: vote.prior).answer
    chance = chances(votes, choices)[answer]
    winners = [by_step[step] for step, given in spelled.items() if given == answer]
    best = max(winners, key=lambda a: priors[a.model])
    dissent = [by_step[step] for step, given in spelled.items() if given != answer]
    agreement = len(winners) / len(survivors)
    return _ended(
        attempts, best, best.text, "majority", agreement, dissent, baseline, at, confidence=round(chance, 4)
    )


def _ended(
    attempts: Sequence[Attempt],
    chosen: Attempt,
    output: str,
    method: Method,
    agreement: float,
    dissent: Sequence[Attempt],
    baseline: Baseline | None,
    at: datetime,
    **more: Any,
) -> SpawnOutcome:
    consensus = Consensus(
        method=method,
        agreement=round(agreement, 4),
        dissent=tuple(Dissent(model=a.model, answer=_short(a.text)) for a in dissent),
    )
    return replace(
        outcome_of(
            Mode.COLLECTIVE,
            attempts,
            output=output,
            model=chosen.model,
            counted=(chosen,),
            baseline=baseline,
            at=at,
            **more,
        ),
        consensus=consensus,
    )


def _short(text: str) -> str:
    return text if len(text) <= DISSENT_CHARS else f"{text[:DISSENT_CHARS]}…"

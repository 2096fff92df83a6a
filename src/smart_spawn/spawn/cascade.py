"""Cascade: the cheapest adequate models first, up to the ceiling, until an answer is sure enough. One pass.

What counts is the chance that the answer is right. Short answers gather votes (`votes.py`); others have the prior
of their model, a verifier or a judge. Stopping early is worth it when the answer is about as likely to be right as
the ceiling's would be. Measured: evals/RESULTS.md; reasons: docs/adr/0011-cascade-by-votes.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from smart_spawn.model import Mode
from smart_spawn.runs.ports import Ctx
from smart_spawn.spawn.answers import canonical, options_of
from smart_spawn.spawn.calls import Brief, Closed, asked, instead, worst_error
from smart_spawn.spawn.ending import failure_of, outcome_of
from smart_spawn.spawn.merge import Judged, judge_one
from smart_spawn.spawn.outcome import Attempt, Baseline, Escalation, Rung, SpawnOutcome
from smart_spawn.spawn.votes import Vote, best_answer, chances

CHEAP_SHARE = 0.1
"""A rung below the ceiling costs at most this share of it: dearer ones save too little when they fail."""
WIDER_SHARE = 0.5
"""Taken where nothing is as cheap as `CHEAP_SHARE`."""
CHEAP_RUNGS = 2
ADEQUATE_SHARE = 0.6
"""A rung is right at least this often, compared with the ceiling."""
ANSWER_WORTH_USD = 0.15
"""What one more right answer is worth: a ceiling that costs a hundredth of it may be a hundredth less sure."""
MOST_SLACK = 0.06
VERIFIED_CONFIDENCE = 0.98
LEAST_JUDGED = 0.35
"""A judge that rejects leaves this much of the confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeOptions:
    """What the caller said about climbing."""

    min_confidence: float | None = None
    """`None` asks for about what the ceiling would reach."""
    max_escalation: int | None = None
    """How many steps up at most; `None` is the ladder."""
    judge: Rung | None = None


def ladder_of(candidates: Sequence[Rung]) -> list[Rung]:
    """Choose the rungs: the best that are cheap beside the ceiling, cheapest first, then the ceiling.

    The ceiling is the candidate with the highest prior, the cheaper of equals. Costs are of one expected answer;
    without a known cost a candidate can only be the ceiling.
    """
    ceiling = max(candidates, key=lambda rung: (rung.prior, -_cost(rung)))
    for share in (CHEAP_SHARE, WIDER_SHARE):
        cheap = [
            rung
            for rung in candidates
            if rung is not ceiling
            and rung.expected_cost_usd is not None
            and ceiling.expected_cost_usd is not None
            and rung.expected_cost_usd <= share * ceiling.expected_cost_usd
            and rung.prior >= ADEQUATE_SHARE * ceiling.prior
        ]
        if cheap:
            best = sorted(cheap, key=lambda rung: (-rung.prior, _cost(rung)))[:CHEAP_RUNGS]
            return [*sorted(best, key=_cost), ceiling]
    return [ceiling]


def _cost(rung: Rung) -> float:
    return float("inf") if rung.expected_cost_usd is None else rung.expected_cost_usd


def target_of(ceiling: Rung, options: CascadeOptions) -> float:
    """Return how sure an answer must be: as the caller says, else nearly as the ceiling's answer would be."""
    if options.min_confidence is not None:
        return options.min_confidence
    slack = min(MOST_SLACK, (ceiling.expected_cost_usd or 0.0) / ANSWER_WORTH_USD)
    return max(0.0, ceiling.prior - slack)


async def cascade(
    ctx: Ctx,
    brief: Brief,
    ladder: Sequence[Rung],
    options: CascadeOptions,
    *,
    spares: Sequence[Rung] = (),
    baseline: Baseline | None = None,
) -> SpawnOutcome:
    """Climb the ladder, each rung at most once, until an answer is sure enough; else return the best so far.

    Costs up to one call a rung, and one of the judge for each answer that cannot be voted on. Where nobody
    answered, the spares are asked one after the other, unless the caller bounded the escalation.
    """
    climb = _Climb(brief=brief, options=options, target=target_of(ladder[-1], options), ctx=ctx)
    await climb.up(ladder)
    if climb.best() is None and options.max_escalation is None:
        climb.attempts += await instead(ctx, spares, brief, climb.attempts)
    at = await ctx.now("ended")
    best = climb.best()
    if best is None:
        error = climb.closed.stopped or worst_error(climb.attempts)
        return failure_of(
            Mode.CASCADE,
            climb.attempts,
            error,
            baseline=baseline,
            at=at,
            escalations=tuple(climb.escalations),
        )
    sure = (best.confidence or 0.0) >= climb.target
    return outcome_of(
        Mode.CASCADE,
        climb.paid,
        output=best.text,
        model=best.model,
        counted=(best,),
        baseline=baseline,
        at=at,
        escalations=tuple(climb.escalations),
        confidence=best.confidence,
        # Without a threshold of the caller's, the ceiling's own answer is what was asked for.
        below_threshold=not best.usable or (options.min_confidence is not None and not sure),
    )


@dataclass(slots=True, kw_only=True)
class _Climb:
    """What is known so far on the way up."""

    ctx: Ctx
    brief: Brief
    options: CascadeOptions
    target: float
    attempts: list[Attempt] = field(default_factory=list)
    """In the order of the rungs, with the confidence of today."""
    extra: list[Attempt] = field(default_factory=list)
    """What judging cost."""
    votes: list[Vote] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)
    """Step → its short answer."""
    escalations: list[Escalation] = field(default_factory=list)
    closed: Closed = field(default_factory=lambda: Closed(set()))

    @property
    def paid(self) -> list[Attempt]:
        return [*self.attempts, *self.extra]

    @property
    def options_count(self) -> int | None:
        return options_of(self.brief.task)

    async def up(self, ladder: Sequence[Rung]) -> None:
        most = len(ladder) if self.options.max_escalation is None else self.options.max_escalation + 1
        todo = self._worth_asking(list(ladder))
        while todo and len(self.attempts) < most:
            rung = todo.pop(0)
            if not self.closed.allows(rung):
                continue
            if self.attempts:
                self._note_escalation(rung)
            attempt = await asked(self.ctx, f"attempt-{len(self.attempts)}", rung, self.brief)
            self.attempts.append(attempt)
            self.closed.learn(attempt)
            await self._weigh(attempt, rung)
            best = self.best()
            if best is not None and best.usable and (best.confidence or 0.0) >= self.target:
                return
            todo = self._worth_asking(todo)

    async def _weigh(self, attempt: Attempt, rung: Rung) -> None:
        """Give every answer so far the confidence that it has now."""
        if not attempt.usable:
            return
        short = canonical(attempt.text, options=self.options_count)
        if attempt.verdict and attempt.verdict.verified:
            self._set(attempt.step, VERIFIED_CONFIDENCE)
        elif short is not None:
            self.spelled[attempt.step] = short
            self.votes.append(Vote(answer=short, prior=rung.prior))
        else:
            self._set(attempt.step, await self._judged(attempt, rung))
        if self.votes:
            answer, chance = best_answer(self.votes, self.options_count)
            for step, given in self.spelled.items():
                self._set(step, chance if given == answer else min(chance, 1 - chance))

    async def _judged(self, attempt: Attempt, rung: Rung) -> float:
        """Return the model's prior, or what a judge makes of it when one is configured and the ceiling is not it."""
        judge = self.options.judge
        if judge is None or judge.model_id == rung.model_id or not self.closed.allows(judge):
            return rung.prior
        judged: Judged = await judge_one(
            self.ctx, f"judge-{len(self.extra)}", judge, self.brief, attempt.text
        )
        self.extra.append(judged.attempt)
        if judged.acceptable is None:
            return rung.prior
        share = judged.confidence if judged.acceptable else LEAST_JUDGED * (1 - judged.confidence)
        return max(rung.prior, share) if judged.acceptable else min(rung.prior, share)

    def _worth_asking(self, todo: list[Rung]) -> list[Rung]:
        """Skip the rungs that could not make any answer sure enough, even if all of them agreed."""
        below, demands = todo[:-1], self.brief.demands
        if (
            not below
            or demands.schema is not None
            or demands.pattern is not None
            or demands.value is not None
        ):
            return todo  # a verifier convinces by itself
        if not self.spelled and any(attempt.usable for attempt in self.attempts):
            # Long answers gather no votes: only a rung that is good enough by itself helps.
            return [*(rung for rung in below if rung.prior >= self.target), todo[-1]]
        if max(self._hope(below), *(rung.prior for rung in below)) >= self.target:
            return todo
        # A target that nobody can reach is worth a whole pass; one that only the ceiling can reach is not.
        return todo[-1:] if self._hope(todo) >= self.target else todo

    def _hope(self, rungs: Sequence[Rung]) -> float:
        """Return how sure an answer could become if all these rungs agreed with the votes so far."""
        answers = {vote.answer for vote in self.votes} or {""}
        return max(
            chances([*self.votes, *(Vote(answer=one, prior=r.prior) for r in rungs)], self.options_count)[one]
            for one in answers
        )

    def _note_escalation(self, rung: Rung) -> None:
        last = self.attempts[-1]
        best = self.best()
        if last.error is not None:
            why = last.error.message
        elif not last.usable and last.verdict:
            why = ", ".join(last.verdict.faults)
        else:
            sure = best.confidence if best and best.confidence is not None else 0.0
            why = f"{sure:.2f} sure, {self.target:.2f} wanted"
        confidence = best.confidence if best else None
        self.escalations.append(
            Escalation(
                from_model=last.model,
                to_model=rung.model_id,
                why=why,
                confidence=confidence,
                target=self.target,
            )
        )

    def best(self) -> Attempt | None:
        """Return the usable answer that is likeliest right, the later of equals; else any answer at all."""
        usable = [a for a in self.attempts if a.usable]
        if usable:
            return max(enumerate(usable), key=lambda pair: (pair[1].confidence or 0.0, pair[0]))[1]
        return next((a for a in self.attempts if a.error is None), None)

    def _set(self, step: str, confidence: float) -> None:
        self.attempts = [
            replace(a, confidence=round(confidence, 4)) if a.step == step else a for a in self.attempts
        ]

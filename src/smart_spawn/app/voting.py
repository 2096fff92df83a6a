"""Votes: who may vote on what, and which model, category and kind of task a vote is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from smart_spawn.app.decision_log import DecisionLog
from smart_spawn.errors import Forbidden, InvalidRequest
from smart_spawn.feedback.outcome import BEST, WORST, Kind, value_of
from smart_spawn.routing.decision import Decision, cluster_of
from smart_spawn.scoring.tags import known_tags
from smart_spawn.store import RatingRow, Store

LOCAL = "local"
"""The voter of everything that comes without a key."""
LONGEST_COMMENT = 2_000
_DECISION, _RUN = "dec_", "run_"

Rating = float | Literal["success", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A vote that was stored."""

    row: RatingRow
    rating: Rating
    """As it was given."""

    @property
    def replaced(self) -> bool:
        """Whether the voter had voted on the same before."""
        return self.row.replaces is not None


class Voting:
    """Takes votes on decisions and runs, and on models by name."""

    def __init__(self, store: Store, log: DecisionLog, now: Callable[[], datetime]) -> None:
        self._store = store
        self._log = log
        self._now = now

    def vote(
        self,
        subject: str,
        rating: Rating,
        *,
        comment: str | None = None,
        voter: str | None = None,
        of_others: bool = True,
        seen_by_agent: bool = False,
    ) -> Vote:
        """Store what somebody thinks of a decision or run; a second vote of the same voter replaces the first.

        `voter` is the id of a key; with `of_others` it may vote on what other keys asked for. `seen_by_agent` marks
        what a program saw of its own work, which counts less. Raises InvalidRequest, NotFound, Forbidden.
        """
        kind, value = _kind_and_value(rating, seen_by_agent=seen_by_agent)
        about = self._about(subject, None if of_others else voter)
        row = self._store.ratings.add(
            RatingRow(
                at=self._now(),
                voter=voter or LOCAL,
                subject=subject,
                kind=kind,
                value=value,
                comment=_checked(comment),
                **about,
            )
        )
        return Vote(row=row, rating=rating)

    def vote_on_model(
        self,
        model: str,
        category: str,
        rating: float,
        *,
        context: tuple[str, ...] = (),
        voter: str | None = None,
    ) -> Vote:
        """Store what a program says of a model; one that the catalogue does not hold counts when it appears."""
        _, value = _kind_and_value(rating, seen_by_agent=True)
        row = RatingRow(
            at=self._now(),
            voter=voter or LOCAL,
            kind="plugin",
            model=model,
            category=category,
            tags=tags_of(context),
            value=value,
        )
        return Vote(row=self._store.ratings.add(row), rating=rating)

    def _about(self, subject: str, only: str | None) -> Mapping[str, Any]:
        if subject.startswith(_DECISION):
            decision = self._log.get(subject)
            if only is not None and decision.caller != only:
                raise _not_yours(subject)
            return _of(decision, decision.selected.model)
        if not subject.startswith(_RUN):
            raise InvalidRequest(
                f"`{subject[:80]}` is the id of neither a decision nor a run",
                hint="answers carry both: `decisionId` begins with `dec_`, the id of a run with `run_`",
            )
        run = self._store.runs.run(subject)
        if only is not None and only not in run.keys:
            raise _not_yours(subject)
        if not run.ended:
            raise InvalidRequest(
                f"run `{subject}` has not ended, so there is nothing to judge yet", hint="vote when it has"
            )
        decision = self._log.get(str(run.request.get("decision_id", "")))
        return _of(decision, (run.outcome or {}).get("model") or decision.selected.model)


def _of(decision: Decision, model: str) -> Mapping[str, Any]:
    """Return what a vote on a decision is about."""
    return {
        "model": model,
        "category": str(decision.category),
        "tags": ",".join(decision.tags),
        "cluster": cluster_of(decision.task),
    }


def tags_of(context: tuple[str, ...]) -> str:
    """Return the context tags that we know, as votes keep them."""
    return ",".join(known_tags(context)[0]) if context else ""


def _kind_and_value(rating: Rating, *, seen_by_agent: bool) -> tuple[Kind, float]:
    if rating in ("success", "failure"):
        return "plugin" if seen_by_agent else "outcome", value_of(rating)
    if isinstance(rating, bool) or not isinstance(rating, int | float) or not WORST <= rating <= BEST:
        raise InvalidRequest(
            f"a rating is a number from 1 to 5, not {str(rating)[:40]!a}",
            hint="5 is the best; or say `success` or `failure`",
            details={"field": "rating"},
        )
    return "plugin" if seen_by_agent else "rating", float(rating)


def _checked(comment: str | None) -> str | None:
    if comment is None or not comment.strip():
        return None
    if len(comment) > LONGEST_COMMENT:
        raise InvalidRequest(
            f"`comment` is {len(comment):,} characters; the limit is {LONGEST_COMMENT:,}",
            hint="say it shorter",
            details={"field": "comment"},
        )
    return comment.encode("utf-8", "replace").decode("utf-8")


def _not_yours(subject: str) -> Forbidden:
    return Forbidden(
        f"`{subject[:80]}` was asked for with another key",
        hint="vote with the key that asked, or with one that has the scope `admin`",
    )

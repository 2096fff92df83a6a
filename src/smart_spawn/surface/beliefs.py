"""What is believed of models and why, and what the owner does with votes: export, import, reverse, undo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.layout import prior_of
from smart_spawn.errors import InvalidRequest, NotFound, UnknownModel
from smart_spawn.feedback import Beliefs
from smart_spawn.feedback.beliefs import in_scores
from smart_spawn.feedback.outcome import BEST, WORST
from smart_spawn.feedback.posterior import Ground, posterior
from smart_spawn.model import CATEGORIES, bare_id
from smart_spawn.store import ActRow, RatingRow
from smart_spawn.surface.feedback import _Body, checked

LARGEST_PAGE = 5_000
When = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]
"""A moment that a vote can be of. At both ends of the calendar a change of time zone leads out of it."""
Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(2200, 1, 1))]


class ReverseBody(_Body):
    """What `POST /feedback/reverse` takes: whose votes, or of which day or span, count no more."""

    voter: Annotated[
        str | None, Field(min_length=1, max_length=100, description="id of a key, or `local`")
    ] = None
    day: Annotated[Day | None, Field(description="UTC")] = None
    since: When | None = None
    until: When | None = None


class UndoBody(_Body):
    """What `POST /feedback/undo` takes."""

    act: Annotated[int, Field(ge=1, lt=2**53, description="as `/feedback/acts` lists them")]


class VoteBody(_Body):
    """One exported vote."""

    at: When
    voter: Annotated[str, Field(min_length=1, max_length=100)]
    subject: Annotated[str, Field(max_length=100)] = ""
    kind: Literal["rating", "outcome", "plugin", "gate"]
    model: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(min_length=1, max_length=40)]
    tags: Annotated[str, Field(max_length=1000)] = ""
    cluster: Annotated[str, Field(max_length=64)] = ""
    value: Annotated[float, Field(ge=WORST, le=BEST, allow_inf_nan=False)]
    comment: Annotated[str | None, Field(max_length=2_000)] = None
    reversed_at: When | None = None


class VotesBody(_Body):
    """What `POST /feedback/votes` takes."""

    votes: Annotated[tuple[VoteBody, ...], Field(max_length=LARGEST_PAGE)]


def beliefs_json(app: SmartSpawn) -> dict[str, Any]:
    """List the models that anybody voted on, the most votes first."""
    beliefs, catalog = app.learning.current(), app.catalog
    found = posterior(beliefs, Ground.of(beliefs, prior_of(catalog)))
    votes: dict[str, int] = {}
    for (model, _), count in zip(beliefs.own.cells, beliefs.own.votes.tolist(), strict=True):
        votes[model] = votes.get(model, 0) + int(count)
    rows = [
        {
            "model": model,
            "votes": votes[model],
            "points": round(in_scores(offset), 2),
            "inCatalog": model in catalog.index,
        }
        for model, offset in zip(found.ground.models, found.offsets.tolist(), strict=True)
    ]
    rows.sort(key=lambda row: (-int(str(row["votes"])), str(row["model"])))
    return {"data": rows, "meta": {"beliefsVersion": beliefs.version, "day": beliefs.day.date().isoformat()}}


def belief_json(app: SmartSpawn, model: str) -> dict[str, Any]:
    """Say what is believed of one model in every category, and how that follows from benchmark and votes.

    Raises UnknownModel for an id that the catalogue does not hold and nobody voted on.
    """
    beliefs, catalog, model = app.learning.current(), app.catalog, bare_id(model)
    if model not in catalog.index and model not in beliefs.cells_of:
        raise UnknownModel(model, nearest=catalog.nearest(model))
    prior = prior_of(catalog)
    found = posterior(beliefs, Ground.of(beliefs, prior))
    return {
        "data": {
            "model": model,
            "inCatalog": model in catalog.index,
            "beliefsVersion": beliefs.version,
            "categories": {str(c): _standing_json(beliefs, model, str(c), prior) for c in CATEGORIES},
            "contexts": [
                {
                    "context": context.removeprefix("~"),
                    "category": category,
                    "points": round(in_scores(points), 2),
                }
                for context, category, points in sorted(found.contexts_of(model))
            ],
        }
    }


def _standing_json(beliefs: Beliefs, model: str, category: str, prior: Any) -> dict[str, Any]:
    standing = beliefs.standing(model, category, prior)
    score = prior(model, category)
    return {
        "benchmarkScore": None if score is None else round(score, 2),
        "prior": round(standing.prior, 2),
        "modelOffset": round(standing.model_offset, 2),
        "votes": standing.votes,
        "weight": round(standing.weight, 3),
        "average": None if standing.average is None else round(standing.average, 2),
        "belief": round(standing.belief, 2),
        "spread": round(standing.spread, 2),
        "points": round(in_scores(standing.belief - standing.prior), 2),
        "sentence": standing.sentence(),
    }


# -- the owner's work ------------------------------------------------------------------------------------------


def votes_json(app: SmartSpawn, after: int, limit: int) -> dict[str, Any]:
    """Return a page of all votes ever given, oldest first, reversed and replaced ones included."""
    rows = []
    for row in app.store.ratings.after(after):
        rows.append(row)
        if len(rows) >= limit:
            break
    return {
        "data": [vote_json(row) for row in rows],
        "meta": {"next": rows[-1].id if len(rows) == limit else None},
    }


def exported(app: SmartSpawn) -> Iterator[dict[str, Any]]:
    """Give every vote ever given, oldest first."""
    return (vote_json(row) for row in app.store.ratings.after(0))


def vote_json(row: RatingRow) -> dict[str, Any]:
    """Return one vote as it is exported."""
    return {
        "at": row.at.isoformat(),
        "voter": row.voter,
        "subject": row.subject,
        "kind": row.kind,
        "model": row.model,
        "category": row.category,
        "tags": row.tags,
        "cluster": row.cluster,
        "value": row.value,
        "comment": row.comment,
        "reversedAt": None if row.reversed_at is None else row.reversed_at.isoformat(),
    }


def import_votes(app: SmartSpawn, votes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Store exported votes, all or none of one call; those that are here already, or were reversed, are left out.

    Raises InvalidRequest, naming the first that is wrong.
    """
    rows: list[RatingRow] = []
    left_out = 0
    for number, values in enumerate(votes, start=1):
        try:
            vote: VoteBody = checked(values, VoteBody)
        except InvalidRequest as error:
            raise InvalidRequest(f"vote {number}: {error.message}", hint=error.hint) from None
        if vote.reversed_at is not None:
            left_out += 1
            continue
        rows.append(RatingRow(**vote.model_dump(exclude={"reversed_at"})))
    added = app.store.ratings.add_all(rows)
    app.check_for_newer_votes()
    return {"data": {"added": added, "known": len(rows) - added, "reversed": left_out}}


def import_body(app: SmartSpawn, values: Mapping[str, Any], _: Any = None) -> dict[str, Any]:
    """Store the votes of a request. Raises InvalidRequest."""
    body: VotesBody = checked(values, VotesBody)
    return import_votes(app, [vote.model_dump(by_alias=True) for vote in body.votes])


def reverse_json(app: SmartSpawn, values: Mapping[str, Any], _: Any = None) -> dict[str, Any]:
    """Let votes of one voter, day or span count no more. Raises InvalidRequest where none of them is named."""
    body: ReverseBody = checked(values, ReverseBody)
    since, until = body.since, body.until
    if body.day is not None:
        if since or until:
            raise InvalidRequest("`day` and `since` or `until` do not go together", hint="send one of them")
        since = datetime(body.day.year, body.day.month, body.day.day, tzinfo=UTC)
        until = since + timedelta(days=1)
    if body.voter is None and since is None and until is None:
        raise InvalidRequest(
            "nobody and no day is named",
            hint="send `voter`, `day`, or `since` and `until`",
            code="MISSING_PARAM",
        )
    act = app.store.ratings.reverse(app.now(), voter=body.voter, since=since, until=until)
    app.check_for_newer_votes()
    return {"data": act_json(act)}


def undo_json(app: SmartSpawn, values: Mapping[str, Any], _: Any = None) -> dict[str, Any]:
    """Let the votes that an act reversed count again. Raises NotFound."""
    body: UndoBody = checked(values, UndoBody)
    act = app.store.ratings.undo(body.act, app.now())
    if act is None:
        raise NotFound(
            f"there is no reversal {body.act} to undo",
            hint="`smart-spawn beliefs acts` and `GET /feedback/acts` list what was reversed and undone",
        )
    app.check_for_newer_votes()
    return {"data": act_json(act)}


def acts_json(app: SmartSpawn) -> dict[str, Any]:
    """List what the owner did to votes, oldest first."""
    return {"data": [act_json(act) for act in app.store.ratings.acts()]}


def act_json(act: ActRow) -> dict[str, Any]:
    """Return one act."""
    return {
        "act": act.id,
        "what": act.act,
        "at": act.at.isoformat(),
        "votes": act.votes,
        "voter": act.voter,
        "since": None if act.since is None else act.since.isoformat(),
        "until": None if act.until is None else act.until.isoformat(),
        "of": act.of,
    }

"""`/feedback`, `/spawn-log`, `/beliefs`: what is learned, from whom, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.callers import caller_of
from smart_spawn.api.document import describe
from smart_spawn.api.learning_schemas import (
    ActAnswer,
    ActsAnswer,
    BeliefAnswer,
    BeliefsAnswer,
    CommunityScoresAnswer,
    CommunityScoresQuery,
    FeedbackAnswer,
    ImportedAnswer,
    LoggedAnswer,
    OutcomeAnswer,
    ScoresAnswer,
    ScoresQuery,
    StagesAnswer,
    StatsAnswer,
    StatsQuery,
    VotesAnswer,
    VotesQuery,
)
from smart_spawn.api.requests import checked_query, read_object
from smart_spawn.api.schemas import NoQuery
from smart_spawn.app import SmartSpawn
from smart_spawn.surface import beliefs, community, feedback
from smart_spawn.surface.stages import stages_json
from smart_spawn.surface.statistics import scores_json, stats_json

VOTE_ERRORS = (400, 403, 404, 413, 503)

Answer = Callable[..., dict[str, Any]]


def learning_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes of votes and of what they taught. They use the store, so they run beside the event loop."""
    router = APIRouter(tags=["learning"])
    max_bytes = app.settings.server.max_body_bytes

    async def told(request: Request, answer: Answer) -> Response:
        values = await read_object(request, max_bytes=max_bytes)
        work = partial(answer, app, values, caller_of(request, "route"))
        return json_answer(await anyio.to_thread.run_sync(work))

    @router.post(
        "/feedback",
        **describe("feedback", FeedbackAnswer, body=feedback.FeedbackBody, errors=VOTE_ERRORS),
    )
    async def give_feedback(request: Request) -> Response:
        """Say how good a choice or an answer was; the next choices learn from it.

        One vote a decision or run and key: a second replaces the first. `outcome` counts a little less than a rating.
        """
        return await told(request, feedback.feedback_json)

    @router.post(
        "/spawn-log/outcome",
        **describe("logOutcome", OutcomeAnswer, body=feedback.OutcomeBody, errors=(400, 413, 503)),
    )
    async def outcome(request: Request) -> Response:
        """Say how good a model was, without a decision. An unknown model is kept: it counts when the id appears."""
        return await told(request, feedback.outcome_json)

    async def shown(answer: Callable[[], dict[str, Any]]) -> Response:
        return json_answer(await anyio.to_thread.run_sync(answer))

    @router.post(
        "/spawn-log",
        **describe("logSpawn", LoggedAnswer, body=feedback.SpawnLogBody, errors=(400, 413, 503)),
    )
    async def log_spawn(request: Request) -> Response:
        """Log what was done without us, for the statistics. Runs log themselves."""
        return await told(request, feedback.logged_json)

    @router.get(
        "/spawn-log/scores",
        **describe("spawnScores", ScoresAnswer, query=ScoresQuery, errors=(400, 503)),
    )
    async def scores(request: Request) -> Response:
        """Tell how often models did well, by category, over the last 90 days."""
        query = checked_query(request.scope["query_string"], ScoresQuery)
        category = None if query.category is None else str(query.category)
        return await shown(partial(scores_json, app, category, query.min_samples))

    @router.get(
        "/spawn-log/stats", **describe("spawnStats", StatsAnswer, query=StatsQuery, errors=(400, 503))
    )
    async def stats(request: Request) -> Response:
        """Tell what was done, what it cost and saved, how far the gate can be trusted, which models got worse.

        A key without the scope `admin` sees what was done with it.
        """
        query = checked_query(request.scope["query_string"], StatsQuery)
        return await shown(partial(stats_json, app, query.days, caller_of(request)))

    @router.get("/beliefs", **describe("beliefs", BeliefsAnswer, query=NoQuery, errors=(400, 503)))
    async def all_beliefs(request: Request) -> Response:
        """List the models that somebody voted on, and what votes add to their scores."""
        checked_query(request.scope["query_string"], NoQuery)
        return await shown(partial(beliefs.beliefs_json, app))

    @router.get("/beliefs/{id:path}", **describe("belief", BeliefAnswer, errors=(404, 503), path=["id"]))
    async def belief(request: Request) -> Response:
        """Say what is believed of a model, and how that follows from benchmark and votes. The id holds a slash."""
        return await shown(partial(beliefs.belief_json, app, request.path_params["id"]))

    @router.get("/feedback/votes", **describe("votes", VotesAnswer, query=VotesQuery, errors=(400, 403, 503)))
    async def votes(request: Request) -> Response:
        """Export every vote ever given, page by page."""
        query = checked_query(request.scope["query_string"], VotesQuery)
        return await shown(partial(beliefs.votes_json, app, query.after, query.limit))

    @router.post(
        "/feedback/votes",
        **describe("importVotes", ImportedAnswer, body=beliefs.VotesBody, errors=(400, 403, 413, 503)),
    )
    async def import_votes(request: Request) -> Response:
        """Import exported votes, all or none; those that are known already are left out."""
        return await told(request, beliefs.import_body)

    @router.post(
        "/feedback/reverse",
        **describe("reverseVotes", ActAnswer, body=beliefs.ReverseBody, errors=(400, 403, 413, 503)),
    )
    async def reverse(request: Request) -> Response:
        """Let the votes of one voter, day or span count no more. They stay stored, and it can be undone."""
        return await told(request, beliefs.reverse_json)

    @router.post(
        "/feedback/undo",
        **describe("undoReversal", ActAnswer, body=beliefs.UndoBody, errors=(400, 403, 404, 413, 503)),
    )
    async def undo(request: Request) -> Response:
        """Let the votes that an act reversed count again."""
        return await told(request, beliefs.undo_json)

    @router.get("/feedback/acts", **describe("voteActs", ActsAnswer, query=NoQuery, errors=(400, 403, 503)))
    async def acts(request: Request) -> Response:
        """List what the owner reversed and undid."""
        checked_query(request.scope["query_string"], NoQuery)
        return await shown(partial(beliefs.acts_json, app))

    @router.post(
        "/community/report",
        **describe(
            "communityReport", OutcomeAnswer, body=community.ReportBody, errors=(400, 403, 413, 429, 503)
        ),
    )
    async def report(request: Request) -> Response:
        """Tell this service how good a model was elsewhere. Only where its owner turned that on."""
        return await told(request, community.report_json)

    @router.get(
        "/community/scores",
        **describe("communityScores", CommunityScoresAnswer, query=CommunityScoresQuery, errors=(400, 503)),
    )
    async def community_scores(request: Request) -> Response:
        """Show what others reported, as they said it; in choices it counts for little."""
        query = checked_query(request.scope["query_string"], CommunityScoresQuery)
        category = None if query.category is None else str(query.category)
        return await shown(partial(community.community_scores_json, app, category, query.min_ratings))

    @router.get("/stages", **describe("stages", StagesAnswer, query=NoQuery, errors=(400, 403, 503)))
    async def stages(request: Request) -> Response:
        """Tell how far routing has earned to be trusted, for callers who name their `current` model."""
        checked_query(request.scope["query_string"], NoQuery)
        return await shown(partial(stages_json, app))

    return router

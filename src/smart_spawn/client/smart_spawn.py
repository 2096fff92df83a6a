"""`SmartSpawn`: what Python programs call, whether it is done in this process or by a service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from smart_spawn.answers import (
    Comparison,
    Decision,
    Model,
    Recommendations,
    Replay,
    Run,
    RunRow,
    SpawnResult,
    Vote,
)
from smart_spawn.client.door import Door
from smart_spawn.client.reading import given, read
from smart_spawn.client.runs import Runs, spawning
from smart_spawn.errors import InvalidRequest

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport

    from smart_spawn.app import SmartSpawn as App
    from smart_spawn.runs.ports import ChatClient
    from smart_spawn.settings import Settings

URL, API_KEY = "SMART_SPAWN_URL", "SMART_SPAWN_API_KEY"
TIMEOUT_S = 60.0


class SmartSpawn:
    """Choose models and have them do tasks: in this process, or by a service when its address is given.

        async with SmartSpawn() as ss: ...
        async with SmartSpawn("https://host", api_key="ss_...") as ss: ...

    Without an address `SMART_SPAWN_URL` and `SMART_SPAWN_API_KEY` say which service to ask; where they are not set,
    everything is done here, by these settings or those in effect. `chat` replaces the configured providers, as tests
    do with `FakeProvider`; `in_memory` keeps nothing. `timeout_s` is the longest that one answer of a service may
    take; a run may take as long as its own deadline. `transport` replaces httpx's own network.
    """

    def __init__(
        self,
        where: str | Settings | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        chat: ChatClient | None = None,
        in_memory: bool = False,
        transport: AsyncBaseTransport | None = None,
    ) -> None:
        here = chat is not None or in_memory
        if where is None and not here:
            where = os.environ.get(URL) or None
        if isinstance(where, str):
            if here:
                raise InvalidRequest(
                    "`chat` and `in_memory` are for Smart Spawn in this process", hint="leave the address out"
                )
            self._door: Door = _remote(where, api_key, timeout_s, transport)
        else:
            if api_key is not None:
                raise InvalidRequest(
                    "`api_key` is for a service",
                    hint='give its address: `SmartSpawn("https://host", api_key=...)`',
                )
            self._door = _local(where, chat, in_memory=in_memory)
        self.runs = Runs(self._door)
        """Start without waiting, list, watch, read and cancel."""

    async def __aenter__(self) -> Self:
        await self._door.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of connections, runs that are carried out here, and the store."""
        await self._door.close()

    @property
    def app(self) -> App:
        """What does the work in this process: its catalogue, settings, store. Raises InvalidRequest for a service."""
        app: App | None = getattr(self._door, "app", None)
        if app is None:
            raise InvalidRequest("the work is done by a service, not in this process", hint="`SmartSpawn()`")
        return app

    # -- choosing -----------------------------------------------------------------------------------------------

    async def route(self, task: str = "", **options: Any) -> Decision:
        """Choose a model for a task. Options are the fields of `RouteRequest`. Raises RoutingError and others."""
        return read(Decision, await self._door.route({"task": task, **options}))

    async def recommend(self, task: str = "", *, count: int = 3, **options: Any) -> Recommendations:
        """Choose one to five models, the most wanted first, from different providers where that costs little."""
        return read(Recommendations, await self._door.recommend({"task": task, "count": count, **options}))

    async def decision(self, decision_id: str) -> Decision:
        """Return a past decision. Raises NotFound."""
        return read(Decision, await self._door.decision(decision_id))

    async def explain(self, decision: str | Decision | SpawnResult) -> str:
        """Return one screen of plain text about a decision, made now or long ago. Raises NotFound."""
        return await self._door.explain(decision_id_of(decision))

    async def replay(self, decision: str | Decision | SpawnResult) -> Replay:
        """Decide again from what was stored, and say whether the answer is the same. Raises NotFound."""
        return read(Replay, await self._door.replay(decision_id_of(decision)))

    # -- what there is to choose from ---------------------------------------------------------------------------

    async def models(
        self,
        *,
        category: str | None = None,
        tier: str | None = None,
        sort: str | None = None,
        limit: int = 100,
        q: str | None = None,
    ) -> Sequence[Model]:
        """List models, best first. `sort` is `score`, `cost`, `efficiency` or a category; `q` a part of the name."""
        query = given(category=category, tier=tier, sort=sort, limit=limit, q=q)
        return [read(Model, row) for row in (await self._door.models(query))["data"]]

    async def model(self, model_id: str) -> Model:
        """Show one model with every reading behind its scores. Raises UnknownModel with the nearest ids."""
        return read(Model, (await self._door.model(model_id))["data"])

    async def compare(self, *model_ids: str) -> Comparison:
        """Put two to five models side by side. Raises InvalidRequest, UnknownModel when none is known."""
        return read(Comparison, (await self._door.compare(model_ids))["data"])

    async def status(self) -> dict[str, Any]:
        """Tell how fresh the catalogue is, source by source: the `data` of `GET /status`."""
        data: dict[str, Any] = (await self._door.status())["data"]
        return data

    # -- planning -----------------------------------------------------------------------------------------------

    async def decompose(self, task: str, **options: Any) -> dict[str, Any]:
        """Take a task apart into steps that follow each other: the JSON of `POST /decompose`. Calls no model."""
        return await self._door.decompose({"task": task, **options})

    async def swarm(self, task: str, **options: Any) -> dict[str, Any]:
        """Take a task apart into a graph of steps: the JSON of `POST /swarm`. Calls no model."""
        return await self._door.swarm({"task": task, **options})

    async def dry_run(self, task: str, *, mode: str = "swarm", **options: Any) -> dict[str, Any]:
        """Say what a `plan` or `swarm` would do, by whom and for how much. Calls no model."""
        if mode not in ("plan", "swarm"):
            raise InvalidRequest(f"`{mode}` has no plan to show", hint="`mode` is `plan` or `swarm`")
        return await self._door.dry_run({"task": task, "mode": mode, **options})

    async def role_blocks(self) -> dict[str, Any]:
        """List what roles are made of: the JSON of `GET /roles/blocks`."""
        return await self._door.role_blocks()

    async def compose_role(self, task: str, **options: Any) -> dict[str, Any]:
        """Put a role together in front of a task: the JSON of `POST /roles/compose`."""
        return await self._door.compose_role({"task": task, **options})

    # -- doing --------------------------------------------------------------------------------------------------

    async def spawn(self, task: str, *, idempotency_key: str | None = None, **options: Any) -> SpawnResult:
        """Have the best model do a task, and wait for it. Options are the fields of `SpawnRequest`.

        Raises what stopped it: RoutingError, ProviderError, RunError. Sent again after a broken connection it is
        still one run; with a key of your own it is one run after a restart of your program too. Costs model calls.
        """
        answer = await self._door.submit(spawning(task, options), idempotency_key)
        return read(SpawnResult, await self._door.ended(answer["id"]))

    # -- learning -----------------------------------------------------------------------------------------------

    async def rate(self, what: Rated, rating: float | str, *, comment: str | None = None) -> Vote:
        """Say how good an answer or a choice was: 1 (worst) to 5, or `success` or `failure`. The next choices learn.

        `what` is a result, a run, a decision, or the id of one. A second rating of the same replaces the first.
        Raises NotFound, InvalidRequest.
        """
        said = {"outcome" if isinstance(rating, str) else "rating": rating}
        answer = await self._door.rate({**_subject_of(what), **said, **given(comment=comment)})
        return read(Vote, answer["data"])


Rated = str | SpawnResult | Run | RunRow | Decision | Recommendations
"""What can be rated."""


def _subject_of(what: Rated) -> dict[str, str]:
    if isinstance(what, Recommendations):
        return {"decisionId": what.decision_id}
    subject = what if isinstance(what, str) else what.id
    return {"runId" if subject.startswith("run_") else "decisionId": subject}


def decision_id_of(decision: str | Decision | SpawnResult) -> str:
    """Return the id of a decision."""
    if isinstance(decision, SpawnResult):
        return decision.decision.id
    return decision.id if isinstance(decision, Decision) else decision


def _remote(url: str, api_key: str | None, timeout_s: float, transport: AsyncBaseTransport | None) -> Door:
    from smart_spawn.client.remote import Remote  # noqa: PLC0415  # only for a service
    from smart_spawn.client.wire import Wire  # noqa: PLC0415

    if api_key is None and os.environ.get(URL, url) == url:  # a key for one service is not sent to another
        api_key = os.environ.get(API_KEY) or None
    return Remote(Wire(url, api_key=api_key, timeout_s=timeout_s, transport=transport))


def _local(settings: Settings | None, chat: ChatClient | None, *, in_memory: bool) -> Door:
    from smart_spawn.app import SmartSpawn as App  # noqa: PLC0415  # heavy, and nothing for a client
    from smart_spawn.client.local import Local  # noqa: PLC0415

    return Local(App(settings, chat=chat, in_memory=in_memory))

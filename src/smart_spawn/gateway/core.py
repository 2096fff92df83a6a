"""`Gateway`: one chat completion from the body to the answer, whatever protocol its caller speaks."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import anyio.to_thread

from smart_spawn.app import SmartSpawn
from smart_spawn.app.dispatch import baseline, callable_models
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import ProviderError, SmartSpawnError
from smart_spawn.gateway.attempts import Caller, Won
from smart_spawn.gateway.limits import Limits
from smart_spawn.gateway.long_modes import LongModes
from smart_spawn.gateway.reading import Ask, read_ask
from smart_spawn.gateway.reasoning import Authors, Mark
from smart_spawn.gateway.shapes import Answered, Asker, Chunks, Json, Streamed
from smart_spawn.gateway.spending import UNLIMITED_OUTPUT_TOKENS, Till
from smart_spawn.gateway.streams import Opened, Tidy, opened, whole
from smart_spawn.model import Budget, Category, Mode
from smart_spawn.providers.answers import read_cost_usd, read_usage
from smart_spawn.providers.registry import Providers
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.request import RouteRequest
from smart_spawn.runs.journal import CallLimits
from smart_spawn.runs.lane import Lane
from smart_spawn.runs.ports import RelayCall, RelayClient
from smart_spawn.spawn.cost import listed_usd
from smart_spawn.spawn.money import micro_usd
from smart_spawn.spawn.outcome import Rung
from smart_spawn.store.database import StoreBusy
from smart_spawn.store.spawns import LOCAL, SpawnRow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A decision for one request, ready to be called."""

    decision: Decision
    catalog: Catalog
    rungs: Sequence[Rung]
    session_id: str


class Gateway:
    """Chat completions over one `SmartSpawn`. Bodies in and out are those of OpenAI's protocol."""

    def __init__(self, app: SmartSpawn) -> None:
        self._app = app
        self._authors = Authors()
        self._long = LongModes(app)
        self._caller: Caller | None = None

    async def chat(self, body: Mapping[str, Any], asker: Asker) -> Answered | Streamed:
        """Answer one chat completion: streamed where the body says `stream`, else whole.

        What goes wrong before anything can be shown is raised: InvalidRequest, UnknownModel, RoutingError,
        ProviderError, BudgetExceeded, StoreError. A caller that is cancelled ends the call to the provider.
        Costs money.
        """
        catalog = self._app.catalog
        ask = read_ask(body, catalog)
        if ask.wanted.mode is not Mode.SINGLE:
            return await self._long.chat(ask, asker)
        chosen = self._choose(ask, asker, catalog)
        return await (self._streamed if ask.stream else self._whole)(ask, asker, chosen)

    async def prepare(self) -> None:
        """Load what the first call would have to wait for: half a second of imports, weights and tables."""
        if isinstance(self._app.chat, Providers):
            await self._app.chat.open_relays()
        with contextlib.suppress(SmartSpawnError):  # without a catalogue each request says so
            await anyio.to_thread.run_sync(self._app.preview, self._app.request(task="Good morning"))

    def close(self) -> None:
        """End the threads that count money."""
        if self._caller is not None:
            self._caller.till.close()
            self._caller = None

    # -- choosing -----------------------------------------------------------------------------------------------

    def _choose(self, ask: Ask, asker: Asker, catalog: Catalog) -> _Chosen:
        app = self._app
        session_id = self._session(ask, asker)
        decision = app.decide(
            self._request(ask, session_id, catalog),
            tokens=ask.prompt_tokens,
            held=ask.waits_for_tools,
            caller=asker.key_cap.owner if asker.key_cap else None,
        )
        return _Chosen(
            decision=decision,
            catalog=catalog,
            rungs=app.dispatcher(catalog).ladder(decision),
            session_id=session_id,
        )

    def _request(self, ask: Ask, session_id: str, catalog: Catalog) -> RouteRequest:
        """Return what routing is asked. One model is taken at its caller's word: what it can do is not checked."""
        said: dict[str, Any] = {"task": ask.task, "session_id": session_id}
        if not ask.task.strip():
            said["category"] = Category.VISION if ask.images else Category.GENERAL
        if ask.wanted.model_id is not None:
            return self._app.request(**said, pin=ask.wanted.model_id, budget=Budget.ANY)
        if ask.wanted.budget is not None:
            said["budget"] = ask.wanted.budget
        answer = min(
            ask.max_output_tokens or 0, UNLIMITED_OUTPUT_TOKENS
        )  # many clients ask for more than they need
        room = ask.prompt_tokens + max(answer, self._app.policy.answer_tokens)
        if room > catalog.smallest_context:
            said["min_context"] = room
        kinds = (*(["image"] if ask.images else []), *ask.attachments)
        return self._app.request(
            **said,
            require=ask.require,
            attachments=[{"type": kind} for kind in kinds],
            models=callable_models(self._app.settings, catalog) if self._calls_out else (),
        )

    def _session(self, ask: Ask, asker: Asker) -> str:
        """Name the conversation: as its caller does, else by how it began; each key has its own."""
        said = f"named:{asker.session_id}" if asker.session_id else f"begun:{ask.opening}"
        key = asker.key_cap.key if asker.key_cap else ""
        return f"chat_{self._app.log.digest(f'{key}:{said}')}"

    # -- answering ----------------------------------------------------------------------------------------------

    async def _whole(self, ask: Ask, asker: Asker, chosen: _Chosen) -> Answered:
        won = await self._calling.first(ask, asker, chosen.rungs, self._client.relay)
        won.place.hand_back()
        self._settled_on(ask, chosen, won.rung)
        raw = won.answer
        self._sign(won.rung, Mark.of(raw["choices"][0]["message"], after=ask.messages[-1]))
        cost = self._cost_usd(won.rung, raw.get("usage"))
        self._log(asker, chosen, won.rung, cost, raw.get("usage"))
        await self._calling.till.bill(asker.key_cap, won.held, cost)
        body = whole(
            raw,
            model_id=won.rung.model_id,
            fallback_id=f"chatcmpl-{chosen.decision.id}",
            created=self._now_s(),
            cost_usd=None if cost is None else float(cost),
        )
        told = {} if cost is None else {"x-smart-spawn-cost-usd": f"{cost:f}"}
        return Answered(
            body=body,
            headers={**_headers(chosen.decision, won.rung), **told},
            decision_id=chosen.decision.id,
        )

    async def _streamed(self, ask: Ask, asker: Asker, chosen: _Chosen) -> Streamed:
        async def begin(call: RelayCall) -> Opened:
            return await opened(self._client.relay_stream(call))

        won = await self._calling.first(ask, asker, chosen.rungs, begin)
        self._settled_on(ask, chosen, won.rung)
        return Streamed(
            chunks=Chunks(self._chunks(ask, asker, chosen, won), close=lambda: _ended(won)),
            headers=_headers(chosen.decision, won.rung),
            decision_id=chosen.decision.id,
        )

    async def _chunks(
        self, ask: Ask, asker: Asker, chosen: _Chosen, won: Won[Opened]
    ) -> AsyncGenerator[Json | None, None]:
        """Give what the caller sees. A stream that breaks off here is not begun anew: its reader has seen a part."""
        tidy = Tidy(
            model_id=won.rung.model_id,
            fallback_id=f"chatcmpl-{chosen.decision.id}",
            created=self._now_s(),
            mark=Mark(after=ask.messages[-1]),
        )
        cost: Decimal | None = None  # of a stream that breaks off nobody knows it: its money stays set aside
        try:
            async with aclosing(won.answer.chunks()) as chunks:
                async for raw in chunks:
                    chunk = tidy.chunk(raw)
                    if chunk is not None:
                        yield chunk
            cost = self._cost_usd(won.rung, tidy.usage)
        except ProviderError as error:
            await self._calling.failed(won.rung, asker, won.held, error)
            raise
        finally:
            await _ended(won)
            self._sign(won.rung, tidy.mark)
            self._log(asker, chosen, won.rung, cost, tidy.usage)
            await self._calling.till.bill(asker.key_cap, won.held, cost)
        if ask.include_usage:
            yield tidy.last(None if cost is None else float(cost))

    def _settled_on(self, ask: Ask, chosen: _Chosen, rung: Rung) -> None:
        """Remember who answers this conversation, where it was not the one who was chosen."""
        if rung.model_id != chosen.decision.selected.model:
            self._app.moved(chosen.session_id, rung.model_id, ask.prompt_tokens)

    def _sign(self, rung: Rung, mark: Mark) -> None:
        self._authors.wrote((rung.provider, rung.model_id), mark.digest())

    def _log(self, asker: Asker, chosen: _Chosen, rung: Rung, cost: Decimal | None, usage: object) -> None:
        """Note what was done, for the statistics. Costs microseconds: the writer's thread looks up the baseline."""
        decision, at, policy = chosen.decision, self._app.now(), self._app.policy

        def row() -> SpawnRow:
            instead = baseline(decision, chosen.catalog, policy).cost_usd(read_usage(usage), at)
            return SpawnRow(
                at=at,
                model=rung.model_id,
                category=str(decision.category),
                caller=asker.key or LOCAL,
                subject=f"chat:{decision.id}",
                decision_id=decision.id,
                budget=str(decision.budget),
                source="gateway",
                cost_micro_usd=None if cost is None else micro_usd(cost),
                estimated=read_cost_usd(usage) is None,
                baseline_micro_usd=None if instead is None else micro_usd(instead),
            )

        self._app.store.spawns.put(row)

    def _cost_usd(self, rung: Rung, usage: object) -> Decimal | None:
        """Return what was billed: as the provider says, else by the list price; `None` when neither is known."""
        told = read_cost_usd(usage)
        return told if told is not None else listed_usd(rung.price, read_usage(usage), self._app.now())

    def _now_s(self) -> int:
        return int(self._app.now().timestamp())

    @property
    def _client(self) -> RelayClient:
        return cast("RelayClient", self._app.chat)

    @property
    def _calls_out(self) -> bool:
        return isinstance(self._app.chat, Providers)

    @property
    def _calling(self) -> Caller:
        if self._caller is None:
            store, settings = self._app.store, self._app.settings
            lane = Lane(1, temporary=lambda error: isinstance(error, StoreBusy))
            self._caller = Caller(
                till=Till(store.purses, lane, cap_usd=settings.max_cost_usd_per_run),
                limits=Limits(
                    {
                        name: CallLimits(at_once=row.max_calls_at_once, per_minute=row.max_calls_per_minute)
                        for name, row in settings.providers.items()
                    }
                ),
                authors=self._authors,
                clock=self._app.now,
                random=random.random,
            )
        return self._caller


async def _ended(won: Won[Opened]) -> None:
    """End a call, if it has not ended, and let another have its place."""
    won.place.hand_back()
    await won.answer.close()


def _headers(decision: Decision, rung: Rung) -> dict[str, str]:
    return {
        "x-smart-spawn-decision-id": decision.id,
        "x-smart-spawn-model": rung.model_id,
        "x-smart-spawn-confidence": f"{decision.confidence:.4f}",
    }

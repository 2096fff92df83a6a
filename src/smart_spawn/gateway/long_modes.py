"""Chats that several models work on: each is a run, which is waited for and shown as one answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from smart_spawn.app import SmartSpawn, SpawnResult
from smart_spawn.errors import InvalidRequest, SmartSpawnError
from smart_spawn.gateway.reading import Ask, text_of
from smart_spawn.gateway.shapes import Answered, Asker, Chunks, Json, Streamed
from smart_spawn.model import Mode
from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.request import SpawnRequest

ALIVE_S = 5.0
"""How long a caller that waits hears nothing at most."""
CHUNK_CHARS = 200
"""The text is there at once and could be one chunk; clients that draw what comes prefer pieces."""
_BEFORE = """The conversation before the task, oldest first. Keep to what its system messages ask of you; the task is
its newest message.

"""


class LongModes:
    """Cascade, collective and swarm, as chat completions."""

    def __init__(self, app: SmartSpawn) -> None:
        self._app = app

    async def chat(self, ask: Ask, asker: Asker) -> Answered | Streamed:
        """Have a run answer. A caller that goes away cancels it. Raises what stopped it; costs model calls."""
        request = SpawnRequest.of(self._app.defaults(SpawnRequest, _request(ask)))
        run_id = await self._app.submit(request, key_cap=asker.key_cap, context=_context(ask))
        decision_id = str((await self._app.runs.get(run_id)).request.get("decision_id", ""))
        headers = {"x-smart-spawn-decision-id": decision_id}
        if ask.stream:
            chunks = Chunks(self._chunks(ask, run_id), close=lambda: self._give_up(run_id))
            return Streamed(chunks=chunks, headers=headers, decision_id=decision_id)
        result = await self._result(run_id)
        return Answered(
            body=self._completion(result),
            headers={**headers, **_told(result)},
            decision_id=decision_id,
        )

    async def _chunks(self, ask: Ask, run_id: str) -> AsyncGenerator[Json | None, None]:
        waiting = asyncio.ensure_future(self._result(run_id))
        try:
            while not (await asyncio.wait({waiting}, timeout=ALIVE_S))[0]:
                yield None
            result = waiting.result()
        finally:
            waiting.cancel()
        text = result.outcome.output
        for at in range(0, len(text), CHUNK_CHARS):
            role = {} if at else {"role": "assistant"}
            yield self._chunk(result, {**role, "content": text[at : at + CHUNK_CHARS]})
        yield self._chunk(result, {}, finish_reason="stop")
        if ask.include_usage:
            yield {**self._chunk(result, {}), "choices": [], "usage": _usage(result)}

    async def _result(self, run_id: str) -> SpawnResult:
        """Wait for a run. Cancelled, it takes the run with it."""
        try:
            result = await self._app.result(await self._app.runs.finished(run_id))
        except asyncio.CancelledError:
            await asyncio.shield(self._give_up(run_id))
            raise
        result.outcome.raise_failure(runId=run_id)
        return result

    async def _give_up(self, run_id: str) -> None:
        """Stop a run that nobody waits for any more; one that has ended stays as it is."""
        with contextlib.suppress(SmartSpawnError):
            await self._app.runs.cancel(run_id)

    def _completion(self, result: SpawnResult) -> Json:
        message = {"role": "assistant", "content": result.outcome.output}
        return {
            **self._frame(result, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(result),
        }

    def _chunk(self, result: SpawnResult, delta: Json, finish_reason: str | None = None) -> Json:
        return {
            **self._frame(result, "chat.completion.chunk"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }

    def _frame(self, result: SpawnResult, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{result.id}",
            "object": kind,
            "created": int(self._app.now().timestamp()),
            "model": result.outcome.model or result.decision.selected.model,
        }


def _request(ask: Ask) -> Json:
    """Return what is to be done. Raises InvalidRequest for what only one model can be asked."""
    for name in ("tools", "functions"):
        if ask.body.get(name):
            raise _single_only(ask, name)
    if "vision" in ask.require or ask.attachments:
        raise _single_only(ask, "messages")
    asked: Json = {"task": _last(ask), "mode": ask.wanted.mode}
    if ask.wanted.budget is not None:
        asked["budget"] = ask.wanted.budget
    if ask.prompt_tokens > 8_000:
        asked["min_context"] = ask.prompt_tokens
    schema = _schema(ask)
    if schema is not None and ask.wanted.mode is not Mode.SWARM:
        asked["verify"] = {"jsonSchema": schema}
    return asked


def _single_only(ask: Ask, field: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{field}` holds what mode `{ask.wanted.mode}` cannot hand to several models: tools, pictures or files",
        hint="use `smart-spawn/auto`",
        details={"field": field},
    )


def _schema(ask: Ask) -> Any:
    wanted = ask.body.get("response_format")
    inner = wanted.get("json_schema") if isinstance(wanted, dict) else None
    return inner.get("schema") if isinstance(inner, dict) else None


def _last(ask: Ask) -> str:
    """Return the newest message of a person, whole. Raises InvalidRequest where there is none."""
    text = next((text_of(m) for m in reversed(ask.messages) if m["role"] == "user"), "")
    if not text.strip():
        raise InvalidRequest(
            "no message of role `user` says what is to be done",
            hint="end `messages` with one",
            details={"field": "messages"},
        )
    return text


def _context(ask: Ask) -> str:
    """Return the messages beside the newest ask, and the form that the answer should have, as a text."""
    newest = max(at for at, message in enumerate(ask.messages) if message["role"] == "user")
    others = [message for at, message in enumerate(ask.messages) if at != newest and text_of(message).strip()]
    schema = _schema(ask)
    form = "" if schema is None else "\n\nAnswer with one JSON value that satisfies the schema of the caller."
    if not others:
        return form.strip()
    return _BEFORE + "\n\n".join(f"[{message['role']}]\n{text_of(message)}" for message in others) + form


def _usage(result: SpawnResult) -> Json | None:
    usage: Usage | None = result.outcome.usage
    if usage is None:
        return None
    told: Json = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
    cost = result.outcome.cost.usd
    return told if cost is None else {**told, "cost": float(cost)}


def _told(result: SpawnResult) -> dict[str, str]:
    outcome = result.outcome
    sure = result.decision.confidence if outcome.confidence is None else outcome.confidence
    told = {
        "x-smart-spawn-model": outcome.model or result.decision.selected.model,
        "x-smart-spawn-confidence": f"{sure:.4f}",
    }
    return told if outcome.cost.usd is None else {**told, "x-smart-spawn-cost-usd": f"{outcome.cost.usd:f}"}

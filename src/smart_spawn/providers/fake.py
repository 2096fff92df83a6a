"""A provider without a network: scripted answers and failures, for tests, demos and dry runs."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from smart_spawn.errors import ProviderError, TimedOut
from smart_spawn.runs.ports import ModelAnswer, ModelCall, RelayCall, Usage

MAX_RECORDED = 10_000
"""How many calls are remembered; older ones are forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One answer to give, in more detail than its text."""

    text: str
    finish_reason: str = "stop"
    usage: Usage | None = None
    """`None` counts characters, four to a token."""
    cost_usd: Decimal | None = None
    delay_s: float = 0.0
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """Calls of tools, as the protocol writes them, for relayed calls."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the message, such as `reasoning_details`, for relayed calls."""
    breaks: ProviderError | None = None
    """For a relayed stream: raised after the text, where its end should be."""


Script = str | Scripted | ProviderError


class FakeProvider:
    """A `ChatClient` and `RelayClient` that answers from a script and remembers what it was asked.

    `script` is one queue for everybody, or a queue for each model id. A model whose queue is used up, or that
    has none, gets `default`. Errors in a queue are raised in their turn.

        fake = FakeProvider({"vendor/cheap": [RateLimited("slow down"), "a late answer"]})
    """

    def __init__(
        self,
        script: Iterable[Script] | Mapping[str, Iterable[Script]] = (),
        *,
        default: str = "This is a scripted answer.",
        name: str = "fake",
    ) -> None:
        self.name = name
        self.default = default
        self.calls: deque[ModelCall] = deque(maxlen=MAX_RECORDED)
        self.relayed: deque[RelayCall] = deque(maxlen=MAX_RECORDED)
        self._shared: deque[Script] = deque()
        self._queues: dict[str, deque[Script]] = defaultdict(deque)
        if isinstance(script, Mapping):
            for model_id, steps in script.items():
                self._queues[model_id] = deque(steps)
        else:
            self._shared = deque(script)

    def add(self, *steps: Script, model_id: str | None = None) -> None:
        """Append to the queue of one model, or to the one for everybody."""
        (self._shared if model_id is None else self._queues[model_id]).extend(steps)

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Give the next scripted answer. Raises the scripted ProviderError, or TimedOut for a long delay."""
        self.calls.append(call)
        scripted = await self._next(call)
        return ModelAnswer(
            text=scripted.text,
            finish_reason=scripted.finish_reason,
            usage=scripted.usage or counted(call, scripted.text),
            cost_usd=scripted.cost_usd,
            model=call.model_id,
            provider=self.name,
            latency_ms=scripted.delay_s * 1000,
            raw_id=f"fake-{len(self.calls)}",
        )

    async def relay(self, call: RelayCall) -> dict[str, Any]:
        """Give the next scripted answer as a completion. Raises as `complete`."""
        self.relayed.append(call)
        scripted = await self._next(call)
        message = {"role": "assistant", "content": scripted.text or None, **scripted.extra}
        if scripted.tool_calls:
            message["tool_calls"] = list(scripted.tool_calls)
        finish_reason = "tool_calls" if scripted.tool_calls else scripted.finish_reason
        return {
            **self._frame(call, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": self._usage(call, scripted),
        }

    async def relay_stream(self, call: RelayCall) -> AsyncGenerator[dict[str, Any], None]:
        """Give the next scripted answer a word at a time. Raises as `complete`, and what `breaks` says."""
        self.relayed.append(call)
        scripted = await self._next(call)
        frame = self._frame(call, "chat.completion.chunk")
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": word} for word in re.findall(r"\S+\s*", scripted.text)]
        deltas += [{**scripted.extra}] if scripted.extra else []
        deltas += [{"tool_calls": [{"index": at, **one}]} for at, one in enumerate(scripted.tool_calls)]
        for delta in deltas:
            yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            await asyncio.sleep(0)
        if scripted.breaks:
            raise scripted.breaks
        finish_reason = "tool_calls" if scripted.tool_calls else scripted.finish_reason
        yield {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}
        yield {**frame, "choices": [], "usage": self._usage(call, scripted)}

    async def _next(self, call: ModelCall | RelayCall) -> Scripted:
        queue = self._queues.get(call.model_id) or self._shared
        step = queue.popleft() if queue else self.default
        if isinstance(step, ProviderError):
            raise step
        scripted = Scripted(text=step) if isinstance(step, str) else step
        try:
            async with asyncio.timeout(call.timeout_s):
                await asyncio.sleep(scripted.delay_s)
        except TimeoutError:
            raise TimedOut("the script was too slow", provider=self.name, model=call.model_id) from None
        return scripted

    def _frame(self, call: RelayCall, kind: str) -> dict[str, Any]:
        return {
            "id": f"fake-{len(self.relayed)}",
            "object": kind,
            "created": 1_767_225_600,
            "model": call.model_id,
        }

    @staticmethod
    def _usage(call: RelayCall, scripted: Scripted) -> dict[str, Any]:
        prompt = -(-len(str(call.body.get("messages", ""))) // 4)
        told = scripted.usage or Usage(prompt_tokens=prompt, completion_tokens=-(-len(scripted.text) // 4))
        usage: dict[str, Any] = {
            "prompt_tokens": told.prompt_tokens,
            "completion_tokens": told.completion_tokens,
            "total_tokens": told.prompt_tokens + told.completion_tokens,
        }
        return usage if scripted.cost_usd is None else {**usage, "cost": float(scripted.cost_usd)}

    async def close(self) -> None:
        """Do nothing; here so that it can stand wherever `Providers` does."""


def counted(call: ModelCall, text: str) -> Usage:
    """Return the usage of a call by counting characters, four to a token, rounded up."""
    prompt = sum(len(message.content) for message in call.messages)
    return Usage(prompt_tokens=-(-prompt // 4), completion_tokens=-(-len(text) // 4))

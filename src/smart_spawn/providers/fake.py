"""A provider without a network: scripted answers and failures, for tests, demos and dry runs."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from smart_spawn.errors import ProviderError, TimedOut
from smart_spawn.runs.ports import ModelAnswer, ModelCall, Usage

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


Script = str | Scripted | ProviderError


class FakeProvider:
    """A `ChatClient` that answers from a script and remembers what it was asked.

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

    async def close(self) -> None:
        """Do nothing; here so that it can stand wherever `Providers` does."""


def counted(call: ModelCall, text: str) -> Usage:
    """Return the usage of a call by counting characters, four to a token, rounded up."""
    prompt = sum(len(message.content) for message in call.messages)
    return Usage(prompt_tokens=-(-prompt // 4), completion_tokens=-(-len(text) // 4))

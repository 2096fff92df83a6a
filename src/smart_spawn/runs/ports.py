"""What running a task asks of the outside: somebody who answers a model call, and somebody who remembers.

The shapes stand here, with no import of spawn or providers, because both sides need them: a mode calls a
`ChatClient` or, where it must survive a crash, a `Ctx`; providers and the engines implement them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeVar

from smart_spawn.errors import SmartSpawnError
from smart_spawn.model import Effort, Price

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of the conversation that a model gets."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of one model, in the catalogue's words; the provider translates it."""

    model_id: str
    messages: tuple[Message, ...]
    max_output_tokens: int | None = None
    """Thinking included. `None` leaves the length to the provider."""
    reasoning_effort: Effort | None = None
    """`None` says nothing about it, for models that take no effort."""
    response_format: Mapping[str, Any] | None = None
    """As in the OpenAI protocol, e.g. `{"type": "json_object"}`."""
    timeout_s: float = 120.0
    """The longest that the whole call may take, connecting and reading together."""
    only_hosts: tuple[str, ...] = ()
    """Where the data policy allows the prompt to go, for a provider that passes prompts on; empty is anywhere."""
    deny_training: bool = False
    zero_retention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCall:
    """A chat completion in OpenAI's protocol, handed on to one model as its caller wrote it."""

    model_id: str
    body: Mapping[str, Any]
    """The caller's own members. Model, streaming, output limit and effort are put in by the provider."""
    max_output_tokens: int | None = None
    """Thinking included. `None` leaves the length to the provider."""
    reasoning_effort: str | None = None
    """As the protocol names it; `None` says nothing about it."""
    timeout_s: float = 120.0
    """The longest wait for a whole answer; of a stream, for its next part."""
    only_hosts: tuple[str, ...] = ()
    """As in `ModelCall`."""
    deny_training: bool = False
    zero_retention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens that one or more calls used."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """The part of `prompt_tokens` read from the provider's cache."""
    reasoning_tokens: int = 0
    """The part of `completion_tokens` spent on thinking."""

    def __add__(self, other: Usage) -> Usage:
        """Return the tokens of both together."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a model answered. The text is never empty: an empty answer is a BadAnswer."""

    text: str
    finish_reason: str
    """`stop` when it came to its end, `length` when it was cut at the limit."""
    usage: Usage | None
    """`None` when the provider did not say."""
    cost_usd: Decimal | None
    """What the provider says it billed; `None` when it does not say."""
    model: str
    """The model that answered, in the provider's words."""
    provider: str
    """The name of the provider in the settings."""
    latency_ms: float
    raw_id: str | None = None
    """The provider's own id of the answer, to look it up there."""


class ChatClient(Protocol):
    """Somebody who can have a model answer."""

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Return the model's answer, after one try. Raises ProviderError; its type tells what may help."""
        ...


class RelayClient(Protocol):
    """Somebody who hands chat completions on, unread but checked."""

    async def relay(self, call: RelayCall) -> dict[str, Any]:
        """Return the completion, after one try. Raises ProviderError."""
        ...

    def relay_stream(self, call: RelayCall) -> AsyncGenerator[dict[str, Any], None]:
        """Give the chunks as they come, the last ones with the usage. Raises ProviderError, also in the middle.

        Closing it ends the call at once.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One model call with what its money needs: the price, how small it may get, how often it is tried."""

    call: ModelCall
    """Needs `max_output_tokens`: without a bound there is no worst case."""
    price: Price
    provider: str
    """Who serves the model, as the settings name them."""
    retries: int = 1
    """How often the same call is tried again after a failure that may pass."""
    patience_s: float = 10.0
    """The longest wait before a retry. A provider that asks for more ends the call."""
    min_output_tokens: int | None = None
    """Where the cap is short: take as many output tokens as it pays for, down to this. `None` takes all or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchased:
    """What came of a `Purchase`. Either `answer` or `error` is there."""

    step: str
    model: str
    provider: str
    answer: ModelAnswer | None = None
    error: SmartSpawnError | None = None
    """A ProviderError, or BudgetExceeded when the worst case did not fit a cap and nobody was called."""
    cost_usd: Decimal | None = None
    """Of all tries together, as far as it is known; `None` when the answer's bill is not."""
    cost_source: Literal["provider", "list-price", "unknown"] = "unknown"
    listed_usd: Decimal | None = None
    """The answer's tokens by the list price."""
    in_doubt_usd: Decimal = Decimal(0)
    """The most that tries may have cost which broke off without a bill. Counted against the caps."""
    tries: int = 0
    """How often the model was called. Calls that a crash interrupted count."""
    latency_ms: float = 0.0
    """From the first try to the end, waits included."""
    max_output_tokens: int | None = None
    """What was asked for in the end; less than wanted where the cap was short."""


class Ctx(Protocol):
    """What a mode sees of the engine that carries it out: everything that must survive a crash goes through here.

    After a crash the mode runs again from its first line. A step that had finished then returns what it returned
    before, without being carried out or paid again. Steps are known by their **names**: unique within the run and
    the same every time the mode runs, whatever order the steps end in (`member-2`, `research/attempt-0`).
    """

    @property
    def run_id(self) -> str:
        """The run's id."""
        ...

    @property
    def deadline(self) -> datetime:
        """When the run is broken off and ends as `timed_out`. A mode that wants to keep parts stops before."""
        ...

    async def step(
        self,
        name: str,
        work: Callable[..., Awaitable[T]],
        *args: Any,
        returns: Any = None,
    ) -> T:
        """Carry work out once and return its result, the first time and after every crash alike.

        The result travels through JSON; `returns` is the type to rebuild (a dataclass, `list[str]`); without it
        plain JSON comes back. A SmartSpawnError is remembered and raised again. At a crash in the middle the work
        is done again, so it should have no effect of its own; model calls go through `call`. Work must not use
        the context itself.
        """
        ...

    async def call(self, name: str, purchase: Purchase) -> Purchased:
        """Have a model answer, within the caps, with retries; the bill and the answer are remembered as one.

        At most the run's share of calls is under way at once; the others wait here. Failures of providers and
        caps are in the result. Costs money.
        """
        ...

    async def parallel(self, *branches: Callable[[], Awaitable[T]]) -> list[T | SmartSpawnError]:
        """Run branches at once and return their results in the order given.

        A branch that raises SmartSpawnError gives that error as its result, at once, and disturbs no other. Any
        other exception cancels the rest and is raised.
        """
        ...

    async def emit(self, name: str, data: Mapping[str, Any] | None = None, *, about: str = "") -> None:
        """Tell those who watch, once: an event is known by its name, and what it is about, within the run."""
        ...

    async def artifact(
        self, step: str, content: str, *, name: str = "", model: str = "", kind: str = "text"
    ) -> None:
        """Keep a text that outlives the run's answer. One a step; saving it again changes nothing."""
        ...

    async def now(self, name: str) -> datetime:
        """Return the moment at which this was first asked under this name."""
        ...

    async def left_usd(self) -> Decimal | None:
        """Return what can still be reserved under all caps; `None` without a cap. Changes with every call."""
        ...


RunEnd = Literal["succeeded", "failed", "cancelled", "budget_exceeded", "timed_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a mode ended. Raising a SmartSpawnError instead ends the run too, without an outcome."""

    outcome: Mapping[str, Any] = field(default_factory=dict)
    """JSON, as surfaces show it."""
    status: RunEnd = "succeeded"
    error: SmartSpawnError | None = None


ModeFunction = Callable[[Ctx, Mapping[str, Any]], Awaitable[Ended]]
"""A mode: gets the request as JSON, returns how it ended. Registered with an engine by its name."""
Modes = Mapping[str, ModeFunction]

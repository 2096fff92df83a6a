"""What stands behind the client: somebody who answers in the API's JSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

Json = dict[str, Any]
Values = Mapping[str, Any]
"""What a caller asks for, by the names of the API in either spelling."""


class Door(Protocol):
    """One Smart Spawn. Every method answers as the route of its name does, and raises SmartSpawnError."""

    async def open(self) -> None:
        """Get ready to answer."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...

    async def route(self, values: Values) -> Json:
        """Choose a model."""
        ...

    async def recommend(self, values: Values) -> Json:
        """Choose one to five models."""
        ...

    async def decision(self, decision_id: str) -> Json:
        """Return a past decision."""
        ...

    async def explain(self, decision_id: str) -> str:
        """Return a past decision as text."""
        ...

    async def replay(self, decision_id: str) -> Json:
        """Decide again from what was stored."""
        ...

    async def models(self, query: Values) -> Json:
        """List models."""
        ...

    async def model(self, model_id: str) -> Json:
        """Show one model with its readings."""
        ...

    async def compare(self, model_ids: Sequence[str]) -> Json:
        """Put models side by side."""
        ...

    async def status(self) -> Json:
        """Tell how fresh the catalogue is."""
        ...

    async def decompose(self, values: Values) -> Json:
        """Take a task apart into a sequence."""
        ...

    async def swarm(self, values: Values) -> Json:
        """Take a task apart into a graph."""
        ...

    async def dry_run(self, values: Values) -> Json:
        """Plan, price, and call nobody."""
        ...

    async def role_blocks(self) -> Json:
        """List what roles are made of."""
        ...

    async def compose_role(self, values: Values) -> Json:
        """Put a role together."""
        ...

    async def submit(self, values: Values, idempotency_key: str | None) -> Json:
        """Start a run; the answer has its id."""
        ...

    async def ended(self, run_id: str) -> Json:
        """Wait for a run's end and return what `/spawn` answers; raises what stopped it.

        Whoever is cancelled while waiting cancels the run.
        """
        ...

    async def run(self, run_id: str) -> Json:
        """Return a run as it stands."""
        ...

    async def runs(self, query: Values) -> Json:
        """List runs, newest first."""
        ...

    def events(self, run_id: str, after: int) -> AsyncGenerator[Json, None]:
        """Give the events numbered above `after` as they come, until the run has ended."""
        ...

    async def artifact(self, run_id: str, step: str) -> Json:
        """Return what a step left behind."""
        ...

    async def cancel(self, run_id: str) -> Json:
        """Stop a run."""
        ...

    async def rate(self, values: Values) -> Json:
        """Store a vote on a decision or run."""
        ...

"""`SmartSpawn`: the one object that every surface calls. It wires the parts; each part does one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio.to_thread

from smart_spawn.app.community import Community
from smart_spawn.app.decision_log import DecisionLog, Sessions, new_decision_id
from smart_spawn.app.dispatch import Dispatcher, callable_models, own_hosts
from smart_spawn.app.gain import load_gain
from smart_spawn.app.jobs import JobMaker, whole_of
from smart_spawn.app.keys import Keys
from smart_spawn.app.learning import Learning
from smart_spawn.app.runs import PlanView, Runs, modes
from smart_spawn.app.shelf import Shelf
from smart_spawn.app.spawn_log import SpawnLog
from smart_spawn.app.voting import LOCAL, Rating, Vote, Voting
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.engines import workers_alive
from smart_spawn.errors import NoCatalog, NotFound
from smart_spawn.providers.registry import Providers
from smart_spawn.routing.decision import Decision, Session
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import ACTIVE, decide, recommend, route
from smart_spawn.runs.engine import KeyCap, Run, RunSpec
from smart_spawn.runs.engine import Step as RunStep
from smart_spawn.settings import Settings, load_settings
from smart_spawn.spawn.carry import Job, to_request
from smart_spawn.spawn.outcome import SpawnOutcome
from smart_spawn.spawn.plan import Step
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.spawn.swarm import StepWork
from smart_spawn.store import Store, open_store

if TYPE_CHECKING:
    from smart_spawn.refresh import Progress, RefreshReport
    from smart_spawn.runs.ports import ChatClient, Modes


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnResult:
    """A task that was done (or not), with the decision that chose who does it."""

    id: str
    decision: Decision
    catalog: Catalog
    outcome: SpawnOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as it stands, with what is known of it."""

    run: Run
    steps: Sequence[RunStep]
    plan: PlanView
    settled: Mapping[str, Mapping[str, Any]]
    """The steps of the plan that have ended: `state`, `why`, `at`."""
    outcome: SpawnOutcome | None
    """Once it has ended."""
    decision: Decision | None
    """`None` when it is not kept any more."""
    catalog: Catalog | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A decision, and the same decision made again from what was stored."""

    first: Decision
    again: Decision
    catalog: Catalog

    @property
    def same(self) -> bool:
        """Whether both are equal, byte for byte."""
        return self.first.result() == self.again.result()


class SmartSpawn:
    """Smart Spawn in this process: choose models, have them do tasks, keep the catalogue current.

    Use it as a context manager, plain or asynchronous, or call `open` and `close`. `chat` replaces the configured
    providers, as tests do with `FakeProvider`; `now` replaces the clock. Without `carries_out` runs are left to the
    workers that share the store.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        chat: ChatClient | None = None,
        now: Callable[[], datetime] = utc_now,
        in_memory: bool = False,
        carries_out: bool = True,
    ) -> None:
        self.settings = settings or load_settings()
        self.now = now
        self.policy = RoutingPolicy(
            category_weights=self.settings.category_weights,
            answer_tokens=self.settings.routing.expected_answer_tokens,
            deny_providers=self.settings.routing.deny_providers,
            allow_training=self.settings.routing.allow_training,
            explore=self.settings.routing.explore,
            own_hosts=own_hosts(self.settings),
            gain=load_gain(self.settings.routing.learned_gain),
        )
        self._chat = chat
        self._providers: Providers | None = None
        self._in_memory = in_memory
        self._carries_out = carries_out
        self._runs: Runs | None = None
        self._store: Store | None = None
        self._log: DecisionLog | None = None
        self._keys: Keys | None = None
        self._shelf = Shelf(self.settings, now)
        self.learning = Learning(self.settings, now)
        self._sessions = Sessions()

    # -- opening and closing ------------------------------------------------------------------------------------

    def open(self) -> Self:
        """Open the store and the newest catalogue. Raises StoreError; a missing catalogue is raised when used."""
        if self._store is None:
            self._store = Store.in_memory() if self._in_memory else open_store(self.settings)
            self._log = DecisionLog(self._store, self.settings, lasting=not self._in_memory)
            self._shelf.open(self._store)
            self.learning.open(self._store)
        return self

    def close(self) -> None:
        """Write what is waiting and close the store."""
        if self._store is not None:
            self._store.close()
            self._store = self._log = self._runs = self._keys = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await anyio.to_thread.run_sync(self.open)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop the runs that are carried out here, close the connections to providers, then the store."""
        if self._runs is not None:
            await self._runs.close()
        if self._providers is not None:
            await self._providers.close()
            self._providers = None
        await anyio.to_thread.run_sync(self.close)

    @property
    def store(self) -> Store:
        """The open store."""
        self.open()
        assert self._store is not None  # noqa: S101  # `open` sets it or raises
        return self._store

    @property
    def log(self) -> DecisionLog:
        """What is remembered of decisions."""
        self.open()
        assert self._log is not None  # noqa: S101  # as above
        return self._log

    @property
    def keys(self) -> Keys:
        """Who may use the service."""
        if self._keys is None:
            self._keys = Keys(self.store.keys, self.now)
        return self._keys

    # -- the catalogue ------------------------------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog:
        """The catalogue that requests are answered from, with what votes taught beside it. Raises NoCatalog."""
        if self._shelf.current is None:
            self.open()
        if self._shelf.current is None:
            raise NoCatalog(
                "there is no catalogue yet, and none ships with this build",
                hint="`smart-spawn refresh` builds one from the sources",
            )
        return self.learning.view(self._shelf.current)

    def check_for_newer_catalog(self) -> bool:
        """Swap the catalogue when another process stored a newer one; tell whether it did. One small query."""
        self.open()
        return self._shelf.check_for_newer()

    def check_for_newer_votes(self) -> bool:
        """Take up votes that any process stored; tell whether there were some. One small query."""
        self.open()
        return self.learning.check_for_newer(self._shelf.current)

    def catalog_of(self, version: str) -> Catalog:
        """Return the catalogue of a past decision. Raises NotFound when it was pruned."""
        self.open()
        return self._shelf.past(version)

    def ever_held(self, model_id: str) -> bool:
        """Tell whether any catalogue ever held this id, or any id that this pattern matches."""
        return self._shelf.ever_held(model_id)

    # -- choosing -----------------------------------------------------------------------------------------------

    def decide(
        self, request: RouteRequest, *, tokens: int = 0, held: bool = False, caller: str | None = None
    ) -> Decision:
        """Choose a model for one request of a caller (the id of a key), and log the decision.

        `tokens` is the length of the whole prompt where the task is only the last of it; `held` says that the
        session waits for tools, so that its model stays. Raises RoutingError, InvalidRequest.
        """
        session = self._sessions.get(request.session_id)
        if session is not None and held:
            session = replace(session, held=True)
        catalog = self.catalog
        decision = self._choose(request, catalog, session=session, caller=caller)
        self.moved(request.session_id, decision.selected.model, max(tokens, decision.task.tokens))
        self.learning.keep(decision, catalog)
        self.log.put(decision, request.task)
        return decision

    def moved(self, session_id: str | None, model_id: str, tokens: int) -> None:
        """Note which model holds a conversation now: the chosen one, or the one that answered in its place."""
        self._sessions.put(session_id, Session(model=model_id, tokens=tokens))

    def preview(self, request: RouteRequest, catalog: Catalog | None = None) -> Decision:
        """Choose as `decide` does, from a given catalogue or the current one; leave no trace and try nothing out.

        Raises RoutingError, InvalidRequest.
        """
        settled = request.model_copy(update={"explore": False})
        return self._choose(settled, self.catalog if catalog is None else catalog)

    def _choose(
        self,
        request: RouteRequest,
        catalog: Catalog,
        *,
        session: Session | None = None,
        caller: str | None = None,
    ) -> Decision:
        at = self.now()
        return route(
            request,
            catalog,
            at=at,
            decision_id=new_decision_id(at),
            policy=self.policy,
            ever_held=self.ever_held,
            task_digest=self.log.digest(request.task),
            session=session,
            caller=caller,
            stage=self.stage_of(caller) if request.current else ACTIVE,
        )

    def stage_of(self, caller: str | None) -> str:
        """Return how far routing is trusted for a caller, the id of a key."""
        routing = self.settings.routing
        return routing.stages.get(caller or LOCAL, routing.stage)

    def recommend(self, request: RouteRequest, *, caller: str | None = None) -> list[Decision]:
        """Choose `request.count` models, the most wanted first, from different providers where that costs little."""
        at, catalog = self.now(), self.catalog
        decisions = recommend(
            request,
            catalog,
            at=at,
            decision_id=lambda: new_decision_id(at),
            policy=self.policy,
            ever_held=self.ever_held,
            task_digest=self.log.digest(request.task),
            caller=caller,
        )
        self.learning.keep(decisions[0], catalog)
        self.log.put(decisions[0], request.task)
        return decisions

    def defaults(self, body: type[RouteRequest], values: dict[str, Any]) -> dict[str, Any]:
        """Lay what a caller gave over the owner's defaults for requests of this kind."""
        own = {
            "budget": self.settings.default_budget,
            "min_capability": self.settings.min_capability,
            "verbose": self.settings.verbose,
            **({"mode": self.settings.default_mode} if "mode" in body.model_fields else {}),
        }
        given = set(values)
        aliases = {name: body.model_fields[name].alias or name for name in own}
        return {
            name: v for name, v in own.items() if name not in given and aliases[name] not in given
        } | values

    def request(self, **options: Any) -> RouteRequest:
        """Check a routing request, with the owner's defaults where the caller said nothing."""
        return RouteRequest.of(self.defaults(RouteRequest, options))

    async def route(self, task: str = "", **options: Any) -> Decision:
        """Choose a model for a task. Options are the fields of `RouteRequest`."""
        return self.decide(self.request(task=task, **options))

    def decision(self, decision_id: str) -> tuple[Decision, Catalog]:
        """Return a logged decision and the catalogue it was made with, beliefs included. Raises NotFound."""
        decision = self.log.get(decision_id)
        catalog = self.catalog_of(decision.catalog_version)
        return decision, self.learning.past(decision.beliefs_version, catalog)

    def replay(self, decision_id: str) -> Replay:
        """Decide again from what was stored. Raises NotFound."""
        first, catalog = self.decision(decision_id)
        again = decide(
            first.request,
            first.task,
            catalog,
            at=first.created_at,
            decision_id=first.id,
            policy=self.policy,
            ever_held=lambda _: True,
            task_digest=first.task_digest,
            session=first.session,
            caller=first.caller,
            stage=first.stage,
        )
        return Replay(first=first, again=again, catalog=catalog)

    # -- learning -----------------------------------------------------------------------------------------------

    @property
    def voting(self) -> Voting:
        """Takes votes."""
        return Voting(self.store, self.log, self.now)

    @property
    def community(self) -> Community:
        """What others say, and what they are told."""
        return Community(self.store, self.settings, self.log, self.now)

    @property
    def spawn_log(self) -> SpawnLog:
        """What was done."""
        return SpawnLog(self.store, self.policy, self.now)

    def vote(self, subject: str, rating: Rating, **options: Any) -> Vote:
        """Store a vote on a decision or run and learn from it at once; see `Voting.vote`."""
        vote = self.voting.vote(subject, rating, **options)
        self.check_for_newer_votes()
        return vote

    async def rate(
        self, what: SpawnResult | Decision | str, rating: Rating, *, comment: str | None = None
    ) -> Vote:
        """Say how good an answer or a choice was: 1 (worst) to 5, `success` or `failure`.

        `what` is a result, a decision, or the id of a run or decision. The next choices learn from it. A second
        rating of the same replaces the first. Raises InvalidRequest, NotFound.
        """
        subject = what if isinstance(what, str) else what.id
        return await anyio.to_thread.run_sync(partial(self.vote, subject, rating, comment=comment))

    # -- doing --------------------------------------------------------------------------------------------------

    async def spawn(self, task: str, **options: Any) -> SpawnResult:
        """Have the best model do a task. Options are the fields of `SpawnRequest`. Raises what stopped it."""
        result = await self.spawn_request(
            SpawnRequest.of(self.defaults(SpawnRequest, {"task": task, **options}))
        )
        result.outcome.raise_failure()
        return result

    async def spawn_request(
        self, request: SpawnRequest, *, key_cap: KeyCap | None = None, idempotency_key: str | None = None
    ) -> SpawnResult:
        """Carry a checked request out and wait for its end. Failures of models and caps are in the outcome.

        Raises RoutingError, NoProvider when nobody is configured who could, IdempotencyConflict, TimedOut when no
        worker took the run.
        """
        run_id = await self.submit(request, key_cap=key_cap, idempotency_key=idempotency_key)
        return await self.result(await self.runs.finished(run_id))

    async def submit(
        self,
        request: SpawnRequest,
        *,
        key_cap: KeyCap | None = None,
        idempotency_key: str | None = None,
        context: str = "",
    ) -> str:
        """Choose who does a checked request, start the run and return its id. Raises as `spawn_request`.

        `context` is told to every model beside the task, and has no part in the choice.
        """
        asked = request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"wait"})
        catalog, chat = self.catalog, self.chat
        if not request.models and chat is self._providers:
            request = request.model_copy(update={"models": callable_models(self.settings, catalog)})
        decision = self.decide(
            RouteRequest.model_construct(
                **{name: getattr(request, name) for name in RouteRequest.model_fields}
            ),
            caller=key_cap.owner if key_cap else None,
        )
        job = replace(self._jobs(catalog).job(request, decision), context=context)
        caps = [cap for cap in (request.max_cost_usd, self.settings.max_cost_usd_per_run) if cap is not None]
        longest_s = self.settings.run_timeout_s
        spec = RunSpec(
            mode=str(job.mode),
            request=to_request(job),
            asked=asked,
            cap_usd=min(caps),
            timeout_s=min(request.timeout_s or longest_s, longest_s),
            key_cap=key_cap,
            allow_unknown_price=request.max_cost_usd is None and (key_cap is None or key_cap.cap_usd is None),
        )
        return await self.runs.submit(spec, idempotency_key=idempotency_key)

    async def result(self, run: Run) -> SpawnResult:
        """Return a run that has ended with the decision that chose who did it. Raises NotFound."""
        decision, catalog = await anyio.to_thread.run_sync(
            self.decision, str(run.request.get("decision_id", ""))
        )
        outcome = await self.runs.outcome(run)
        return SpawnResult(id=run.id, decision=decision, catalog=catalog, outcome=outcome)

    async def view(self, run_id: str) -> RunView:
        """Return a run as it stands. Raises NotFound."""
        run = await self.runs.get(run_id)
        decision, catalog = await anyio.to_thread.run_sync(self._decision_of, run)
        plan = await self.runs.plan(run_id)
        return RunView(
            run=run,
            steps=await self.runs.steps(run_id),
            plan=plan,
            settled=await self.runs.settled(run_id) if plan else {},
            outcome=await self.runs.outcome(run) if run.ended else None,
            decision=decision,
            catalog=catalog,
        )

    def _decision_of(self, run: Run) -> tuple[Decision, Catalog] | tuple[None, None]:
        try:
            return self.decision(str(run.request.get("decision_id", "")))
        except NotFound:
            return None, None

    @property
    def runs(self) -> Runs:
        """The runs of this store."""
        if self._runs is None:
            self._runs = Runs(
                self.store,
                self.settings,
                self.modes,
                chat=lambda: self.chat,
                clock=self.now,
                here=self._carries_out,
            )
        return self._runs

    @property
    def carries_out(self) -> bool:
        """Whether runs are carried out in this process, and not left to workers."""
        return self._carries_out

    def workers_alive(self) -> bool:
        """Tell whether a worker that shares the store takes queued runs. One small query."""
        return workers_alive(self.store)

    def dispatcher(self, catalog: Catalog) -> Dispatcher:
        """Return who turns the choices of this catalogue into calls."""
        return Dispatcher(catalog=catalog, chat=self.chat, settings=self.settings, policy=self.policy)

    def _jobs(self, catalog: Catalog) -> JobMaker:
        return JobMaker(dispatcher=self.dispatcher(catalog), choose=self.preview)

    async def _assign(self, job: Job, steps: Sequence[Step]) -> list[StepWork]:
        """Choose who does the steps that a planner made."""
        return self._jobs(self.catalog).works(whole_of(job), steps, job.role)

    @property
    def chat(self) -> ChatClient:
        """Whoever answers model calls."""
        if self._chat is not None:
            return self._chat
        if self._providers is None:
            self._providers = Providers.of(self.settings, assigned=self._assigned)
        return self._providers

    @property
    def modes(self) -> Modes:
        """The modes that runs can have, by name: what workers carry out and `engines` take."""
        return modes(self._assign, self.spawn_log.ran)

    def _assigned(self, model_id: str) -> str | None:
        """Return the provider that a private model's owner named for it."""
        listing = self.catalog.listing(model_id)
        return listing.served_by if listing else None

    # -- keeping current ----------------------------------------------------------------------------------------

    async def refresh(
        self, sources: Sequence[str] = (), *, if_due: bool = False, progress: Progress | None = None
    ) -> RefreshReport:
        """Ask the sources and build the next catalogue; see `smart_spawn.refresh.refresh`."""
        from smart_spawn.refresh import refresh  # noqa: PLC0415

        report = await refresh(
            self.store,
            self.settings,
            now=self.now,
            serving=self._shelf.current,
            only=sources,
            if_due=if_due,
            **({"progress": progress} if progress else {}),
        )
        await anyio.to_thread.run_sync(self.check_for_newer_catalog)
        return report

"""`SmartSpawn`: the one object that every surface calls. It wires the parts and holds the current catalogue."""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio.to_thread

from smart_spawn.catalog.facts import Facts, decode, encode
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import NoCatalog, NotFound, SettingsError
from smart_spawn.model import Budget
from smart_spawn.routing.data_policy import admitted
from smart_spawn.routing.decision import Decision, Session, decode_decision, encode_decision
from smart_spawn.routing.policy import OwnHost, RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import decide, recommend, route
from smart_spawn.scoring.weights import Weights, check_boards, effective_weights, shipped_weights
from smart_spawn.settings import Settings, load_settings

if TYPE_CHECKING:
    from smart_spawn.refresh import Progress, RefreshReport
    from smart_spawn.runs.ports import ChatClient, Modes
    from smart_spawn.spawn.outcome import Baseline, Rung, SpawnOutcome
    from smart_spawn.spawn.request import SpawnRequest
    from smart_spawn.store import DecisionRow, Store

MAX_SESSIONS = 10_000
PAST_CATALOGS = 4
"""How many past catalogues are kept open, to explain decisions that were made with them."""


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)


def new_decision_id(at: datetime) -> str:
    """Return an id that sorts by time and cannot be guessed."""
    return f"dec_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnResult:
    """A task that was done (or not), with the decision that chose who does it."""

    id: str
    decision: Decision
    catalog: Catalog
    outcome: SpawnOutcome


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


def _own_hosts(settings: Settings) -> tuple[OwnHost, ...]:
    """Describe the configured providers as hosts, with what their owner declares about prompts."""
    from smart_spawn.providers.dialects import dialect_of  # noqa: PLC0415

    return tuple(
        OwnHost(
            name=name,
            models=row.models,
            region=row.data_policy.region,
            trains=row.data_policy.trains_on_prompts,
            retains=row.data_policy.retains_prompts,
            relays=dialect_of(name, row.base_url).passes_prompts_on,
        )
        for name, row in settings.providers.items()
    )


class Sessions:
    """Where each conversation of this process stands; the longest unused are forgotten."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._held: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, session_id: str | None) -> Session | None:
        """Return where a conversation stands, None for a new one."""
        if session_id is None:
            return None
        with self._lock:
            return self._held.get(session_id)

    def put(self, session_id: str | None, decision: Decision) -> None:
        """Remember what was chosen for a conversation."""
        if session_id is None:
            return
        with self._lock:
            self._held[session_id] = Session(model=decision.selected.model, tokens=decision.task.tokens)
            self._held.move_to_end(session_id)
            while len(self._held) > self._limit:
                self._held.popitem(last=False)


class SmartSpawn:
    """Smart Spawn in this process: choose models, have them do tasks, keep the catalogue current.

    Use it as a context manager, plain or asynchronous, or call `open` and `close`. `chat` replaces the configured
    providers, as tests do with `FakeProvider`; `now` replaces the clock.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        chat: ChatClient | None = None,
        now: Callable[[], datetime] = utc_now,
        in_memory: bool = False,
    ) -> None:
        self.settings = settings or load_settings()
        self.now = now
        self.policy = RoutingPolicy(
            category_weights=self.settings.category_weights,
            answer_tokens=self.settings.routing.expected_answer_tokens,
            deny_providers=self.settings.routing.deny_providers,
            allow_training=self.settings.routing.allow_training,
            own_hosts=_own_hosts(self.settings),
        )
        self._weights = effective_weights(self.settings.scoring.weights)
        self._chat = chat
        self._in_memory = in_memory
        self._store: Store | None = None
        self._catalog: Catalog | None = None
        self._stored_version: str | None = None
        self._pinned_version: str | None = None
        self._past: OrderedDict[str, Catalog] = OrderedDict()
        self._past_lock = threading.Lock()
        self._ever_held: frozenset[str] = frozenset()
        self._sessions = Sessions()
        self._digest_key = b""
        self._providers_opened = False

    # -- opening and closing ------------------------------------------------------------------------------------

    def open(self) -> Self:
        """Open the store and the newest catalogue. Raises StoreError; a missing catalogue is raised when used."""
        from smart_spawn.store import Store, open_store  # noqa: PLC0415  # SQL is slow to import

        if self._store is None:
            self._store = Store.in_memory() if self._in_memory else open_store(self.settings)
            self._digest_key = self._load_digest_key()
            if self._catalog is None or self._store.catalogs.current_version() != self._stored_version:
                self._load_catalog()  # opened again it still holds the catalogue
        return self

    def close(self) -> None:
        """Write what is waiting and close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

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
        """Close the connections to providers, then the store."""
        close = getattr(self._chat, "close", None)
        if self._providers_opened and close is not None:
            await close()
        await anyio.to_thread.run_sync(self.close)

    @property
    def store(self) -> Store:
        """The open store."""
        if self._store is None:
            self.open()
        assert self._store is not None  # noqa: S101  # `open` sets it or raises
        return self._store

    # -- the catalogue ------------------------------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog:
        """The catalogue that requests are answered from. Raises NoCatalog."""
        if self._catalog is None:
            self.open()
        if self._catalog is None:
            raise NoCatalog(
                "there is no catalogue yet, and none ships with this build",
                hint="`smart-spawn refresh` builds one from the sources",
            )
        return self._catalog

    def check_for_newer_catalog(self) -> bool:
        """Swap the catalogue when another process stored a newer one; tell whether it did. One small query."""
        pinned = self.settings.catalog.pinned_version
        catalogs = self.store.catalogs
        same = (pinned or catalogs.current_version()) == self._stored_version
        if same and catalogs.pinned() == self._pinned_version:
            return False
        self._load_catalog()
        return True

    def _load_catalog(self) -> None:
        """Open the stored catalogue, or the packaged one where that is newer or nothing is stored."""
        stored = self._stored_catalog()
        facts = decode(stored[1]) if stored else None
        self._pinned_version = self.store.catalogs.pinned()
        pinned = bool(self.settings.catalog.pinned_version or self._pinned_version)
        packaged = packaged_facts() if facts is None or not pinned else None
        if facts is None or (packaged is not None and packaged.as_of > facts.as_of):
            facts = packaged
        self._stored_version = stored[0] if stored else None
        if facts is None:
            self._ever_held = self.store.known_ids.ever_held()
            return
        self._weights = self._effective_weights(facts)
        # A pinned catalogue is served as it was, weights included; any other under the owner's weights of today.
        catalog = Catalog.of(facts) if pinned and stored else self._opened(facts)
        if catalog.version != self._stored_version and self.store.catalogs.get(catalog.version) is None:
            self.store.catalogs.save(
                catalog.version,
                encode(catalog.facts),
                built_at=self.now(),
                manifest=self.store.payloads.manifest(stored[0]) if stored and facts is not packaged else (),
                current=stored is None,
            )
            self.store.known_ids.saw(catalog.index, self.now())
            self._stored_version = self.store.catalogs.current_version()
        self._ever_held = self.store.known_ids.ever_held() | catalog.index.keys()
        self._catalog = catalog

    def _stored_catalog(self) -> tuple[str, bytes] | None:
        """Return the stored catalogue to serve. Raises SettingsError when the settings pin one that is not stored."""
        version = self.settings.catalog.pinned_version
        if version is None:
            return self.store.catalogs.current()
        body = self.store.catalogs.get(version)
        if body is None:
            raise SettingsError(
                f"`catalog.pinned_version` is `{version[:40]}`, which is not stored",
                hint="`smart-spawn catalog versions` lists those that are; remove the key to serve the newest",
            )
        return version, body

    def _effective_weights(self, facts: Facts) -> Weights:
        """Lay the owner's weights over the shipped ones. Raises SettingsError for a board that nobody knows.

        A board that counted in the stored catalogue stays known, so that a source which drops it stops no service.
        """
        changes = self.settings.scoring.weights
        known = {scale.benchmark for scale in facts.scales} | {b.benchmark for b in self.store.own.boards()}
        for row in (*shipped_weights().values(), *facts.weights.values()):
            known |= row.keys()
        check_boards(changes, known)
        return effective_weights(changes, self.store.own.weights())

    def _opened(self, facts: Facts) -> Catalog:
        """Score facts under the owner's weights of today."""
        return Catalog.of(facts if facts.weights == self._weights else replace(facts, weights=self._weights))

    def catalog_of(self, version: str) -> Catalog:
        """Return the catalogue of a past decision. Raises NotFound when it was pruned."""
        if self._catalog is not None and self._catalog.version == version:
            return self._catalog
        with self._past_lock:
            if version in self._past:
                self._past.move_to_end(version)
                return self._past[version]
        body = self.store.catalogs.get(version)
        if body is None:
            raise NotFound(
                f"catalogue version `{version}` is not stored any more",
                hint="`catalog.keep_days` in the settings says how long versions are kept",
                details={"version": version},
            )
        catalog = Catalog.of(decode(body))
        with self._past_lock:
            self._past[version] = catalog
            while len(self._past) > PAST_CATALOGS:
                self._past.popitem(last=False)
        return catalog

    def ever_held(self, model_id: str) -> bool:
        """Tell whether any catalogue ever held this id, or any id that this pattern matches."""
        if model_id in self._ever_held:
            return True
        return any(c in model_id for c in "*?[") and bool(fnmatch.filter(self._ever_held, model_id))

    # -- choosing -----------------------------------------------------------------------------------------------

    def decide(self, request: RouteRequest) -> Decision:
        """Choose a model for one request, and log the decision. Raises RoutingError, InvalidRequest."""
        decision = self.preview(request, session=self._sessions.get(request.session_id))
        self._sessions.put(request.session_id, decision)
        self._log(decision, request.task)
        return decision

    def preview(
        self, request: RouteRequest, catalog: Catalog | None = None, *, session: Session | None = None
    ) -> Decision:
        """Choose as `decide` does, from a given catalogue or the current one, and leave no trace of it.

        Raises RoutingError, InvalidRequest.
        """
        at = self.now()
        return route(
            request,
            self.catalog if catalog is None else catalog,
            at=at,
            decision_id=new_decision_id(at),
            policy=self.policy,
            ever_held=self.ever_held,
            task_digest=self._digest(request.task),
            session=session,
        )

    def recommend(self, request: RouteRequest) -> list[Decision]:
        """Choose `request.count` models, the most wanted first, from different providers where that costs little."""
        at = self.now()
        decisions = recommend(
            request,
            self.catalog,
            at=at,
            decision_id=lambda: new_decision_id(at),
            policy=self.policy,
            ever_held=self.ever_held,
            task_digest=self._digest(request.task),
        )
        self._log(decisions[0], request.task)
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
        """Return a logged decision and the catalogue it was made with. Raises NotFound."""
        self.store.writer.flush()
        row: DecisionRow | None = self.store.decisions.get(decision_id)
        if row is None:
            raise NotFound(
                f"there is no decision `{decision_id[:80]}`",
                hint="decisions are kept for `catalog.keep_days` days; their ids start with `dec_`",
            )
        decision = decode_decision(row.body)
        return decision, self.catalog_of(decision.catalog_version)

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
        )
        return Replay(first=first, again=again, catalog=catalog)

    def _log(self, decision: Decision, task: str) -> None:
        from smart_spawn.store import DecisionRow  # noqa: PLC0415

        if self.settings.routing.store_task_text and task:
            # Half a surrogate pair is no text that can be stored: it becomes a question mark.
            decision = replace(decision, task_text=task.encode("utf-8", "replace").decode("utf-8"))
        self.store.decisions.save(
            DecisionRow(
                id=decision.id,
                created_at=decision.created_at,
                catalog_version=decision.catalog_version,
                beliefs_version=decision.beliefs_version,
                model=decision.selected.model,
                body=encode_decision(decision),
            )
        )

    def _digest(self, task: str) -> str | None:
        if not task:
            return None
        return hmac.new(self._digest_key, task.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
            :32
        ]

    def _load_digest_key(self) -> bytes:
        """Return the key under which tasks are hashed: this installation's own, made at the first start."""
        path = self.settings.home_path / "digest.key"
        if self._in_memory:
            return secrets.token_bytes(32)
        try:
            if not path.is_file():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh = path.with_name(f"digest.key.{secrets.token_hex(4)}")
                fresh.touch(mode=0o600)
                fresh.write_bytes(secrets.token_bytes(32))
                fresh.replace(path)
            return path.read_bytes()
        except OSError:
            return secrets.token_bytes(32)  # hashes then compare only within this process

    # -- doing --------------------------------------------------------------------------------------------------

    async def spawn(self, task: str, **options: Any) -> SpawnResult:
        """Have the best model do a task. Options are the fields of `SpawnRequest`. Raises what stopped it."""
        from smart_spawn.spawn.request import SpawnRequest  # noqa: PLC0415

        result = await self.spawn_request(
            SpawnRequest.of(self.defaults(SpawnRequest, {"task": task, **options}))
        )
        result.outcome.raise_failure()
        return result

    async def spawn_request(self, request: SpawnRequest) -> SpawnResult:
        """Carry out a checked request. Raises NoProvider when nobody is configured who could."""
        from smart_spawn.spawn.single import Limits, single  # noqa: PLC0415

        catalog = self.catalog
        if not request.models:
            request = request.model_copy(update={"models": self._callable_models()})
        decision = self.decide(
            RouteRequest.model_construct(
                **{name: getattr(request, name) for name in RouteRequest.model_fields}
            )
        )
        outcome = await single(
            request,
            self._ladder(decision, catalog),
            self.chat,
            now=self.now,
            random=random.random,
            limits=Limits(cap_usd=self.settings.max_cost_usd_per_run, timeout_s=self.settings.run_timeout_s),
            baseline=self._baseline(decision, catalog),
        )
        return SpawnResult(id=f"run_{decision.id[4:]}", decision=decision, catalog=catalog, outcome=outcome)

    @property
    def chat(self) -> ChatClient:
        """Whoever answers model calls."""
        if self._chat is None:
            from smart_spawn.providers.registry import Providers  # noqa: PLC0415

            self._chat = Providers.of(self.settings, assigned=self._assigned)
            self._providers_opened = True
        return self._chat

    @property
    def modes(self) -> Modes:
        """The modes that runs can have, by name: what workers carry out and `engines` take."""
        return {}

    def _callable_models(self) -> tuple[str, ...]:
        """List the ids and patterns that the providers serve; empty when some provider serves every id."""
        rows = self.settings.providers.values()
        if self._chat is not None and not self._providers_opened:
            return ()
        if not all(row.models for row in rows):
            return ()
        own = (
            listing.id for listing in self.catalog.listings if listing.served_by in self.settings.providers
        )
        return (*(m for row in rows for m in row.models), *own)

    def _assigned(self, model_id: str) -> str | None:
        """Return the provider that a private model's owner named for it."""
        listing = self.catalog.listing(model_id)
        return listing.served_by if listing else None

    def _ladder(self, decision: Decision, catalog: Catalog) -> list[Rung]:
        """Turn the choices of a decision into rungs that can be called. Raises NoProvider."""
        from smart_spawn.providers.registry import Providers, no_provider  # noqa: PLC0415
        from smart_spawn.spawn.outcome import Rung  # noqa: PLC0415

        chat, wanted = self.chat, decision.request.data_policy
        rungs = []
        for choice in (decision.selected, *decision.others[:3]):
            serving = chat.serving(choice.model) if isinstance(chat, Providers) else None
            if isinstance(chat, Providers) and serving is None:
                continue
            listing = catalog.listings[catalog.index[choice.model]]
            where = admitted(listing, wanted, self.policy)
            if not where.hosts and where.limited:
                continue  # the last check before a prompt leaves: the policy holds whatever routing said
            rungs.append(
                Rung(
                    model_id=choice.model,
                    provider=serving.provider if serving else "fake",
                    price=listing.price,
                    effort=choice.effort,
                    supports_effort=bool(listing.capabilities.supported_efforts),
                    max_output_tokens=listing.max_output_tokens,
                    timeout_s=serving.timeout_s if serving else self.settings.run_timeout_s,
                    retries=serving.max_retries if serving else 1,
                    only_hosts=where.hosts if where.limited else (),
                    deny_training=not (wanted.allow_training and self.policy.allow_training),
                    zero_retention=wanted.zero_retention,
                )
            )
        if not rungs:
            assert isinstance(chat, Providers)  # noqa: S101  # anybody else serves every id
            raise no_provider(decision.selected.model, chat.names)
        return rungs

    def _baseline(self, decision: Decision, catalog: Catalog) -> Baseline:
        """Return the model whose cost ours is compared with: the best at any price for the same request."""
        from smart_spawn.routing.explain import rerun  # noqa: PLC0415
        from smart_spawn.spawn.outcome import Baseline  # noqa: PLC0415

        race = rerun(decision, catalog, self.policy, budget=Budget.ANY)
        best = catalog.candidates[int(race.ranking.order[0])].listing
        return Baseline(model_id=best.id, price=best.price)

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
            serving=self._catalog,
            only=sources,
            if_due=if_due,
            **({"progress": progress} if progress else {}),
        )
        await anyio.to_thread.run_sync(self.check_for_newer_catalog)
        return report

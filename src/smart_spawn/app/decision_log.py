"""What is remembered of decisions: each one, without its task's text, and where conversations stand."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import datetime

from msgspec.structs import replace

from smart_spawn.errors import NotFound
from smart_spawn.routing.decision import Decision, Session, decode_decision, encode_decision
from smart_spawn.settings import Settings
from smart_spawn.store import DecisionRow, Store

MAX_SESSIONS = 10_000


def new_decision_id(at: datetime) -> str:
    """Return an id that sorts by time and cannot be guessed."""
    return f"dec_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"


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

    def put(self, session_id: str | None, session: Session) -> None:
        """Remember where a conversation stands."""
        if session_id is None:
            return
        with self._lock:
            self._held[session_id] = session
            self._held.move_to_end(session_id)
            while len(self._held) > self._limit:
                self._held.popitem(last=False)


class DecisionLog:
    """Decisions as they were made, in the store."""

    def __init__(self, store: Store, settings: Settings, *, lasting: bool) -> None:
        self._store = store
        self._settings = settings
        self._key = self._load_key() if lasting else secrets.token_bytes(32)

    def get(self, decision_id: str) -> Decision:
        """Return a logged decision. Raises NotFound."""
        self._store.writer.flush()
        row = self._store.decisions.get(decision_id)
        if row is None:
            raise NotFound(
                f"there is no decision `{decision_id[:80]}`",
                hint="decisions are kept for `catalog.keep_days` days; their ids start with `dec_`",
            )
        return decode_decision(row.body)

    def put(self, decision: Decision, task: str) -> None:
        """Log a decision, with the text of its task only where the owner asks for that."""
        if self._settings.routing.store_task_text and task:
            # Half a surrogate pair is no text that can be stored: it becomes a question mark.
            decision = replace(decision, task_text=task.encode("utf-8", "replace").decode("utf-8"))
        self._store.decisions.save(
            DecisionRow(
                id=decision.id,
                created_at=decision.created_at,
                catalog_version=decision.catalog_version,
                beliefs_version=decision.beliefs_version,
                model=decision.selected.model,
                body=encode_decision(decision),
            )
        )

    def digest(self, task: str) -> str | None:
        """Hash a task under this installation's own key: equal tasks can be recognised, none can be read."""
        if not task:
            return None
        return hmac.digest(self._key, task.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()

    def _load_key(self) -> bytes:
        """Return the key under which tasks are hashed: this installation's own, made at the first start."""
        path = self._settings.home_path / "digest.key"
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

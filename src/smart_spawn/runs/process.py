"""Which process an executor is, so that one on the same machine can see at once that it is gone."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from smart_spawn.runs.journal import Executor

OWN = "own-"
"""Begins the id of a process that carries out its own runs alone: a command, a program with the library."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_executor(version: str, *, executor_id: str | None = None, prefix: str = "") -> Executor:
    """Describe this process. Without an id of its own it gets one that no other process has."""
    pid = os.getpid()
    return Executor(
        id=executor_id or f"{prefix}{socket.gethostname()}-{pid}-{secrets.token_hex(4)}",
        machine=_machine(),
        pid=pid,
        process_started=_started(pid) or "",
        version=version,
    )


def is_gone(executor: Executor) -> bool:
    """Tell whether a process has certainly ended: it was here, and is not any more."""
    if not executor.machine or executor.machine != _machine():
        return False
    return _started(executor.pid) != executor.process_started


def _machine() -> str:
    """Name this machine since its last start and this space of process numbers; empty where that is not known."""
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Return when a process began, in the kernel's ticks; `None` when there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything
    return None if fields[0] in ("Z", "X") else fields[19]

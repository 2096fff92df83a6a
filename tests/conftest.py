"""What every test gets: a home of its own, no settings of the developer's, and no network but loopback."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tests.properties  # noqa: F401  # registers the profile before it is chosen
from tests.databases import postgresql_admin, postgresql_database, postgresql_url

__all__ = ["postgresql_admin", "postgresql_database", "postgresql_url"]  # fixtures for every test

LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - only compared with


def is_local(host: str | bytes | None) -> bool:
    """Tell whether an address is this machine's own."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return not text or text.startswith(LOOPBACK)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's home, working folder, keys and proxies out of the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("SMART_SPAWN_") or name.endswith("_API_KEY") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Answer every look-up and connection beyond this machine as a machine without a network would."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def look_up_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        if is_local(host):
            return look_up(host, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, f"tests have no network: {host}")

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX or is_local(address[0]):
            return connect(self, address)
        raise OSError(errno.ENETUNREACH, f"tests have no network: {address[0]}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up_here)
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return Path(__file__).resolve().parents[1]

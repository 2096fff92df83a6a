"""Where the service listens: on this machine only, and alone."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from smart_spawn.api.server import AddressTaken, Claim, serve
from smart_spawn.errors import SettingsError, StoreError
from smart_spawn.settings import Settings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104  # to be refused
def test_no_host_beyond_this_machine_is_served_without_keys(host: str) -> None:
    """Other machines could use a service that asks nobody who they are."""
    with pytest.raises(SettingsError, match="other machines can reach"):
        Claim(host, 0)


def test_a_wide_host_is_served_once_a_key_exists() -> None:
    """A key keeps others out, so that others may reach it."""
    claim = Claim("0.0.0.0", 0, has_keys=lambda: True)  # noqa: S104  # that is the point
    assert claim.port > 0
    claim.release()


def test_a_name_without_an_address_is_said() -> None:
    """A mistyped host is a mistake in the settings."""
    with pytest.raises(SettingsError, match="no address of this machine"):
        Claim("no-such-host.invalid", 0)


def test_a_free_port_is_found_and_kept() -> None:
    """Port 0 becomes a real one, which nobody else gets while it is claimed, and anybody after."""
    first = Claim("localhost", 0)
    assert first.port > 0
    assert first.url == f"http://127.0.0.1:{first.port}"
    with pytest.raises(AddressTaken, match=f"port {first.port}") as refused:
        Claim("127.0.0.1", first.port)
    assert "--port" in refused.value.hint
    first.release()
    Claim("127.0.0.1", first.port).release()


def test_a_port_that_another_program_listens_on_is_said_before_anything_starts(tmp_path: Path) -> None:
    """One message names the port and the way out; no file is made."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        home = tmp_path / "home"
        with pytest.raises(AddressTaken):
            serve(Settings(home=home, port=other.getsockname()[1]))
    assert not home.exists()


def test_a_home_that_cannot_be_used_is_said_before_anything_is_served(tmp_path: Path) -> None:
    """The cause reaches whoever starts the service, and the port is free again."""
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        serve(Settings(home=blocked, port=0))

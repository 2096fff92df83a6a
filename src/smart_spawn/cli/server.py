"""`serve` and `health`: run the HTTP service, and ask whether it answers."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import typer

from smart_spawn.cli.screen import note, show_json, show_text
from smart_spawn.cli.shell import Shell, takes

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # only translated
MOST_BYTES = 65_536
"""A health answer is far shorter; whatever else listens there is not read further."""


@takes()
def serve(
    shell: Shell,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the settings'.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Run the HTTP service until Ctrl-C."""
    from smart_spawn.api.server import serve as run_server  # noqa: PLC0415

    given = {"host": host, "port": port}
    run_server(shell.settings({name: value for name, value in given.items() if value is not None}))


@takes()
def health(
    shell: Shell,
    timeout_s: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to wait for the answer.")
    ] = 3.0,
) -> None:
    """Ask the running service whether it can choose a model.

    Exit code 0 when it can, 1 when not.
    """
    settings = shell.settings()
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    healthy, answer = _ask(f"{address}/api/health", max(timeout_s, 0.1))
    if shell.json:
        show_json(answer)
    elif healthy:
        show_text(f"{address} is well", "green")
    else:
        note(f"error: {address}: {answer['error']['message']}\nhint: {answer['error']['hint']}")
    if not healthy:
        raise typer.Exit(1)


def _ask(url: str, timeout_s: float) -> tuple[bool, dict[str, Any]]:
    """Return whether the service is well, and its answer or the reason why there is none."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=timeout_s) as answer:
            body = _read(answer.read(MOST_BYTES), answer.status)
            return "error" not in body, body
    except HTTPError as error:
        with error:
            return False, _read(error.read(MOST_BYTES), error.code)
    except (URLError, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        return False, _failure("UNREACHABLE", f"no answer: {why}", "start it with `smart-spawn serve`")


def _read(body: bytes, status: int) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if isinstance(value, dict) and (status == 200 or "error" in value):
        return value
    return _failure("NOT_READY", f"it answers with status {status}", "look at the log of the service")


def _failure(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint, "details": {}}}

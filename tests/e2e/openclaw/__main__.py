"""Play it: install, configure, start, check, stop, and say what was seen."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.e2e.openclaw.checks import CHECKS, Play
from tests.e2e.openclaw.gateway import Gateway, configuration, inspected, pack, plugin_configuration, set_up
from tests.e2e.openclaw.servers import Door, Models
from tests.e2e.openclaw.stage import (
    CACHE,
    Failed,
    Stage,
    check,
    free_port,
    install,
    run,
    service_command,
    why_not,
)

T = TypeVar("T")


def main() -> int:
    """Return 0 when everything was as promised; with `--if-possible` also where this machine cannot play."""
    began = time.monotonic()
    reason = cannot()
    if reason:
        print(f"e2e: left out: {reason}")
        return 0 if "--if-possible" in sys.argv else 1
    stage = Stage(work=Path(tempfile.mkdtemp(prefix="run-", dir=CACHE)))
    try:
        played(stage)
    except Failed as error:
        print(f"  FAILED  {error}")
        show_logs(stage)
        return 1
    finally:
        stage.close()
        if "--keep" not in sys.argv:
            shutil.rmtree(stage.work, ignore_errors=True)
    print(f"e2e: all as promised, in {time.monotonic() - began:.0f} s")
    return 0


def cannot() -> str:
    """Prepare the machine; say why that is impossible, or return nothing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        return why_not() or done("node and OpenClaw are installed", install) or ""
    except Failed as error:
        return str(error)


def played(stage: Stage) -> None:
    """Go through all of it."""
    models = Models()
    with servers(stage, models) as (door, service_url):
        port = free_port()
        package = done("the plugin is built and packed", lambda: pack(stage))
        config = configuration(stage, port, models.url, service_url)
        plugin = plugin_configuration(door.url)
        done("it is installed and configured", lambda: set_up(stage, package, config, plugin))
        done("OpenClaw sees tools and hooks without a complaint", lambda: loaded(stage))
        gateway = Gateway.start(stage, port)  # OpenClaw's commands wait for a gateway that is starting
        done("`smart-spawn doctor --openclaw` finds it", lambda: doctor(stage))
        done("the gateway is ready", gateway.ready)
        done("a wrong setting is refused by name", lambda: wrong_setting(stage))
        done("`openclaw smart-spawn status` describes the service", lambda: command_line(stage))
        play = Play(gateway=gateway, models=models, door=door, service_url=service_url)
        for promise in CHECKS:
            done(first_sentence(promise), lambda promise=promise: promise(play))  # type: ignore[misc]  # bound now
        done("the gateway stops cleanly", lambda: stopped(stage, gateway))
        done("it is uninstalled without a trace in the configuration", lambda: uninstalled(stage))


@contextmanager
def servers(stage: Stage, models: Models) -> Iterator[tuple[Door, str]]:
    """Start our service with the scripted provider behind it, and the door before it."""
    port = free_port()
    environment = {
        **os.environ,
        "SMART_SPAWN_HOME": str(stage.folder("service")),
        "SMART_SPAWN_PORT": str(port),
        "SMART_SPAWN_SERVER__REFRESH": "false",
        "SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL": f"{models.url}/v1",
        "SMART_SPAWN_PROVIDERS__LOCAL__API_KEY": "local",
    }
    url = f"http://127.0.0.1:{port}"
    process = stage.start("service", service_command(), environment)
    stage.answers(process, f"{url}/api/health", 60)
    door = Door(url)
    try:
        yield door, url
    finally:
        if process.poll() is None:
            stage.stop(process)


def loaded(stage: Stage) -> None:
    """Look at what OpenClaw loaded."""
    found = inspected(stage)
    text = str(found)
    for name in (
        "smart_spawn",
        "smart_spawn_feedback",
        "before_tool_call",
        "subagent_ended",
        "model_call_ended",
    ):
        check(name in text, f"`{name}` is not registered: {text[:1000]}")
    complaints = [each for each in found.get("diagnostics", []) if each.get("level") in ("error", "warn")]
    check(not complaints, f"OpenClaw complains: {complaints}")


def wrong_setting(stage: Stage) -> None:
    """Set what our schema refuses."""
    said = stage.refused("config", "set", "plugins.entries.smart-spawn.config.timeoutMs", "5")
    check("timeoutMs" in said, f"the refusal does not name the field: {said[-500:]}")


def command_line(stage: Stage) -> None:
    """Ask our own command."""
    said = stage.openclaw("smart-spawn", "status")
    check("3 of 4 configured can be chosen" in said and "version 0." in said, f"it said {said}")


def doctor(stage: Stage) -> None:
    """Ask our doctor about this OpenClaw."""
    environment = {**os.environ, "HOME": str(stage.folder("home"))}
    said = run(
        [sys.executable, "-m", "smart_spawn", "doctor", "--openclaw", "--json"],
        cwd=stage.work,
        env=environment,
        timeout_s=60,
    )
    found = {each["check"]: each for each in json.loads(said)["data"]["checks"]}
    for name in ("openclaw", "plugin", "plugin settings", "plugin service", "plugin models"):
        check(found[name]["state"] == "ok", f"the doctor says {found[name]}")


def stopped(stage: Stage, gateway: Gateway) -> str:
    """Stop the gateway, and look for what we should not have written."""
    code, seconds = stage.stop(gateway.process)
    check(code in (0, -15, 143), f"the gateway ended with {code}")
    return f"{seconds:.1f} s"


def uninstalled(stage: Stage) -> None:
    """Uninstall as the README says."""
    stage.openclaw("plugins", "uninstall", "smart-spawn", "--force")
    config = (stage.folder("home") / ".openclaw" / "openclaw.json").read_text(encoding="utf-8")
    check('"apiUrl"' not in config, "the configuration still holds our settings")


def done(what: str, step: Callable[[], T]) -> T:
    """Take one step, and say that it was done and how long it took."""
    began = time.monotonic()
    result = step()
    more = f" ({result})" if isinstance(result, str) and result else ""
    print(f"  {time.monotonic() - began:5.1f} s  {what}{more}", flush=True)
    return result


def first_sentence(promise: Callable[[Play], object]) -> str:
    """Return what a check promises."""
    return (promise.__doc__ or promise.__name__).strip().rstrip(".")


def show_logs(stage: Stage) -> None:
    """Show the end of every log, for whoever has to find out why."""
    for file in sorted(stage.work.glob("*.log")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
        print(f"--- {file.name}", *lines, sep="\n")


if __name__ == "__main__":
    sys.exit(main())

"""Other gateways: how each is installed, started and asked.

Each is installed once, in an exact version, below `.e2e/gateways` (750 MB for both, not committed). Nothing of them
enters our environment or our lock file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".e2e" / "gateways"
INSTALL_S = 300


class LeftOut(Exception):
    """Why a gateway cannot be measured here."""


class Other(ABC):
    """A gateway that is not ours."""

    name: str
    version: str

    @abstractmethod
    def install(self, folder: Path) -> None:
        """Install it there. Raises LeftOut."""

    @abstractmethod
    def command(self, folder: Path, home: Path, port: int, provider: int) -> list[str]:
        """Return what starts it on this port of the loopback, before the provider on that one."""

    @abstractmethod
    def asked(self, provider: int) -> dict[str, Any]:
        """Return the model and the headers of a chat that it hands to the provider."""

    def environment(self) -> dict[str, str]:
        """Return the variables that it needs."""
        return {}


class Portkey(Other):
    """Portkey's gateway, of which a request says in its headers where it goes."""

    name, version = "Portkey's gateway", "1.15.2"

    # It listens on every address and has no setting for that.
    LOOPBACK = (
        "data:text/javascript,import net from 'node:net'; const listen = net.Server.prototype.listen;"
        "net.Server.prototype.listen = function (port, host, ...more)"
        " { return listen.call(this, port, '127.0.0.1', ...more) }"
    )

    def install(self, folder: Path) -> None:
        """Install it from npm, without running any script of a package."""
        if shutil.which("npm") is None or shutil.which("node") is None:
            raise LeftOut("node and npm are not installed")
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        package = f"@portkey-ai/gateway@{self.version}"
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", package], cwd=folder)

    def command(self, folder: Path, home: Path, port: int, provider: int) -> list[str]:
        """Start it without its console."""
        program = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
        return ["node", "--import", self.LOOPBACK, str(program), f"--port={port}", "--headless"]

    def environment(self) -> dict[str, str]:
        """Have it log no calls, and hand them to the loopback."""
        return {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}

    def asked(self, provider: int) -> dict[str, Any]:
        """Name the provider in the headers."""
        headers = {
            "Authorization": "Bearer unused",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{provider}/v1",
        }
        return {"model": "theirs", "headers": headers}


class LiteLLM(Other):
    """LiteLLM's proxy with one model, without keys and without a database."""

    name, version = "LiteLLM's proxy", "1.106.4"  # 1.82.7 and 1.82.8 stole credentials: PYSEC-2026-2
    DEPENDENCIES_OF = "2026-11-01"

    def install(self, folder: Path) -> None:
        """Install it into an environment of its own, from wheels, with its dependencies as they were on that day."""
        uv = [str(ROOT / "scripts/bootstrap.sh"), "uv"]
        python = ["--python", str(folder / "bin/python"), "--exclude-newer", self.DEPENDENCIES_OF]
        run([*uv, "venv", "--no-config", "--clear", str(folder)], cwd=ROOT)
        wanted = f"litellm[proxy]=={self.version}"
        run([*uv, "pip", "install", "--no-config", "--no-build", *python, wanted], cwd=ROOT)

    def command(self, folder: Path, home: Path, port: int, provider: int) -> list[str]:
        """Start it with one worker."""
        target = {
            "model": "openai/theirs",
            "api_base": f"http://127.0.0.1:{provider}/v1",
            "api_key": "unused",
        }
        config = home / "config.yaml"  # JSON is YAML
        config.write_text(json.dumps({"model_list": [{"model_name": "theirs", "litellm_params": target}]}))
        listening = ["--host", "127.0.0.1", "--port", str(port)]
        return [str(folder / "bin/litellm"), *listening, "--num_workers", "1", "--config", str(config)]

    def environment(self) -> dict[str, str]:
        """Have it fetch nothing and log no calls. This version reports nothing to anybody by itself."""
        return {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
            "LITELLM_LOCAL_BLOG_POSTS": "True",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # ours is asked without a key too
            "HF_HUB_OFFLINE": "1",
        }

    def asked(self, provider: int) -> dict[str, Any]:
        """Name its one model."""
        return {"model": "theirs"}


OTHERS: tuple[Other, ...] = (Portkey(), LiteLLM())


def run(command: list[str], *, cwd: Path) -> None:
    """Run one step of an installation. Raises LeftOut; the last that it said is printed."""
    step = " ".join([Path(command[0]).name, *command[1:3]])
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise LeftOut(f"`{step}` did not end within {INSTALL_S} s") from None
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines()
        print("\n".join(said[-20:]), file=sys.stderr)
        raise LeftOut(f"`{step}` ended with {done.returncode}")


def installed(other: Other) -> Path:
    """Return the folder of an installation, which is made when it is missing. Raises LeftOut."""
    folder = CACHE / f"{type(other).__name__.lower()}-{other.version}"
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"installing {other.name} {other.version}", flush=True)
        other.install(folder)
        done.touch()
    return folder

"""How a user of OpenClaw sets things up, and how turns and tools are asked for over the gateway."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.openclaw.stage import PLUGIN, TOKEN, Failed, Stage, check, npm, write_json

MAIN = "main-model"
"""The user's default. No catalogue knows it, so routing never returns it."""
KNOWN = ("glm-5.2", "deepseek-v3.2", "gpt-5-mini")
"""What the user has besides, by names that the catalogue can be joined to."""
REACH = ("z-ai/glm-5.2", "deepseek/deepseek-v3.2", "openai/gpt-5-mini")
"""The same as the catalogue names them."""
TURN_S = 60


def configuration(stage: Stage, port: int, models_url: str, service_url: str) -> dict[str, Any]:
    """Return the `openclaw.json` of a user with one provider, before our plugin."""

    def model(name: str) -> dict[str, Any]:
        price = {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}
        return {"id": name, "name": name, "reasoning": False, "input": ["text"], "cost": price} | {
            "contextWindow": 128_000,
            "maxTokens": 8_000,
        }

    def provider(url: str, *names: str) -> dict[str, Any]:
        return {
            "baseUrl": f"{url}/v1",
            "apiKey": "local",
            "api": "openai-completions",
            "models": [model(name) for name in names],
        }

    return {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": TOKEN},
            "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
        },
        "models": {
            "mode": "merge",
            "providers": {
                "fake": provider(models_url, MAIN, *KNOWN),
                "smart-spawn": provider(service_url, "auto"),
            },
        },
        "agents": {
            "defaults": {
                "model": {"primary": f"fake/{MAIN}"},
                "workspace": str(stage.folder("workspace")),
                "skipBootstrap": True,
                "heartbeat": {"every": "0m"},
            }
        },
        "plugins": {"allow": ["smart-spawn"], "slots": {"memory": "none"}},
    }


def plugin_configuration(door_url: str) -> dict[str, Any]:
    """Return what the user sets for the plugin."""
    config = {
        "apiUrl": f"{door_url}/api",
        "defaultBudget": "any",
        "autoRoute": True,
        "timeoutMs": 1500,
        "verbose": True,
    }
    return {"plugins": {"entries": {"smart-spawn": {"enabled": True, "config": config}}}}


def pack(stage: Stage) -> Path:
    """Build and pack the plugin, and look at what is in the package."""
    if not (PLUGIN / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund", cwd=PLUGIN)
    npm("run", "build", cwd=PLUGIN)
    listed = json.loads(
        npm("pack", "--json", "--ignore-scripts", "--pack-destination", str(stage.work), cwd=PLUGIN)
    )
    packed = listed[0] if isinstance(listed, list) else next(iter(listed.values()))
    names = {file["path"] for file in packed["files"]}
    wanted = {"dist/index.js", "openclaw.plugin.json", "README.md", "LICENSE", "skills/smart-spawn/SKILL.md"}
    check(wanted <= names, f"the package lacks {sorted(wanted - names)}")
    check(not any(name.endswith(".ts") for name in names), "the package holds TypeScript")
    return stage.work / str(packed["filename"])


def set_up(stage: Stage, package: Path, config: dict[str, Any], plugin: dict[str, Any]) -> None:
    """Install and configure as the README says, by OpenClaw's own commands."""
    write_json(stage.folder("home") / ".openclaw" / "openclaw.json", config)
    stage.openclaw("plugins", "install", f"npm-pack:{package}", "--force", "--accept-capabilities")
    stage.openclaw("config", "patch", "--file", str(write_json(stage.work / "plugin.json", plugin)))


def inspected(stage: Stage) -> dict[str, Any]:
    """Return what OpenClaw says of the loaded plugin. That it is JSON shows that we write nothing in between."""
    found: dict[str, Any] = json.loads(
        stage.openclaw("plugins", "inspect", "smart-spawn", "--runtime", "--json")
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A running gateway."""

    stage: Stage
    process: subprocess.Popen[bytes]
    url: str

    @classmethod
    def start(cls, stage: Stage, port: int) -> Gateway:
        """Start one in the foreground. It is ready some seconds later: `ready`."""
        command = ["openclaw", "gateway", "run", "--port", str(port)]
        process = stage.start("gateway", command, stage.environment)
        return cls(stage=stage, process=process, url=f"http://127.0.0.1:{port}")

    def ready(self) -> float:
        """Wait until it takes requests, and return the seconds."""
        return self.stage.answers(self.process, f"{self.url}/readyz", 90)

    @property
    def lines(self) -> list[str]:
        """What it has written so far."""
        return self.stage.log("gateway").read_text(encoding="utf-8", errors="replace").splitlines()

    def invoke(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool without any model, and return the details of its result."""
        body = {"tool": tool, "args": arguments}
        answer = httpx.post(f"{self.url}/tools/invoke", json=body, headers=_headers(), timeout=TURN_S)
        if answer.status_code != 200:
            raise Failed(f"`{tool}` answered {answer.status_code}: {answer.text[:500]}")
        details: dict[str, Any] = answer.json()["result"]["details"]
        return details

    def turn(self, words: str, session: str, model: str | None = None) -> str:
        """Have the main agent take a turn, and return its answer."""
        headers = {**_headers(), "x-openclaw-session-key": f"agent:main:{session}"}
        if model:
            headers["x-openclaw-model"] = model
        body = {"model": "openclaw/main", "messages": [{"role": "user", "content": words}]}
        answer = httpx.post(f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=TURN_S)
        if answer.status_code != 200:
            raise Failed(f"a turn answered {answer.status_code}: {answer.text[:500]}")
        text: str = answer.json()["choices"][0]["message"]["content"]
        return text


def _headers() -> dict[str, str]:
    return {"authorization": f"Bearer {TOKEN}"}

"""What `benchmarks.against` compares: the answers and the times of the version in whose path this process runs."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec

from benchmarks import route as r
from evals import robustness
from smart_spawn.api.app import create_app
from smart_spawn.api.server import configure_log
from smart_spawn.app import SmartSpawn
from smart_spawn.classify import classify
from smart_spawn.errors import SmartSpawnError
from smart_spawn.routing.decision import encode_decision
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from smart_spawn.surface.decisions import decision_json, pick_json

ROOT = Path(__file__).parents[1]
OPTIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {"budget": "low"},
    {"budget": "high"},
    {"budget": "any"},
    {"require": ["vision", "json"]},
    {"categoryWeights": {"coding": 2.0, "fast-cheap": 0.5}, "budget": "any"},
    {"context": ["typescript", "security", "nobody-knows-this"], "budget": "high"},
    {"exclude": ["openai/*", "anthropic/*"]},
    {"minCapability": 65, "budget": "high"},
    {"only": ["google/*", "z-ai/*"], "minCapability": 0},
    {"attachments": [{"type": "image"}], "minContext": 200_000},
    {"category": "research", "budget": "low", "minCapability": 0},
    {"dataPolicy": {"allowTraining": False, "zeroRetention": True}, "budget": "high"},
    {"budget": "low", "minCapability": 100},
)
"""Requests as they come: with each task one of them, in turn."""


def texts(files: list[Path]) -> list[str]:
    """Return tasks to compare on: our own prompts and their perturbed kin, long ones, and those of the files."""
    frames = [*robustness.POLITE, *robustness.REMINDERS, *robustness.FRAMES]
    chance = random.Random(7)  # repeatable
    own = [
        line
        for path in sorted((ROOT / "scripts" / "prompts").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("==")
    ]
    perturbed = [
        change(line, chance)
        for line in own
        for change in (robustness.typos, robustness.case, robustness.white_space)
    ]
    framed = [frame.format(line) for line in own for frame in chance.sample(frames, 2)]
    joined = ["\n".join(chance.sample(own, chance.randrange(2, 60))) for _ in range(1_000)]
    long = [r.text(length) for length in (10, 100, 700, 1_300, 2_000, 10_000, 200_000)]
    odd = [
        "",
        " ",
        "?",
        "\x00\ud800",
        "c++ c#",
        "a" * 5_000,
        "图" * 3_000,
        "<system-reminder>x",
        "> quoted\nDo it",
    ]
    given = [found for path in files for found in _given(path)]
    return [*own, *perturbed, *framed, *joined, *long, *odd, *given]


def _given(path: Path) -> Iterator[str]:
    """Read tasks from JSON lines with a `text`, packed or not."""
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines():
        yield json.loads(line)["text"]


def answers(files: list[Path]) -> dict[str, str]:
    """Hash every profile, decision, pick and explanation; chunks of them, so that a difference can be found."""
    tasks = texts(files)
    encode = msgspec.json.Encoder(order="deterministic").encode
    found = {}
    for start in range(0, len(tasks), 1_000):
        chunk = hashlib.sha256()
        for task in tasks[start : start + 1_000]:
            chunk.update(encode(classify(task)))
        found[f"profiles {start:,} to {min(start + 1_000, len(tasks)):,}"] = chunk.hexdigest()
    chance = random.Random(11)  # repeatable
    asked = chance.sample(tasks, min(len(tasks), 5_000))
    for catalog in (r.packaged(), r.grown(1_000)):
        for start in range(0, len(asked), 500):
            chunk = hashlib.sha256()
            for at, task in enumerate(asked[start : start + 500], start):
                try:
                    request = RouteRequest.of({"task": task, **OPTIONS[at % len(OPTIONS)]})
                    decision = route(request, catalog, at=r.NOW, decision_id="dec_0", policy=r.POLICY)
                    stored = msgspec.json.decode(encode_decision(decision))
                    stored.pop("p_best", None)  # was stored once, and is in the explanation
                    chunk.update(encode([stored, pick_json(decision, catalog)]))
                    chunk.update(encode(decision_json(decision, catalog, r.POLICY, verbose=at % 50 == 0)))
                except SmartSpawnError as error:
                    chunk.update(repr((error.code, error.message, error.hint)).encode("utf-8", "replace"))
            last = min(start + 500, len(asked))
            found[f"decisions {start:,} to {last:,}, {len(catalog)} models"] = chunk.hexdigest()
    return found


def pieces() -> dict[str, list[Callable[[], object]]]:
    """Return what is timed, by name; the calls of a piece are made in turn and hold different tasks."""
    catalog = r.packaged()
    lines, longs = r.tasks(512), r.tasks(64, 2_000)
    five, ten = r.grown(500), r.grown(10_000)
    found: dict[str, list[Callable[[], object]]] = {
        "classify, one line": [partial(classify, task) for task in lines],
        "classify, 2,000 characters": [partial(classify, task) for task in longs],
        "classify, 100,000 characters": [partial(classify, task) for task in r.tasks(8, 100_000)],
        "route, one line": [partial(r.choose, request, catalog) for request in r.requests(lines[:128])],
        "route, 2,000 characters, 500 models": [partial(r.choose, q, five) for q in r.requests(longs)],
        "route, 2,000 characters, 10,000 models": [partial(r.choose, q, ten) for q in r.requests(longs[:8])],
        "route and verbose answer": [partial(r.choose_verbose, q, catalog) for q in r.requests(longs[:8])],
    }
    return found | {"pick, without the server": _picks(lines)}


def _picks(lines: list[str]) -> list[Callable[[], object]]:
    """Return requests to the whole service but the socket: gate, choice, log, store."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # takes the log, as long as we run
    configure_log()
    app = SmartSpawn(carries_out=False).open()
    service: Any = create_app(app)
    loop = asyncio.new_event_loop()

    async def send(message: Mapping[str, Any]) -> None:
        assert message.get("status", 200) == 200

    async def ask(query: bytes) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/pick",
            "query_string": query,
            "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1),
        }
        await service(scope, None, send)

    return [partial(_asked, loop, ask, f"task={quote_plus(task)}&budget=medium".encode()) for task in lines]


def _asked(loop: asyncio.AbstractEventLoop, ask: Callable[[bytes], Any], query: bytes) -> None:
    loop.run_until_complete(ask(query))


def main() -> None:
    """Measure what the parent names, line by line."""
    home = tempfile.TemporaryDirectory()
    os.environ["SMART_SPAWN_HOME"] = home.name
    found = pieces()
    for work in found.values():
        for call in work[:16]:
            call()
    gc.collect()
    gc.freeze()
    print(json.dumps(list(found)), flush=True)
    for line in sys.stdin:
        name, calls = json.loads(line)
        if name == "answers":
            print(json.dumps(answers([Path(path) for path in calls])), flush=True)
            continue
        work, times = found[name], []
        gc.collect()
        whole = time.process_time_ns()
        for at in range(calls):
            began = time.thread_time_ns()
            work[at % len(work)]()
            times.append(time.thread_time_ns() - began)
        mean = (time.process_time_ns() - whole) / calls
        times.sort()
        print(json.dumps([times[len(times) // 10], times[len(times) // 2], mean]), flush=True)


if __name__ == "__main__":
    main()

"""Time and memory of replaying a log: 100,000 calls of five formats, prompts of a line to 8,000 characters."""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS, headline, spread

LINES = 100_000
MODELS = ("openai/gpt-4o", "anthropic/claude-sonnet-4", "google/gemini-2.5-flash", "own/not-in-the-catalogue")
SENTENCES = (
    "write a python function that parses the log and returns the errors by day explain why this query is slow "
    "translate the letter into german summarise the report for the board prove the lemma fix the test"
)
WORDS = SENTENCES.split()


def rows(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Invent records; no two prompts are the same, so that nothing is remembered from one to the next."""
    drawn = random.Random(seed)
    for n in range(count):
        ask = " ".join(drawn.choices(WORDS, k=drawn.choice((8, 20, 60, 200, 1500)))) + f" {n}"
        model, tokens = drawn.choice(MODELS), drawn.randrange(50, 20_000)
        messages = [{"role": "system", "content": "You are careful. " * 20}, {"role": "user", "content": ask}]
        usage = {"prompt_tokens": tokens, "completion_tokens": drawn.randrange(10, 900)}
        match n % 4:
            case 0:
                yield {
                    "request": {"model": model, "messages": messages},
                    "response": {"model": model, "created": 1_790_000_000 + n, "usage": usage},
                }
            case 1:
                yield {
                    "call_type": "acompletion",
                    "spend": 0.001,
                    "startTime": "2026-11-20T10:00:00Z",
                    "model": model,
                    "messages": messages,
                    **usage,
                }
            case 2:
                session = f"s{n // 40}"
                yield {"type": "user", "sessionId": session, "message": {"role": "user", "content": ask}}
                yield {
                    "type": "assistant",
                    "sessionId": session,
                    "uuid": f"u{n}",
                    "timestamp": "2026-11-20T10:00:00Z",
                    "message": {
                        "id": f"m{n}",
                        "model": model,
                        "usage": {"input_tokens": tokens, "output_tokens": 100},
                    },
                }
            case _:
                yield {
                    "generation_id": f"g{n}",
                    "created_at": "2026-11-20",
                    "model_permaslug": model,
                    "tokens_prompt": tokens,
                    "tokens_completion": 90,
                }


def measure(path: Path, home: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and MiB of one replay in a process of its own."""
    environment = {**os.environ, "SMART_SPAWN_HOME": str(home)}
    command = [sys.executable, "-m", "smart_spawn", "replay", str(path), "--json"]
    before = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "the replay failed"
    return time.perf_counter() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Measure, print, and append the rows to RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-record", action="store_true", help="only print")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        with path.open("w", encoding="utf-8") as file:
            written = 0
            for row in rows(options.lines):
                if written >= options.lines:
                    break
                file.write(json.dumps(row) + "\n")
                written += 1
        found = [measure(path, Path(folder) / "home") for _ in range(options.rounds)]
        size = path.stat().st_size / 1e6
    text = headline("python -m benchmarks.replay", ("msgspec", "numpy"))
    text += "| what | lines | MB | seconds | CPU seconds | lines/s | memory MiB |\n|---|---|---|---|---|---|---|\n"
    seconds, processor, memory = zip(*found, strict=True)
    speeds = [written / s for s in seconds]
    text += (
        f"| replay, mixed log, start included | {written:,} | {size:.0f} | {spread(seconds, 1)} "
        f"| {spread(processor, 1)} | {spread(speeds, 0)} | {spread(memory, 0)} |\n"
    )
    print(text)
    if not options.no_record:
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write(text)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()

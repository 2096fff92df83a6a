"""Kill workers with SIGKILL at every moment that matters, and look at what was paid: `python -m benchmarks.crash`.

A parent forks one worker after the other. Each gets new runs and a point at which it kills itself: before or after a
write to the journal, before a call is billed, while it is under way, after its answer. The next one resumes what the
last one left. The provider keeps its own account of what it billed, in a file, and at the end the two are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from smart_spawn.engines import dbos_engine, memory_engine
from smart_spawn.model import Price, Rates
from smart_spawn.runs.client import RunClient
from smart_spawn.runs.engine import RunSpec, RunStatus
from smart_spawn.runs.ports import Ctx, Ended, Message, ModelAnswer, ModelCall, Purchase, Usage
from smart_spawn.settings import Settings
from smart_spawn.store import open_store

PRICE = Price(base=Rates(prompt_usd_per_mtok=Decimal(1), completion_usd_per_mtok=Decimal(10)))
BILL_USD = Decimal("0.0005")
"""What the provider bills for each call, whether its answer arrives or not."""
CAP_USD = Decimal("0.02")
STEPS = ("first", "left", "right", "last")
POINTS_A_RUN = 32
"""Moments at which one run can be killed: around each of twelve writes, before each bill and each answer."""
LIFE_S = 60.0


class Killer:
    """Ends this process at one moment, counted over the runs that are its own."""

    def __init__(self, point: int | None) -> None:
        self.point = point
        self.runs: set[str] = set()
        self._count = 0
        self._lock = threading.Lock()

    def passed(self, run_id: str) -> None:
        """Note a moment; die when it is the one."""
        with self._lock:
            if run_id not in self.runs:
                return
            self._count += 1
            if self._count == self.point:
                os.kill(os.getpid(), signal.SIGKILL)


class KillingJournal:
    """The journal, with a moment before and after every write."""

    def __init__(self, journal: Any, killer: Killer) -> None:
        self._journal = journal
        self._killer = killer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)

        def watched(claim: Any, *args: Any, **kwargs: Any) -> Any:
            self._killer.passed(claim.run_id)
            result = method(claim, *args, **kwargs)
            self._killer.passed(claim.run_id)
            return result

        return watched


class Billing:
    """A provider that writes down what it bills before it answers."""

    def __init__(self, account: Path, killer: Killer) -> None:
        self._account = account
        self._killer = killer

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Bill, take a moment, answer."""
        step = call.messages[0].content
        run_id = step.partition("/")[0]
        self._killer.passed(run_id)
        with self._account.open("a", encoding="ascii") as lines:
            lines.write(f"{step}\n")
        await asyncio.sleep(0.002)
        self._killer.passed(run_id)
        return ModelAnswer(
            text=step,
            finish_reason="stop",
            usage=Usage(prompt_tokens=10, completion_tokens=10),
            cost_usd=BILL_USD,
            model=call.model_id,
            provider="fake",
            latency_ms=2.0,
        )


async def _diamond(ctx: Ctx, request: Mapping[str, Any]) -> Ended:
    """Do four calls, two of them at once, and a step that costs nothing."""

    async def bought(step: str) -> str:
        message = Message(role="user", content=f"{ctx.run_id}/{step}")
        call = ModelCall(model_id="vendor/model", messages=(message,), max_output_tokens=100)
        done = await ctx.call(step, Purchase(call=call, price=PRICE, provider="fake"))
        return done.answer.text if done.answer else str(done.error)

    first = await bought("first")
    middle = await ctx.parallel(lambda: bought("left"), lambda: bought("right"))
    joined = await ctx.step("join", _joined, first, *map(str, middle))
    return Ended(outcome={"texts": [*joined, await bought("last")]})


async def _joined(*texts: str) -> list[str]:
    return list(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the accounts say when all is over."""

    runs: int
    succeeded: int
    kills: int
    billed: int
    """Calls that the provider billed."""
    repeated: int
    """Of these, the ones made again because a kill left nobody knowing."""
    in_doubt: int
    """Calls that the journal calls in doubt. None of the repeated is missing here."""
    unexplained: int
    """Bills for a step beyond the first that no in-doubt call explains: must be 0."""
    over_cap: int
    """Runs that spent more than their cap, in doubt included: must be 0."""
    wrong: int
    """Runs with another outcome than the right one: must be 0."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where all this happens."""

    engine: str
    settings: Settings
    account: Path


def play(scene: Scene, lives: Sequence[tuple[int, int | None]], *, workers: int = 1) -> Found:
    """Let each life submit some runs and die at its point; then let the last one finish all."""
    began = time.perf_counter()
    kills = 0
    for batch, point in lives:
        size = scene.account.stat().st_size
        children = [_forked(scene, batch, point)]
        while workers > 1 and scene.account.stat().st_size == size:
            time.sleep(0.01)  # the one that is to die has to have some of the runs
        children += [_forked(scene, 0, None) for _ in range(workers - 1)]
        kills += sum(_killed(child) for child in children)
    assert not _killed(_forked(scene, 0, None))
    return _found(scene, kills, time.perf_counter() - began)


def _forked(scene: Scene, batch: int, point: int | None) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        asyncio.run(asyncio.wait_for(_live(scene, batch, Killer(point)), LIFE_S))
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def _killed(child: int) -> bool:
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, f"worker ended with {status}"
    return False


async def _live(scene: Scene, batch: int, killer: Killer) -> None:
    """Be a worker: submit, carry out, end when nothing is left."""
    store = open_store(scene.settings)
    store.journal = KillingJournal(store.journal, killer)  # type: ignore[assignment]  # stands in for it
    make = dbos_engine if scene.engine == "dbos" else memory_engine
    engine = make(
        store, scene.settings, Billing(scene.account, killer), {"diamond": _diamond}, clock=_utc_now
    )
    for _ in range(batch):
        killer.runs.add(
            await engine.submit(RunSpec(mode="diamond", request={}, cap_usd=CAP_USD, timeout_s=600))
        )
    await engine.open()
    while await _any_left(engine):  # noqa: ASYNC110  # it is a database that says so
        await asyncio.sleep(0.01)
    await engine.close()
    store.close()


async def _any_left(engine: RunClient) -> bool:
    states: tuple[RunStatus, ...] = ("queued", "running")
    return any([await engine.list(status=status, limit=1) for status in states])


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _found(scene: Scene, kills: int, seconds: float) -> Found:
    billed = Counter(scene.account.read_text(encoding="ascii").split())
    with open_store(scene.settings) as store:
        runs = [store.runs.run(line.id) for line in store.runs.lines(status=None, limit=1000, before=None)]
        steps = {
            f"{run.id}/{step.name}": step for run in runs for step in store.runs.steps(run.id) if step.model
        }
    assert billed.keys() <= steps.keys()
    return Found(
        runs=len(runs),
        succeeded=sum(run.status == "succeeded" for run in runs),
        kills=kills,
        billed=billed.total(),
        repeated=sum(many - 1 for many in billed.values()),
        in_doubt=sum(step.in_doubt for step in steps.values()),
        unexplained=sum(max(0, billed[name] - 1 - step.in_doubt) for name, step in steps.items())
        + sum(step.tries != 1 + step.in_doubt for step in steps.values()),
        over_cap=sum(run.cost.spent_usd + run.cost.in_doubt_usd > CAP_USD for run in runs)
        + sum(
            sum(many for name, many in billed.items() if name.startswith(run.id)) * BILL_USD > CAP_USD
            for run in runs
        ),
        wrong=sum((run.outcome or {}).get("texts") != [f"{run.id}/{step}" for step in STEPS] for run in runs),
        seconds=round(seconds, 1),
    )


def every_point(step: int = 1) -> list[tuple[int, int | None]]:
    """Return lives of one run each that are killed at every `step`-th moment."""
    return [(1, point) for point in range(1, POINTS_A_RUN + 1, step)]


def at_random(runs: int, batch: int, workers: int, seed: int) -> list[tuple[int, int | None]]:
    """Return lives of several runs at once that are killed anywhere; earlier where others share the work."""
    chance = random.Random(seed)
    earliest = batch * 3  # every run has begun, and the first calls are billed
    last = batch * POINTS_A_RUN // workers
    return [(batch, chance.randint(earliest, last)) for _ in range(runs // batch)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, resume, compare, and print what was found as JSON. Ends with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["memory", "dbos"], default="dbos")
    parser.add_argument("--database", default="sqlite", help="`sqlite` or the address of an empty PostgreSQL")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=10, help="runs at once in each life")
    parser.add_argument(
        "--every-point", type=int, metavar="N", help="kill at every N-th moment of one run instead"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if given.engine == "dbos":
        import smart_spawn.runs.engine_dbos  # noqa: F401, PLC0415  # once, before the forks
    lives = (
        every_point(given.every_point)
        if given.every_point
        else at_random(given.runs, given.batch, given.workers, given.seed)
    )
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database_url=given.database)
        account = Path(home) / "account"
        account.touch()
        scene = Scene(engine=given.engine, settings=settings, account=account)
        found = play(scene, lives, workers=given.workers)
    print(json.dumps(asdict(found)))
    if found.unexplained or found.over_cap or found.wrong or found.succeeded != found.runs:
        sys.exit(1)


if __name__ == "__main__":
    main()

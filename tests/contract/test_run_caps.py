"""Caps hold whatever happens: many calls at once, retries, judges, merges, two workers, a crash in the middle.

The provider keeps an account of its own of what it billed, answered or not. Neither that nor what is held and spent
may ever exceed a cap, by one micro-dollar.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smart_spawn.app.runs import modes
from smart_spawn.engines import memory_engine
from smart_spawn.errors import BadAnswer, Overloaded, RateLimited, TimedOut
from smart_spawn.model import Mode
from smart_spawn.runs.engine import KeyCap, RunSpec
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.journal import RunLost
from smart_spawn.runs.ports import ModelAnswer, ModelCall, Usage
from smart_spawn.settings import Settings
from smart_spawn.spawn.carry import Job, to_request
from smart_spawn.spawn.money import MICRO, most_prompt_tokens, worst_case_micro_usd
from smart_spawn.spawn.outcome import Rung
from smart_spawn.spawn.plan import Step
from smart_spawn.spawn.swarm import StepWork
from smart_spawn.store import Store, open_store
from tests.contract.engines import PRICE, nobody, utc_now
from tests.contract.test_run_money import purses
from tests.properties import examples

STEPS, PAID_FOR = 50, 20
TOKENS = 40
ANSWERS = (
    "7",
    "8",
    "A long text that nobody could count as a vote, and so a judge has to look at it.\nMore.",
)
FAILURES = (Overloaded, RateLimited, TimedOut, BadAnswer)
LADDER = tuple(
    Rung(
        model_id=f"v/{name}",
        provider="fake",
        price=PRICE,
        prior=prior,
        expected_cost_usd=0.001,
        max_output_tokens=TOKENS,
        retries=2,
    )
    for name, prior in (("a", 0.6), ("b", 0.7), ("c", 0.72))
)
JUDGE = Rung(model_id="v/judge", provider="fake", price=PRICE, max_output_tokens=TOKENS)


def job(mode: Mode, name: str) -> Job:
    works = tuple(
        StepWork(step=Step(id=f"s{n}", task=f"{name} step {n}"), ladder=LADDER) for n in range(STEPS)
    )
    return Job(mode=mode, task=f"{name} whole", rungs=LADDER, judge=JUDGE, works=works, decision_id="dec_1")


WORST = worst_case_micro_usd(PRICE, prompt_tokens=600, max_output_tokens=TOKENS, at=utc_now()) or 0
"""About what one call of a step is reserved at."""


@dataclass
class Billing:
    """A provider that fails and bills at random, never more than the worst case of the call it got."""

    chance: random.Random
    crash_after: int
    calls: int = 0
    account: Counter[str] = field(default_factory=Counter)
    """Micro-USD by mode."""
    crashed: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, call: ModelCall) -> ModelAnswer:
        self.calls += 1
        if self.calls == self.crash_after:
            self.crashed.set()
        told = " ".join(message.content for message in call.messages)
        name = next(one for one in ("swarm", "collective", "cascade") if f"{one} " in told)
        prompt, output = most_prompt_tokens(call.messages), call.max_output_tokens or 0
        worst = worst_case_micro_usd(PRICE, prompt_tokens=prompt, max_output_tokens=output, at=utc_now())
        assert worst is not None
        kind = self.chance.random()
        bill = worst if kind < 0.3 else self.chance.randint(0, worst)
        failure = self.chance.choice(FAILURES) if self.chance.random() < 0.3 else None
        if failure in (None, TimedOut, BadAnswer):
            self.account[name] += bill
        await asyncio.sleep(self.chance.random() * 0.004)
        if failure is not None:
            raise failure("scripted", provider="fake", model=call.model_id, retry_after_s=0.001)
        reported = Decimal(bill) / MICRO if self.chance.random() < 0.7 else None
        usage = Usage(prompt_tokens=prompt, completion_tokens=output)  # the list price is then the worst case
        return ModelAnswer(
            text=self.chance.choice(ANSWERS),
            finish_reason="stop",
            usage=usage if reported is not None or self.chance.random() < 0.5 else None,
            cost_usd=reported,
            model=call.model_id,
            provider="fake",
            latency_ms=1.0,
        )


class Mortal:
    """A journal that a dead process cannot write to any more, and that looks at every purse after each write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dead = False
        self.broken: list[tuple[str, int | None, int, int]] = []
        """Purses that held and spent more than their cap, or less than nothing."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store.journal, name)

        def written(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise RunLost("the process is dead")
            result = method(*args, **kwargs)
            for purse, (cap, held, spent) in purses(self._store).items():
                if min(held, spent) < 0 or (cap is not None and held + spent > cap):
                    self.broken.append((purse, cap, held, spent))
            return result

        return written


def worker(store: Store, config: Settings, billing: Billing) -> tuple[ExecutorEngine, Mortal]:
    engine = memory_engine(store, config, billing, modes(nobody), clock=utc_now)
    mortal = Mortal(store)
    object.__setattr__(engine.executions._services, "journal", mortal)
    return engine, mortal


async def play(home: Path, database: dict[str, Any], seed: int, crash_after: int, share: float) -> None:
    """Run a swarm, a collective and a cascade of one key on two workers, one of which dies on the way."""
    config = Settings.model_validate({"home": home, "max_parallel_steps": STEPS, **database})
    caps = {"swarm": int(WORST * PAID_FOR * share), "collective": WORST * 5, "cascade": WORST * 3}
    key_cap = int(sum(caps.values()) * 0.9)
    billing = Billing(random.Random(seed), crash_after)
    with open_store(config) as one, open_store(config) as two:
        (first, mortal), (second, survivor) = worker(one, config, billing), worker(two, config, billing)
        await first.open()
        ids = {}
        for mode in (Mode.SWARM, Mode.COLLECTIVE, Mode.CASCADE):
            spec = RunSpec(
                mode=str(mode),
                request=to_request(job(mode, str(mode))),
                cap_usd=Decimal(caps[str(mode)]) / MICRO,
                key_cap=KeyCap(key="k", cap_usd=Decimal(key_cap) / MICRO),
                timeout_s=timedelta(minutes=5).total_seconds(),
            )
            ids[str(mode)] = await first.submit(spec)
        await second.open()
        crashed: asyncio.Task[Any] = asyncio.create_task(billing.crashed.wait())
        ended = asyncio.gather(*(second.wait(run_id, 60) for run_id in ids.values()))
        await asyncio.wait([crashed, ended], return_when=asyncio.FIRST_COMPLETED)
        crashed.cancel()
        mortal.dead = True
        await first.executions.stop()
        one.roster.bury(first.executor, unheard_s=0)
        runs = await ended
        for name, run in zip(ids, runs, strict=True):
            assert run.ended, (name, run.status)
            assert (
                run.cost.spent_usd + run.cost.in_doubt_usd + run.cost.reserved_usd
                <= Decimal(caps[name]) / MICRO
            )
            assert billing.account[name] <= caps[name], (name, billing.account, caps)
        assert billing.account.total() <= key_cap
        assert mortal.broken == survivor.broken == []
        first.lost.set()  # its row is gone
        await second.close()
        await first.close()


@settings(
    max_examples=examples(3, thorough=150),
    phases=[Phase.generate],  # an example takes a second: shrinking would take minutes
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32), crash_after=st.integers(1, 60), share=st.floats(0.3, 1.5))
def test_no_cap_is_exceeded_by_a_micro_dollar(seed: int, crash_after: int, share: float) -> None:
    """50 parallel steps against a cap that pays for about 20, beside a collective and a cascade with a judge."""
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(play(Path(home), {}, seed, crash_after, share))


def test_no_cap_is_exceeded_on_postgresql(tmp_path: Path, postgresql_database: str) -> None:
    """The same, where writers do not wait for each other."""
    asyncio.run(play(tmp_path, {"database_url": postgresql_database}, 1, 10, 1.0))

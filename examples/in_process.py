"""Choose a model and have it do the task, in this process: nothing else has to run.

    python examples/in_process.py

Choosing needs no key. Doing needs a provider: set `OPENROUTER_API_KEY`, or describe one in `smart-spawn.toml`.
"""

import asyncio

from smart_spawn import NoProvider, SmartSpawn

TASK = "Refactor this Python function to use asyncio: def fetch(urls): return [get(url) for url in urls]"


async def main() -> None:
    """Say which model, why, and what it answered."""
    async with SmartSpawn() as ss:
        decision = await ss.route(TASK, budget="low")
        print(f"{decision.model} at {decision.reasoning_effort} effort: {decision.reason}")
        print(f"sure to {decision.confidence:.0%}; else {', '.join(decision.fallbacks)}")
        try:
            result = await ss.spawn(TASK, budget="low", max_cost_usd="0.05")
        except NoProvider as error:
            print(f"nobody can do it yet: {error.hint}")
            return
        print(result.output)
        print(
            f"cost {result.cost.usd} USD; {result.cost.baseline} would have cost {result.cost.baseline_usd}"
        )


if __name__ == "__main__":
    asyncio.run(main())

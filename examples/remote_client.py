"""Have a service carry out a plan, and watch it: start without waiting, follow its events, read what it left.

    make run                             # in another terminal
    python examples/remote_client.py

`SMART_SPAWN_URL` and `SMART_SPAWN_API_KEY` name another service. With `SmartSpawn()` the same program is one process.
"""

import asyncio
import os

from smart_spawn import SmartSpawn, SmartSpawnError

URL = os.environ.get("SMART_SPAWN_URL", "http://127.0.0.1:3000")
STEPS = ["List what changed in the last release", "Write release notes from that list"]


async def main() -> None:
    """Follow a run from its start to its artifacts."""
    async with SmartSpawn(URL) as ss:
        try:
            run = await ss.runs.submit("Write release notes", mode="plan", steps=STEPS, budget="low")
            async for event in ss.runs.events(run):  # a cut connection is taken up where it was
                print(event.number, event.name)
            result = await ss.runs.result(run)
        except SmartSpawnError as error:
            print(f"{error.code}: {error}")
            return
        for artifact in result.artifacts:
            print(f"{artifact.step} by {artifact.model}: {artifact.content}")
        print(f"cost {result.cost.usd} USD")


if __name__ == "__main__":
    asyncio.run(main())

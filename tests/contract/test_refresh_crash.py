"""kill -9 at any moment of a refresh: the next start serves the last complete catalogue."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.contract.refreshing import refreshed, settings_for
from tests.unit.sources.publisher import publishing


async def test_a_refresh_may_be_killed_at_every_write(tmp_path: Path, root: Path) -> None:
    """Whatever is half done, what is served is the old catalogue or the new one, whole and rebuildable."""
    with publishing() as publisher:
        home = tmp_path / "home"
        old = await refreshed(settings_for(publisher.url, home))
        path = next(p for p in publisher.documents if p.startswith("/openrouter"))
        listed = json.loads(publisher.documents[path])
        listed["data"][0]["name"] = "Renamed since"
        publisher.documents[path] = json.dumps(listed).encode()
        (tmp_path / "work").mkdir()
        answer = await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-m",
                "tests.contract.refresh_crash",
                publisher.url,
                str(home),
                str(tmp_path / "work"),
            ],
            cwd=root,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert answer.returncode == 0, answer.stderr
    deaths = [json.loads(line) for line in answer.stdout.splitlines()]
    new = deaths[-1]["version"]
    assert not deaths[-1]["died"]
    assert new != old
    assert len(deaths) > 10
    assert {d["version"] for d in deaths} == {old, new}
    assert all(d["rebuilt"] == d["version"] and not d["damage"] for d in deaths)
    versions = [d["version"] for d in deaths]
    assert versions == sorted(versions, key=[old, new].index), "once the new one is served, it stays"

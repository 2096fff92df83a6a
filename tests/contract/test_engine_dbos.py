"""What dbos would do by itself, and must not: pickle, guess versions, greet, share an id."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from smart_spawn.engines import version
from smart_spawn.errors import StoreError
from smart_spawn.runs.engine_dbos import DbosEngine, queue_url
from smart_spawn.runs.ports import Ctx, Ended
from smart_spawn.settings import Settings
from tests.contract.engines import opened


async def test_the_queue_holds_an_id_and_a_number_as_json(tmp_path: Path) -> None:
    """Nothing that users wrote is in dbos, nothing is pickled, and the version is ours."""

    async def script(ctx: Ctx) -> Ended:
        return Ended(outcome={"answer": "canary"})

    async with opened("dbos-sqlite", Settings(home=tmp_path)) as bench:
        run = await bench.run(script, request={"task": "canary"})
        assert isinstance(bench.engine, DbosEngine)
        for _ in range(100):
            rows = _rows(tmp_path)
            if rows[0][0] == "SUCCESS":
                break
            await asyncio.sleep(0.05)  # dbos notes the end a moment after we do
        assert rows == [
            (
                "SUCCESS",
                f"{run.id}:1",
                "portable_json",
                version(),
                bench.engine.executor.id,
            )
        ]
        with closing(sqlite3.connect(tmp_path / "queue.db")) as connection:
            dump = "\n".join(connection.iterdump())
        assert f'"positionalArgs":["{run.id}",1]' in dump
        assert "py_pickle" not in dump
        assert "gASV" not in dump  # how a pickle begins, written as dbos writes it
        assert "canary" not in dump
        await bench.engine._forget()
        assert _rows(tmp_path) == []


async def test_what_a_dead_executor_left_in_the_queue_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Executions of the living stay; those of the dead, which the journal has queued anew, are deleted.

    So is everything that ended, however much of it, and what waits for a release that nobody runs any more.
    """
    hold = asyncio.Event()

    async def script(ctx: Ctx) -> Ended:
        await hold.wait()
        return Ended()

    async with opened("dbos-sqlite", Settings(home=tmp_path)) as bench:
        run_id = await bench.submit(script)
        await bench.until(lambda: bool(len(bench.engine.executions)))
        with closing(sqlite3.connect(tmp_path / "queue.db")) as connection, connection:
            connection.executemany(
                "INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, application_version,"
                " created_at, updated_at) VALUES (?, ?, 'smart_spawn.run', ?, ?, 1, 1)",
                [
                    ("run_old:1", "PENDING", "dead", version()),
                    ("run_older:1", "ENQUEUED", None, "a release of last year"),
                    *((f"run_{n}:1", "SUCCESS", "dead", version()) for n in range(5)),
                ],
            )
        monkeypatch.setattr("smart_spawn.runs.engine_dbos.FORGET_AT_ONCE", 2)
        assert isinstance(bench.engine, DbosEngine)
        await bench.engine._forget()
        assert [row[1] for row in _rows(tmp_path)] == [f"{run_id}:1"]
        hold.set()
        assert (await bench.engine.wait(run_id, 10)).status == "succeeded"


def _rows(home: Path) -> list[tuple[str, ...]]:
    query = (
        "SELECT status, workflow_uuid, serialization, application_version, executor_id FROM workflow_status"
    )
    with closing(sqlite3.connect(home / "queue.db")) as connection:
        return connection.execute(query).fetchall()


async def test_dbos_speaks_only_of_what_went_wrong(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its greetings reach neither our streams nor our log; its warnings come as one line of ours."""
    async with opened("dbos-sqlite", Settings(home=tmp_path)):
        said = "".join(capfd.readouterr())
        assert "DBOS" not in said
        assert "Conductor" not in said
        logging.getLogger("dbos").warning("the queue limps\nwith details")
        logging.getLogger("dbos").info("chatter")
    said = "".join(capfd.readouterr())
    assert "the queue limps" in said
    assert "details" not in said
    assert "chatter" not in said


async def test_a_damaged_queue_is_named_and_nothing_is_lost_with_it(tmp_path: Path) -> None:
    """The error says which file to delete; without it the runs that waited are queued anew."""

    async def script(ctx: Ctx) -> Ended:
        return Ended(outcome={"done": True})

    settings = Settings(home=tmp_path)
    async with opened("memory-on-disk", settings) as bench:
        bench.engine.at_once = 0  # it stays in the queue
        run_id = await bench.submit(script)
    (tmp_path / "queue.db").write_bytes(b"no database" * 500)
    with pytest.raises(StoreError, match="the queue of runs cannot be used") as refused:
        async with opened("dbos-sqlite", settings):
            pass
    assert f"delete `{tmp_path / 'queue.db'}`" in refused.value.hint
    (tmp_path / "queue.db").unlink()
    async with opened("dbos-sqlite", settings) as bench:
        bench.scripts["script-0"] = script
        assert (await bench.engine.wait(run_id, 10)).outcome == {"done": True}


def test_the_queue_stands_beside_our_file_or_in_the_same_server(tmp_path: Path) -> None:
    """SQLite gets a second file in the home; PostgreSQL a schema in the same database."""
    assert queue_url(make_url("sqlite+pysqlite:///x.db"), tmp_path).database == str(tmp_path / "queue.db")
    server = make_url("postgresql+psycopg://user@host/name")
    assert queue_url(server, tmp_path) == server


def test_only_workers_load_dbos() -> None:
    """The service, the command line and the engine without a queue do without its two seconds."""
    code = (
        "import sys, smart_spawn.engines, smart_spawn.worker, smart_spawn.runs.engine_memory;"
        "assert 'dbos' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)

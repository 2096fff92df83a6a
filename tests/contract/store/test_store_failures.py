"""What happens when the file, the folder, the disk or the process gives out."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, text, update

from smart_spawn.errors import (
    InvalidRequest,
    MigrationNeeded,
    SettingsError,
    StoreCorrupt,
    StoreError,
    StoreUnwritable,
)
from smart_spawn.settings import Settings
from smart_spawn.store import SpawnRow, Store, open_store

from .conftest import NOW, compiled_once
from .test_store_rows import decision

ROW_WRITERS = """
import os, sys
from datetime import UTC, datetime
from smart_spawn.settings import Settings
from smart_spawn.store import DecisionRow, open_store

def work(settings, name):
    with open_store(settings) as store:
        for n in range(500):
            store.decisions.save(DecisionRow(id=f"{name}-{n}", created_at=datetime.now(UTC), catalog_version="c",
                                             beliefs_version="b", model="a/x", body=b"{}"))
            if n % 50 == 0:
                store.known_ids.saw([f"{name}/{n}"], datetime.now(UTC))
        assert store.writer.flush(30)
        assert store.writer.state.dropped == 0

children = []
for n in range(4):
    children.append(os.fork())
    if not children[-1]:
        work(Settings(home=sys.argv[1], database_url=sys.argv[2]), f"p{n}")
        os._exit(0)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""

CATALOG_WRITER = """
import hashlib, itertools, sys
from datetime import UTC, datetime
from smart_spawn.settings import Settings
from smart_spawn.sources.base import Payload
from smart_spawn.store import open_store
home, url = sys.argv[1:]
store = open_store(Settings(home=home, database_url=url))
for n in itertools.count():
    now = datetime.now(UTC)
    body = hashlib.sha256(b"%d" % n).digest() * 20_000
    document = Payload(source="livebench", part="table", url="https://example.org", body=body, fetched_at=now)
    store.payloads.save(document)
    store.payloads.mark_good("livebench", [document])
    store.catalogs.save(document.sha256, body, built_at=now, manifest=[document])
    print(document.sha256, flush=True)
"""


def start(script: str, settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(settings.home), settings.database_url, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=compiled_once()
    )


def test_four_processes_that_write_at_once_lose_nothing(settings: Settings) -> None:
    """Every row of every process is there, whether it went through the writer or by itself."""
    processes = start(ROW_WRITERS, settings)
    _, errors = processes.communicate(timeout=60)
    assert processes.returncode == 0, errors
    with open_store(settings) as store:
        assert len(store.decisions.recent(10_000)) == 2_000
        assert len(store.known_ids.ever_held()) == 40


@pytest.mark.parametrize("after", [1, 6])
def test_a_killed_process_leaves_the_last_complete_catalogue(settings: Settings, after: int) -> None:
    """Whenever the process dies, the next start serves a whole catalogue with the documents it was built from."""
    process = start(CATALOG_WRITER, settings)
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(after)]
    time.sleep(0.003 * after)  # somewhere within the next write
    process.kill()
    rest, _ = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    with open_store(settings) as store:
        current = store.catalogs.current()
        assert current is not None
        version, body = current
        versions = {row.version for row in store.catalogs.versions()}
        assert versions >= {*told, *rest.split()}  # whatever was reported as done is there
        [document] = store.payloads.payloads_of(version)
        assert (document.sha256, document.body) == (version, body)
        [held] = store.payloads.held("livebench")
        assert held.sha256 == version or held.fetched_at > document.fetched_at
        assert store.database.problems() == ()


def test_everything_survives_a_restart(settings: Settings) -> None:
    """A store that was closed and opened again is as it was, the rows of its writer included."""
    with open_store(settings) as store:
        store.catalogs.save("v1", b"one", built_at=NOW)
        store.decisions.save(decision("d1"))
    with open_store(settings) as store:
        assert store.catalogs.current() == ("v1", b"one")
        assert store.decisions.get("d1") == decision("d1")


def test_the_lease_of_a_killed_process_passes_on(settings: Settings) -> None:
    """Another process waits no longer than the lease lasts."""
    script = """
import sys, time
from smart_spawn.settings import Settings
from smart_spawn.store import open_store
store = open_store(Settings(home=sys.argv[1], database_url=sys.argv[2]))
with store.leases.hold("refresh", ttl_s=0.9):
    print("held", flush=True)
    time.sleep(60)
"""
    process = start(script, settings)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with open_store(settings) as store:
        time.sleep(1.1)  # longer than the lease: it is being renewed
        assert store.leases.acquire("refresh") is None
        process.kill()
        process.communicate()
        time.sleep(1.0)
        assert store.leases.acquire("refresh") is not None


def test_a_newer_database_is_left_alone(settings: Settings) -> None:
    """An older release does not touch what it does not know, and says which release would."""
    with open_store(settings) as store:
        store.catalogs.save("v1", b"one", built_at=NOW)
        with store.database.write() as connection:
            connection.execute(text("UPDATE smart_spawn_schema SET version_num = '9999'"))
    with pytest.raises(MigrationNeeded, match="`9999`") as caught:
        open_store(settings)
    assert "newer Smart Spawn" in caught.value.hint


@pytest.mark.parametrize("content", [b"this is no database\n" * 100, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    """The message names the file and the way out, and the file is as it was."""
    path = tmp_path / "smart-spawn.db"
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt) as caught:
        open_store(Settings(home=tmp_path))
    assert str(path) in caught.value.message
    assert "move the file aside" in caught.value.hint
    assert path.read_bytes() == content


def test_damage_inside_the_file_is_found(tmp_path: Path) -> None:
    """Pages that were overwritten are an error of the store where they are read, and `problems` finds them."""
    with open_store(Settings(home=tmp_path)) as store:
        store.known_ids.saw((f"vendor/model-{n}" for n in range(20_000)), NOW)
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    path = tmp_path / "smart-spawn.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(b"\xa5" * (size // 2))
    with open_store(Settings(home=tmp_path)) as store:
        with pytest.raises(StoreCorrupt, match="damaged"):
            store.known_ids.ever_held()
        with contextlib.suppress(StoreCorrupt):  # damaged beyond reading: said as clearly
            assert store.database.problems()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A path below a regular file cannot become a folder, for nobody, root included."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnwritable) as caught:
        open_store(Settings(home=tmp_path / "file" / "home"))
    assert str(tmp_path / "file" / "home") in caught.value.message
    assert "SMART_SPAWN_HOME" in caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    """Whatever stands in the way, the message holds its path."""
    (tmp_path / "smart-spawn.db").mkdir()
    with pytest.raises(StoreUnwritable, match=r"smart-spawn\.db"):
        open_store(Settings(home=tmp_path))


def test_a_read_only_database_can_be_read_and_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    """What is there is served; a write is refused with the reason; nothing is lost."""
    path = tmp_path / "smart-spawn.db"
    with open_store(Settings(home=tmp_path)) as store:
        store.catalogs.save("v1", b"one", built_at=NOW)
    read_only = Settings(home=tmp_path, database_url=f"sqlite:///file:{path}?mode=ro&uri=true")
    with open_store(read_only) as store:
        assert store.catalogs.current() == ("v1", b"one")
        with pytest.raises(StoreUnwritable, match="it is read-only"):
            store.catalogs.save("v2", b"two", built_at=NOW)
        assert store.catalogs.current() == ("v1", b"one")


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    """The write fails with a clear error, what was there stays, and with space it goes on."""
    with open_store(Settings(home=tmp_path)) as store:
        store.catalogs.save("v1", b"one", built_at=NOW)
        quota = {"pages": 60}

        @event.listens_for(store.database.engine, "checkout")
        def limit(connection: object, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {quota['pages']}")  # type: ignore[attr-defined]  # sqlite3

        with pytest.raises(StoreUnwritable, match="the disk is full") as caught:
            store.catalogs.save("v2", os.urandom(1_000_000), built_at=NOW + timedelta(hours=1))
        assert "free some space" in caught.value.hint
        assert store.catalogs.current() == ("v1", b"one")

        for n in range(20):
            store.decisions.save(decision(f"d{n}", body=os.urandom(100_000)))
        assert not store.writer.flush(0.3)  # waits for space instead of dropping
        assert "the disk is full" in (store.writer.state.last_error or "")
        quota["pages"] = 1_000_000
        assert store.writer.flush(5)
        assert (store.writer.state.written, store.writer.state.dropped) == (20, 0)
        assert store.writer.state.last_error is None


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine can read what is kept."""
    home = tmp_path / "deep" / "home"
    open_store(Settings(home=home)).close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "smart-spawn.db").stat().st_mode) == 0o600


def test_a_store_in_memory_touches_no_disk(tmp_path: Path) -> None:
    """It serves when the file cannot be used, and leaves nothing behind."""
    with Store.in_memory() as store:
        store.catalogs.save("v1", b"one", built_at=NOW)
        assert store.catalogs.current() == ("v1", b"one")
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_makes_no_sense_is_a_mistake_in_the_settings() -> None:
    """The message names the key and the right forms, and no password."""
    for url in ("mysql://me:canary@host/db", "canary", "://canary"):
        with pytest.raises(SettingsError, match="`database_url` is wrong") as caught:
            open_store(Settings(database_url=url))
        assert "postgresql://" in caught.value.hint
        assert "canary" not in str(caught.value)


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    """An unreachable PostgreSQL is one clear error."""
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        open_store(Settings(database_url="postgresql://me:canary@127.0.0.1:1/db"))
    assert "canary" not in f"{caught.value} {caught.value.details}"
    assert "database_url" in caught.value.hint


def test_a_failed_step_undoes_the_whole_transaction(store: Store) -> None:
    """What was written before the failure is not there afterwards."""
    store.known_ids.saw(["a/x"], NOW)
    with pytest.raises(StoreError), store.database.write() as connection:
        connection.execute(text("UPDATE known_ids SET model_id = 'a/y'"))
        connection.execute(text("SELECT * FROM there_is_no_such_table"))
    assert store.known_ids.ever_held() == {"a/x"}


def test_a_character_that_a_database_refuses_holds_nobody_up(store: Store) -> None:
    """A NUL in a text is the sender's mistake: it is said at once, and what others log is written all the same."""
    odd, good = (SpawnRow(at=NOW, model=model, category="coding") for model in ("a/\0", "a/good"))
    store.spawns.put(odd)
    store.spawns.put(good)
    models = {row.name for row in store.spawns.sums(NOW)["model"]}
    assert "a/good" in models
    try:
        assert store.decisions.get("dec_\0") is None
    except InvalidRequest as error:
        assert "NUL" in error.message


def test_a_truncated_body_is_an_error_and_not_an_answer(store: Store) -> None:
    """A catalogue that is not whole is never handed out."""
    from smart_spawn.store import tables

    store.catalogs.save("v1", b"one " * 1000, built_at=NOW)
    with store.database.write() as connection:
        connection.execute(update(tables.catalogs).values(body=b"one", codec="raw"))
    with pytest.raises(StoreCorrupt, match="catalogue `v1` is damaged"):
        store.catalogs.current()


def test_the_address_of_postgresql_may_be_written_as_its_tools_write_it(postgresql_database: str) -> None:
    """`postgres://`, which some hosts hand out, is the same as `postgresql://`."""
    url = make_url(postgresql_database).set(drivername="postgres").render_as_string(hide_password=False)
    with open_store(Settings(database_url=url)) as store:
        assert store.catalogs.current() is None

"""Setting up: from nothing but an interpreter to a checked uv."""

import hashlib
import http.server
import importlib.util
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load the script, with a project folder of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPTS / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "TOOLS": tmp_path / ".tools"}.items():
        monkeypatch.setattr(module, name, path)
    (tmp_path / "scripts").mkdir()
    for name in ("uv.lock", "pyproject.toml", "scripts/bootstrap.py"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return module


def fake_wheel(version: str) -> bytes:
    """Return a wheel whose uv says a version and nothing else."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"uv-{version}.data/scripts/uv", f"#!/bin/sh\necho 'uv {version} (fake)'\n")
    return packed.getvalue()


@pytest.fixture
def index(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Serve a package index on loopback from a mutable mapping of path → body."""
    pages: dict[str, bytes] = {"/files/uv.whl": fake_wheel(bootstrap.UV_VERSION)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
    digest = hashlib.sha256(pages["/files/uv.whl"]).hexdigest()
    monkeypatch.setattr(bootstrap, "UV_WHEELS", {bootstrap.platform_tag(): digest})
    pages["/simple/uv/"] = f'<a href="../../files/uv.whl#sha256={digest}">uv</a>'.encode()
    yield pages
    server.shutdown()
    server.server_close()


@pytest.fixture
def without_pip(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take uv, pip and ensurepip away, as on a bare Debian."""
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)


@pytest.mark.usefixtures("without_pip")
@pytest.mark.parametrize("form", ["html", "json"])
def test_uv_is_unpacked_from_its_wheel_where_there_is_no_pip(
    bootstrap: ModuleType, index: dict[str, bytes], form: str
) -> None:
    """A bare interpreter is enough, whichever form of page the index answers."""
    if form == "json":
        digest = next(iter(bootstrap.UV_WHEELS.values()))
        file = {"url": "../../files/uv.whl", "hashes": {"sha256": digest}}
        index["/simple/uv/"] = json.dumps({"files": [file]}).encode()
    uv = bootstrap.find_uv(dict(os.environ))
    assert bootstrap.uv_version(uv) == tuple(map(int, bootstrap.UV_VERSION.split(".")))
    index.clear()
    assert bootstrap.find_uv(dict(os.environ)) == uv  # kept, not fetched again


@pytest.mark.usefixtures("without_pip")
def test_a_wheel_with_another_hash_is_refused(bootstrap: ModuleType, index: dict[str, bytes]) -> None:
    """A changed uv is never unpacked, and nothing of it stays behind."""
    index["/files/uv.whl"] += b"changed"
    with pytest.raises(bootstrap.SetupError, match="expected SHA-256"):
        bootstrap.find_uv(dict(os.environ))
    assert list(bootstrap.TOOLS.iterdir()) == []


@pytest.mark.usefixtures("without_pip")
def test_an_index_that_cannot_help_is_named_without_its_password(
    bootstrap: ModuleType, index: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where uv was looked for and what to do, and shows no secret."""
    index["/simple/uv/"] = b"<p>nothing here</p>"
    with pytest.raises(bootstrap.SetupError, match="does not list uv") as missing:
        bootstrap.find_uv(dict(os.environ))
    assert "hint: " in str(missing.value)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:hunter2@index.example/simple")
    with pytest.raises(bootstrap.SetupError, match=r"http://index\.example/simple") as plain:
        bootstrap.find_uv(dict(os.environ))
    assert "hunter2" not in str(plain.value)


def test_an_old_uv_is_not_used(bootstrap: ModuleType, tmp_path: Path) -> None:
    """A uv that cannot read the lock file counts as missing, as does one that does not start."""
    old = tmp_path / "uv"
    old.write_text("#!/bin/sh\necho 'uv 0.4.30'\n", encoding="utf-8")
    old.chmod(0o755)
    assert bootstrap.uv_version(str(old)) < bootstrap.OLDEST_UV
    assert bootstrap.uv_version(str(tmp_path / "gone")) < bootstrap.OLDEST_UV


def test_a_second_run_installs_nothing(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was installed for development serves the service too, until the lock file or the folder changes."""
    installed: list[list[str]] = []

    def install(command: list[str], environment: dict[str, str], what: str) -> None:
        installed.append(command)
        (bootstrap.VENV / "bin").mkdir(parents=True, exist_ok=True)
        for name in ("python", "smart-spawn"):
            (bootstrap.VENV / "bin" / name).touch()

    monkeypatch.setattr(bootstrap, "run", install)
    monkeypatch.setattr(bootstrap, "find_uv", lambda environment: "uv")
    for arguments in (["dev"], ["runtime"], ["dev"]):
        assert bootstrap.main(arguments) == 0
    assert len(installed) == 1
    (bootstrap.ROOT / "uv.lock").write_text("changed", encoding="utf-8")
    assert bootstrap.main(["runtime"]) == 0
    assert installed[1] == ["uv", "sync", "--frozen", "--inexact", "--no-dev"]
    assert bootstrap.main(["dev"]) == 0
    assert len(installed) == 3


def test_an_environment_that_came_with_a_moved_folder_is_made_anew(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands of a copied or moved checkout never start the code of the place it came from."""
    monkeypatch.setattr(
        bootstrap, "run", lambda command, environment, what: bootstrap.VENV.mkdir(exist_ok=True)
    )
    monkeypatch.setattr(bootstrap, "find_uv", lambda environment: "uv")
    activate = bootstrap.VENV / "bin" / "activate"
    for folder, kept in ((bootstrap.VENV, True), ("/elsewhere/.venv", False)):
        activate.parent.mkdir(parents=True, exist_ok=True)
        activate.write_text(f"VIRTUAL_ENV='{folder}'\n", encoding="utf-8")
        bootstrap.sync("runtime")
        assert activate.exists() is kept


@pytest.mark.parametrize("home", [None, "", "/nowhere"])
def test_a_home_that_cannot_be_used_is_replaced(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    """A cache for uv is made inside the project where the home folder is unset, empty or gone."""
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    environment = bootstrap.uv_environment()
    assert Path(environment["HOME"]).is_dir()
    assert environment["UV_CACHE_DIR"].startswith(str(bootstrap.TOOLS))
    assert environment["UV_PYTHON_DOWNLOADS"] == "never"


@pytest.mark.parametrize("present", [True, False])
def test_an_old_python_is_answered_with_one_clear_message(tmp_path: Path, present: bool) -> None:
    """Who has Python 3.9, or none, reads what is needed and how to get it, and no trace-back."""
    for tool in ("dirname", "sh"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    if present:
        old = tmp_path / "python3"
        old.write_text(
            '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n', encoding="utf-8"
        )
        old.chmod(0o755)
    answer = subprocess.run(
        [SCRIPTS / "bootstrap.sh", "runtime"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed" in answer.stderr
    assert ("Python 3.9.2" if present else "no `python3` on PATH") in answer.stderr
    assert "hint: " in answer.stderr


def test_wrong_use_is_told() -> None:
    """An unknown word gives the usage and exit code 2."""
    answer = subprocess.run(
        [sys.executable, SCRIPTS / "bootstrap.py", "everything"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith("usage: ")

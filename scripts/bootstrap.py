"""Prepare `.venv` with the locked dependencies: `python3 scripts/bootstrap.py runtime|dev`.

`bootstrap.py uv ...` runs uv itself with the same settings: `uv add httpx`, `uv export`.

Needs Python 3.11 or newer and its standard library alone: neither pip, venv, git nor a home folder has to
exist. Ends at once when nothing changed since the last time. uv does the work; it is taken from PATH, else
installed through pip, else its wheel is unpacked, both into `.tools/` and checked against the hashes below.
"""

from __future__ import annotations

import fcntl
import hashlib
import html.parser
import http.client
import importlib.util
import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
OLDEST_PYTHON = (3, 11)
OLDEST_UV = (0, 8)
"""The first uv that reads our lock file without a warning."""
UV_VERSION = "0.13.9"
UV_WHEELS = {
    "manylinux_2_17_x86_64": "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    "musllinux_1_1_x86_64": "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
    "manylinux_2_28_aarch64": "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    "musllinux_1_1_aarch64": "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    "macosx_11_0_arm64": "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    "macosx_10_12_x86_64": "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
}
"""Platform tag → SHA-256 of the wheel of `UV_VERSION`, as the package index published them on 2026-11-22."""
CERTIFICATES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # Fedora, RHEL
    Path("/etc/ssl/cert.pem"),  # Alpine, macOS
)
"""Where systems keep the certificates that they trust; a bare Debian has none."""
DOWNLOAD_TIMEOUT_S = 60.0
INSTALL_TIMEOUT_S = 1800.0


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what helps."""


def main(arguments: list[str]) -> int:
    """Bring `.venv` to the locked state and return the exit code."""
    if arguments not in (["runtime"], ["dev"]) and (len(arguments) < 2 or arguments[0] != "uv"):
        print("usage: python3 scripts/bootstrap.py runtime | dev | uv ...", file=sys.stderr)
        return 2
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make run` and `make test` may start together
        try:
            if arguments[0] == "uv":
                environment = uv_environment()
                run([find_uv(environment), *arguments[1:]], environment, f"`uv {arguments[1]}` failed")
            elif not is_ready(arguments[0]):
                sync(arguments[0])
        except SetupError as failure:
            print(failure, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("stopped; run it again to go on", file=sys.stderr)
            return 130
    return 0


def is_ready(group: str) -> bool:
    """Tell whether `.venv` holds what the lock file says and still works here."""
    stamp = stamp_path(group)
    works = (VENV / "bin" / "python").exists() and (VENV / "bin" / "smart-spawn").exists()
    return works and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint()


def stamp_path(group: str) -> Path:
    """Return the file that remembers what was last installed."""
    return VENV / f".installed-{group}"


def fingerprint() -> str:
    """Hash all that decides what is installed: the lock, the project, the folder and the interpreter."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}\n{sys.base_prefix}\n".encode())
    for name in ("uv.lock", "pyproject.toml", "scripts/bootstrap.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def sync(group: str) -> None:
    """Install the locked dependencies, and ours in place. Raises SetupError."""
    wanted = fingerprint()
    environment = uv_environment()
    command = [find_uv(environment), "sync", "--frozen", "--inexact"]
    if group == "runtime":
        command.append("--no-dev")
    print(f"installing the locked dependencies ({group}) into .venv", file=sys.stderr)
    # the runtime set is part of the dev set, so one stamp alone may be stale and never wrong
    for known in ("runtime", "dev"):
        stamp_path(known).unlink(missing_ok=True)
    if was_moved():
        shutil.rmtree(VENV)
    run(command, environment, "the dependencies could not be installed")
    ours = ROOT / "src" / "smart_spawn"
    if ours.is_dir():  # installed in place, which uv does not compile
        compiling = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", str(ours)]
        run(compiling, environment, "the code does not compile")
    stamp_path(group).write_text(wanted, encoding="utf-8")
    if group == "dev":
        stamp_path("runtime").write_text(wanted, encoding="utf-8")


def was_moved() -> bool:
    """Tell whether `.venv` was made in another folder: its commands would then start what lies there."""
    activate = VENV / "bin" / "activate"
    return activate.is_file() and str(VENV) not in activate.read_text(encoding="utf-8")


def uv_environment() -> dict[str, str]:
    """Return the environment for uv: this interpreter, no downloaded one, a writable cache."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PYTHON"] = getattr(sys, "_base_executable", None) or sys.executable
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    # Start-up is mostly imports, and some machines are set not to keep bytecode.
    environment["UV_COMPILE_BYTECODE"] = "1"
    if bundle := certificates():  # uv brings roots of its own, which know nothing of a company's
        environment.setdefault("SSL_CERT_FILE", bundle)
    home = os.environ.get("HOME", "")
    if not (home and Path(home).is_dir() and os.access(home, os.W_OK)):
        (TOOLS / "home").mkdir(parents=True, exist_ok=True)
        environment["HOME"] = str(TOOLS / "home")
        environment.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    return environment


def find_uv(environment: dict[str, str]) -> str:
    """Return a uv that can read our lock file, installing one below `.tools/` when there is none."""
    own = TOOLS / f"uv-{UV_VERSION}" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate
    shutil.rmtree(own.parent.parent, ignore_errors=True)
    TOOLS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
        # built aside and moved, so that an interrupted installation is never mistaken for a whole one
        target = Path(scratch) / "uv"
        by_pip = uv_by_pip(target, environment)
        if by_pip:
            shutil.rmtree(target, ignore_errors=True)
            uv_by_download(target, by_pip)
        target.rename(own.parent.parent)
    if uv_version(str(own)) < OLDEST_UV:
        raise SetupError(f"the installed `{own}` does not start here\nhint: install uv yourself")
    return str(own)


def uv_version(uv: str) -> tuple[int, ...]:
    """Return the version of this uv; (0,) when it does not start."""
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.match(r"uv (\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(map(int, found.groups())) if found and answer.returncode == 0 else (0,)


def uv_by_pip(target: Path, environment: dict[str, str]) -> str:
    """Install uv with whatever pip there is, hash-checked. Returns why not, or "" when it worked."""
    python = sys.executable
    if importlib.util.find_spec("pip") is None:
        if importlib.util.find_spec("ensurepip") is None:
            return "neither pip nor ensurepip is installed"
        made = subprocess.run(
            [python, "-m", "venv", str(target.parent / "pip")], capture_output=True, text=True, check=False
        )
        if made.returncode:
            return f"`python3 -m venv` failed: {last_line(made.stdout + made.stderr)}"
        python = str(target.parent / "pip" / "bin" / "python")
    requirements = target.parent / "requirements.txt"
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in UV_WHEELS.values())
    requirements.write_text(f"uv=={UV_VERSION} {hashes}\n", encoding="utf-8")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--target", str(target), "-r", str(requirements)]
    print(f"installing uv {UV_VERSION} through pip", file=sys.stderr)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return f"pip could not install it: {last_line(done.stdout + done.stderr)}" if done.returncode else ""


def uv_by_download(target: Path, why_not_pip: str) -> None:
    """Unpack uv from its wheel, hash-checked. Raises SetupError."""
    tag = platform_tag()
    if tag is None:
        raise SetupError(
            f"uv is missing: {why_not_pip}, and no wheel of it is known for {platform.platform()}\n"
            "hint: install uv yourself"
        )
    print(f"downloading uv {UV_VERSION} ({why_not_pip})", file=sys.stderr)
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    try:
        wheel = download(wheel_address(index, UV_WHEELS[tag]))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SetupError(
            f"uv could not be downloaded from {without_password(index)}: {error}\n"
            "hint: check the network or HTTPS_PROXY, or name an index in UV_DEFAULT_INDEX, or install uv"
        ) from None
    if hashlib.sha256(wheel).hexdigest() != UV_WHEELS[tag]:
        raise SetupError(
            f"the downloaded uv {UV_VERSION} does not have the expected SHA-256\nhint: do not use this index"
        )
    scratch = target.parent / "uv.whl"
    scratch.write_bytes(wheel)
    with zipfile.ZipFile(scratch) as archive:
        binary = archive.read(f"uv-{UV_VERSION}.data/scripts/uv")
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "uv").write_bytes(binary)
    (target / "bin" / "uv").chmod(0o755)


def platform_tag() -> str | None:
    """Name the wheel that runs on this machine; None when there is none."""
    machine = {"amd64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        wanted = [tag for tag in UV_WHEELS if tag.startswith("macosx") and tag.endswith(machine)]
    else:
        libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
        machine = "aarch64" if machine == "arm64" else machine
        wanted = [tag for tag in UV_WHEELS if tag.startswith(libc) and tag.endswith(machine)]
    return wanted[0] if wanted else None


class Links(html.parser.HTMLParser):
    """Collect the addresses that a simple index page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the target of each link."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def wheel_address(index: str, digest: str) -> str:
    """Find the file of this hash on a simple index page, HTML or JSON. Raises ValueError."""
    page = f"{index.rstrip('/')}/uv/"
    text = download(page).decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        files = json.loads(text)["files"]
        links = [f"{file['url']}#sha256={file['hashes'].get('sha256')}" for file in files]
    else:
        parser = Links()
        parser.feed(text)
        links = parser.found
    for link in links:
        address, _, fragment = link.partition("#")
        if fragment == f"sha256={digest}" and not address.endswith(".metadata"):
            return urllib.parse.urljoin(page, address)
    raise ValueError(f"the index does not list uv {UV_VERSION}")


def download(address: str) -> bytes:
    """Return the body of one address. Proxies of the environment are used. Raises OSError, ValueError."""
    if not address.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ValueError(f"{without_password(address)} is not an https address")
    with urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT_S, context=tls()) as answer:
        body: bytes = answer.read()
    return body


def tls() -> ssl.SSLContext:
    """Return how to check the server, or not to where the system trusts nobody yet.

    A bare Debian has no root certificates. What is downloaded is checked against a hash of this file either
    way, so that a false server can refuse to serve uv and cannot replace it.
    """
    bundle = certificates()
    if bundle:
        return ssl.create_default_context(cafile=bundle)
    print("no root certificates on this machine: uv is checked by its hash alone", file=sys.stderr)
    return ssl._create_unverified_context()  # noqa: S323 - see above


def certificates() -> str | None:
    """Return the file of certificates that this machine trusts; None when it has none."""
    named = os.environ.get("SSL_CERT_FILE")
    default = ssl.get_default_verify_paths().cafile
    known = [Path(path) for path in (named, default) if path]
    return next(
        (str(path) for path in (*known, *CERTIFICATES) if path.is_file() and path.stat().st_size), None
    )


def without_password(address: str) -> str:
    """Return the address without the user and password that an index address may carry."""
    return re.sub(r"//[^@/]*@", "//", address)


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")


def run(command: list[str], environment: dict[str, str], what: str) -> None:
    """Run one command with its output on stderr. Raises SetupError."""
    try:
        code = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{what}: {error}\nhint: check the network and run this again") from None
    if code:
        raise SetupError(
            f"{what}: uv ended with code {code}\n"
            "hint: its message is above; HTTPS_PROXY names a proxy, SSL_CERT_FILE its certificates, "
            "UV_DEFAULT_INDEX another package index"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

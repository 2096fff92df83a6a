"""Commands of `smart-spawn` that documents and container files name can be called."""

import re
import subprocess
import sys

import pytest

from tests.docs.test_links import DOCUMENTS, ROOT

GROUPS = ("catalog", "runs", "keys", "benchmarks")
"""Commands that have commands of their own."""
COMMAND = re.compile(
    rf"(?:^|[`/ ])smart-spawn ((?:(?:{'|'.join(GROUPS)}) )?[a-z][a-z-]*)\b", flags=re.MULTILINE
)
RECORDS = ROOT / "docs" / "adr"


def named_commands() -> list[str]:
    """Return the commands that stand as code in the documents, and those of the container and the Makefile."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS if RECORDS not in path.parents]
    code = [
        part for text in texts for part in re.findall(r"^```sh\n.*?^```|`[^`\n]+`", text, flags=re.M | re.S)
    ]
    code.append((ROOT / "Makefile").read_text(encoding="utf-8"))
    code += [
        " ".join(words)
        for words in re.findall(r'\["(smart-spawn)", "(\w+)"\]', (ROOT / "Dockerfile").read_text())
    ]
    return sorted({name for part in code for name in COMMAND.findall(part)})


def test_the_commands_are_found() -> None:
    """The check itself sees fences, prose and the container's health check."""
    assert {"serve", "health", "route", "explain", "catalog unmatched"} <= set(named_commands())


@pytest.mark.parametrize("command", named_commands())
def test_a_command_that_is_named_can_be_called(command: str) -> None:
    """Whoever types what a document says gets that command, and its help."""
    answer = subprocess.run(
        [sys.executable, "-m", "smart_spawn", *command.split(), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr

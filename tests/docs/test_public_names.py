"""What the package offers is what the documents list."""

import re
from collections.abc import Iterable

import smart_spawn
from tests.docs.test_links import DOCUMENTS


def unmentioned(names: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Return the names that stand in no document as code."""
    words = {
        word
        for text in texts
        for code in re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)
        for word in re.findall(r"\w+", code)
    }
    return set(names) - words


def test_every_public_name_is_in_the_documents() -> None:
    """Whatever `smart_spawn` exports, a reader can look up."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    assert unmentioned(getattr(smart_spawn, "__all__", ()), texts) == set()


def test_a_name_in_plain_prose_is_not_enough() -> None:
    """The check itself works: only names set as code count."""
    assert unmentioned(["route", "spawn", "rate"], ["`route(task)` and spawn", "```\nss.rate()\n```"]) == {
        "spawn"
    }

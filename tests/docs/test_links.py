"""Documents that lead nowhere are repaired before they are read."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^()\s]+(?:\([^()]*\))?)\)|!\[[^\]]*\]\(([^()\s]+)\)")
NOT_OURS = {
    ".venv",
    ".tools",
    ".git",
    ".e2e",
    "node_modules",
    ".hypothesis",
    ".pytest_cache",
    "build",
    "dist",
}
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts) and path.is_file()
)


def prose(text: str) -> str:
    """Return a document without its code blocks, in which brackets mean other things."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the names that headings can be linked by, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(path.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(path: Path) -> list[str]:
    """Return the relative links of one document that lead nowhere."""
    wrong = []
    for pair in LINK.findall(prose(path.read_text(encoding="utf-8"))):
        link = pair[0] or pair[1]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    """A link names a file or folder that exists, and a heading that is in it."""
    assert broken(path) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    """The check itself works: missing files and headings are told, code blocks and addresses are left alone."""
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`\n[a](gone.md) [b](#one-two) [c](#three) [d](https://example.org/x)\n```\n[e](code.md)\n```\n",
        encoding="utf-8",
    )
    assert broken(page) == ["gone.md", "#three"]

"""Take a task apart by its structure: numbers, bullets, words of order, conjunctions between instructions.

Nobody is asked and nothing is guessed: what the writer did not set apart stays together. The words are data
(`splitting.toml`). Everything is linear in the length of the task.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from smart_spawn.spawn.plan import Plan, Step

MAX_PARTS = 50
"""More parts than this are hardly steps of one task."""
MIN_WORDS = 2
MIN_CHARS_UNSPACED = 4
CONDITION_CHARS = 400
"""How far back an `if` is looked for that a `then` may belong to."""

How = Literal["numbers", "bullets", "sequence", "conjunctions"]

_FENCE = re.compile(r"^[ \t]*(```|~~~)")
_NUMBERED = re.compile(
    r"^([ \t]*)(?:step[ \t]*|schritt[ \t]*|paso[ \t]*|étape[ \t]*)?\(?(\d{1,3})[.):、][ \t]*(?=\S)", re.I
)
_BULLET = re.compile(r"^([ \t]*)[-*•–‣][ \t]+(?=\S)")
_INLINE_NUMBER = re.compile(r"(?:^|(?<=\s))\(?(\d{1,2})[.)][ \t]+(?=\S)")
_CJK = re.compile(r"[぀-ヿ㐀-鿿]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The parts of a task, in the order in which they were written."""

    parts: tuple[str, ...]
    how: How
    ordered: bool
    """Whether the writer said that each comes after the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A task that stays in one piece, and why."""

    reason: str


def split(task: str) -> Split | Whole:
    """Take a task apart where its writer set parts apart."""
    lines = task.splitlines()
    for found in (_listed(lines, _NUMBERED, "numbers"), _listed(lines, _BULLET, "bullets")):
        if found:
            return _bounded(found, task)
    for parts, how in ((_inline_numbers(task), "numbers"), (_sequence(task), "sequence")):
        if len(parts) > 1:
            return _bounded(Split(parts=tuple(parts), how=how, ordered=True), task)  # type: ignore[arg-type]  # both are a How
    parts = _instructions(task)
    if len(parts) > 1:
        return _bounded(Split(parts=tuple(parts), how="conjunctions", ordered=False), task)
    return Whole(reason="the task has no list, no words of order and no second instruction: it is one step")


def sequential(parts: Sequence[str], prefix: str = "step") -> Plan:
    """Return a plan in which each part waits for the one before. Raises InvalidRequest."""
    return Plan.of(
        [
            Step(
                id=f"{prefix}-{number}",
                task=part,
                depends_on=(f"{prefix}-{number - 1}",) if number > 1 else (),
            )
            for number, part in enumerate(parts, start=1)
        ]
    )


def dependent(found: Split, prefix: str = "swarm") -> Plan:
    """Return a plan in which parts wait only for what they use. Raises InvalidRequest.

    Ordered parts wait for the one before. Others wait for the one before when they refer back, and the last
    waits for all that nobody waits for yet when it gathers them.
    """
    if found.ordered:
        return sequential(found.parts, prefix)
    ids = [f"{prefix}-{number}" for number in range(1, len(found.parts) + 1)]
    steps: list[Step] = []
    for at, part in enumerate(found.parts):
        before: tuple[str, ...] = ()
        if at and at == len(ids) - 1 and _says(part, "gathering"):
            awaited = {one for step in steps for one in step.depends_on}
            before = tuple(one for one in ids[:at] if one not in awaited)
        elif at and _says(part, "back_references"):
            before = (ids[at - 1],)
        steps.append(Step(id=ids[at], task=part, depends_on=before))
    return Plan.of(steps)


# -- lists ----------------------------------------------------------------------------------------------------------


def _listed(lines: Sequence[str], marker: re.Pattern[str], how: How) -> Split | None:
    """Read the outermost list; deeper lines belong to their item. Text in code fences is no list."""
    items: list[list[str]] = []
    depth: int | None = None
    fenced = False
    for line in lines:
        match = None if fenced else marker.match(line)
        if _FENCE.match(line):
            fenced = not fenced
        indent = len(match[1].expandtabs(4)) if match else 0
        if match and (depth is None or indent <= depth):
            depth = indent if depth is None else min(depth, indent)
            items.append([line[match.end() :].strip()])
        elif items and (line.strip() or fenced) and (line[:1] in " \t" or fenced or _goes_on(line)):
            items[-1].append(line.rstrip())
        elif items and line.strip():
            break  # text after the list belongs to the whole
    parts = tuple("\n".join(item).strip() for item in items)
    return Split(parts=parts, how=how, ordered=how == "numbers") if len(parts) > 1 else None


def _goes_on(line: str) -> bool:
    """Tell whether an unindented line after an item is more of that item: a code fence or a deeper bullet."""
    return bool(_FENCE.match(line) or _BULLET.match(line))


def _inline_numbers(task: str) -> list[str]:
    """Split `1) this 2) that`, where the numbers count up from one."""
    marks, wanted = [], 1
    for match in _INLINE_NUMBER.finditer(_without_code(task)):
        if int(match[1]) == wanted:
            marks.append(match)
            wanted += 1
    if len(marks) < 2:
        return []
    ends = [*(m.start() for m in marks[1:]), len(task)]
    return _whole_parts([task[m.end() : end] for m, end in zip(marks, ends, strict=True)])


# -- sentences ------------------------------------------------------------------------------------------------------


@cache
def _words() -> Mapping[str, tuple[str, ...]]:
    text = files(__package__).joinpath("splitting.toml").read_text(encoding="utf-8")
    return {name: tuple(words) for name, words in tomllib.loads(text).items()}


def _either(name: str) -> str:
    return "|".join(re.escape(word) for word in sorted(_words()[name], key=len, reverse=True))


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    spaced, unspaced = _either("sequence"), _either("sequence_unspaced")
    joined, opening = _either("conjunctions"), _either("imperatives")
    # `++` gives nothing back: long runs of blanks are walked once.
    found = {
        # After a stop or a conjunction; `next` and the like inside a sentence say something else.
        "sequence": rf"(?:[,;.!]\s++(?:(?:{joined})\s++)?|\s(?:{joined})\s++)(?:{spaced})\b[,:]?\s++"
        rf"|[，；。、,]?(?:{unspaced})[，、]?",
        "instruction": rf"(?:[,;]\s++(?:(?:{joined})\s++)?|[.!]\s++|\s(?:{joined})\s++)(?=(?:{opening})\b)",
        "opening": rf"(?:please\s++|bitte\s++|por favor,?\s++)?(?:{opening})\b",
        "condition": rf"\b(?:{_either('conditions')})\b[^.;!]*$",
        **{name: rf"\b(?:{_either(name)})\b" for name in ("back_references", "gathering", "independent")},
    }
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in found.items()}


def _says(text: str, name: str) -> bool:
    return bool(_patterns()[name].search(text))


def _sequence(task: str) -> list[str]:
    """Split before words of order, unless they follow a condition (`if … then …`)."""
    cuts, start = [], 0
    for match in _patterns()["sequence"].finditer(_without_code(task)):
        if not _patterns()["condition"].search(
            task[max(start, match.start() - CONDITION_CHARS) : match.start()]
        ):
            cuts.append(match.span())
            start = match.end()
    return _whole_parts(_between(task, cuts))


def _instructions(task: str) -> list[str]:
    """Split between instructions of a task that opens with one."""
    if not _patterns()["opening"].match(task.lstrip()):
        return []
    cuts = [match.span() for match in _patterns()["instruction"].finditer(_without_code(task))]
    return _whole_parts(_between(task, cuts))


def _without_code(task: str) -> str:
    """Return the text with fenced code blanked out, every character at its place."""
    if "```" not in task and "~~~" not in task:
        return task
    fenced, lines = False, []
    for line in task.splitlines(keepends=True):
        mark = bool(_FENCE.match(line))
        lines.append("#" * len(line) if fenced or mark else line)
        fenced ^= mark
    return "".join(lines)


def _between(task: str, cuts: Sequence[tuple[int, int]]) -> list[str]:
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(task)]
    return [task[start:end] for start, end in zip(starts, ends, strict=True)]


def _whole_parts(parts: Sequence[str]) -> list[str]:
    """Return the parts cleaned; none at all when one is too short to be an instruction of its own."""
    cleaned = [part.strip(" \t\r\n,;，；。").removesuffix(".") for part in parts]
    return cleaned if all(map(_is_whole, cleaned)) else []


def _is_whole(part: str) -> bool:
    return len(part.split()) >= MIN_WORDS or (len(part) >= MIN_CHARS_UNSPACED and bool(_CJK.search(part)))


def _bounded(found: Split, task: str) -> Split | Whole:
    if len(found.parts) > MAX_PARTS:
        return Whole(
            reason=f"the task lists {len(found.parts):,} parts, more than {MAX_PARTS}: name `steps` to have them all"
        )
    if found.ordered and _says(task, "independent"):
        return Split(parts=found.parts, how=found.how, ordered=False)
    return found

"""The prompts to learn from and to measure on: our own, and labelled public ones kept outside the repository."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.wordings import read_parts
from smart_spawn.model import Category

ROOT = Path(__file__).resolve().parents[2]
OWN_PROMPTS = ROOT / "scripts" / "prompts"
SHARED_PROMPTS = Path(
    os.environ.get("SMART_SPAWN_CLASSIFY_DATA", ROOT.parent / "shared" / "data" / "classify")
)
"""Where the public prompts are looked for unless told otherwise."""

LEARNABLE = frozenset(
    [
        *("belle_zh", "codealpaca", "t0", "mixeval", "gsm8k", "clinc150", "deepres", "mbpp", "humaneval"),
        *("llava_qa", "mt_bench", "zeroeval_crux", "zeroeval_gsm", "zeroeval_math-l5"),
    ]
)
"""Sources with an open licence. Others (autoj, flask) are measured on, never learned from."""
FAMILIES = {
    "zeroeval_gsm": "gsm8k",
    "zeroeval_crux": "zeroeval",
    "zeroeval_math-l5": "zeroeval",
    "autoj_train": "autoj",
    "autoj_pair": "autoj",
}
"""Sources with the same origin: they are left out together."""
TOPICS = ("topic", "restopic", "concept2", "poemtopic", "posttopic", "storytopic")
MIXED_TOPICS = 0.5
"""How often a topic is drawn from all of them, so that a subject does not pass for a category."""
OWN = "own"
SLOTS = "slots.txt"
COURTESY = "courtesy.txt"
"""Among our own prompts: what fills the braces, and what people say before and after a task."""
DRESSED_SHARE = 0.5
"""The part of our own prompts that is learned from a second time with something said around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A labelled task."""

    text: str
    label: Category
    also: frozenset[Category]
    """Other categories that count as right."""
    source: str
    language: str
    group: str
    """Prompts of one template share a group and one vote."""

    @property
    def family(self) -> str:
        """What is left out as a whole."""
        return FAMILIES.get(self.source, self.source)

    @property
    def right(self) -> frozenset[Category]:
        """Every answer that counts as right."""
        return self.also | {self.label}


def shared_prompts(folder: Path = SHARED_PROMPTS) -> list[Prompt]:
    """Read the public prompts; an empty list when they are not on this machine."""
    path = folder / "prompts.jsonl.gz"
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Prompt(
            text=row["text"],
            label=Category(row["label"]),
            also=frozenset(map(Category, row.get("alt", ()))),
            source=row["source"],
            language=row["lang"],
            group=f"{row['source']}-{number}",
        )
        for number, row in enumerate(rows)
    ]


def own_prompts(folder: Path = OWN_PROMPTS, *, each: int = 4, seed: int = 1) -> list[Prompt]:
    """Draw up to `each` different prompts from every template of ours. The same seed draws the same."""
    draw = random.Random(seed)  # sampling, not security
    slots = _slots(folder / SLOTS)
    prompts: list[Prompt] = []
    for path in sorted(folder.glob("*.txt")):
        if path.name in (SLOTS, COURTESY):
            continue
        label, also, language = Category.GENERAL, frozenset[Category](), "en"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            if line.startswith("== "):
                label, also, language = _heading(line)
            elif line:
                texts = sorted({_filled(line, slots, draw) for _ in range(each)})
                prompts += [
                    Prompt(
                        text=text,
                        label=label,
                        also=also,
                        source=OWN,
                        language=language,
                        group=f"{path.stem}-{number}",
                    )
                    for text in texts
                ]
    return prompts


def with_courtesy(prompts: Sequence[Prompt], folder: Path = OWN_PROMPTS, *, seed: int = 1) -> list[Prompt]:
    """Return the prompts, then some of them again with something said before or after them.

    What is said tells nothing about the task, and so it should weigh nothing. Copies share their prompt's group.
    """
    draw = random.Random(seed)  # sampling, not security
    said = read_parts(folder / COURTESY)
    copies = [
        replace(prompt, text=_dressed(prompt.text, said, draw))
        for prompt in prompts
        if draw.random() < DRESSED_SHARE
    ]
    return [*prompts, *copies]


def to_learn(own: Sequence[Prompt], shared: Sequence[Prompt]) -> list[Prompt]:
    """Return what is learned from: our own prompts with their copies, then the public ones with an open licence."""
    return [*with_courtesy(own), *(prompt for prompt in shared if prompt.source in LEARNABLE)]


def _dressed(text: str, said: Mapping[str, Sequence[str]], draw: random.Random) -> str:
    places = draw.choice((("before",), ("before", "after"), ("after",)))
    before = draw.choice(said["before"]) + " " if "before" in places else ""
    after = " " + draw.choice(said["after"]) if "after" in places else ""
    return before + text + after


def _heading(line: str) -> tuple[Category, frozenset[Category], str]:
    """Read `== kind | category | other categories`; a kind that ends in a language code is in that language."""
    kind, label, *others = (part.strip() for part in line[3:].split("|"))
    also = frozenset(Category(name.strip()) for name in (others[0].split(",") if others else ()))
    tail = kind.rpartition("-")[2]
    return Category(label), also, tail if tail in {"de", "es", "fr", "pt", "zh", "ja"} else "en"


def _slots(path: Path) -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, values = line.partition(": ")
        if colon:
            slots[name] = [_unescaped(value.strip()) for value in values.split(" | ")]
    slots["*"] = [value for name in TOPICS for value in slots[name]]
    return slots


def _filled(template: str, slots: dict[str, list[str]], draw: random.Random) -> str:
    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in slots:
            return found.group(0)
        mixed = name in TOPICS and draw.random() < MIXED_TOPICS
        return draw.choice(slots["*" if mixed else name])

    return re.sub(r"\{(\w+)\}", value, _unescaped(template))


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")

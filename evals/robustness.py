"""Ask the same tasks in other ways and see whether the choice stays: `python -m evals robustness [--json]`.

Every task of robustness.txt is mistyped, shouted, spread over lines, wrapped in courtesy, put behind a reminder,
framed in another language and over-punctuated. What a caller means stays the same, so the chosen model should. Needs
nothing but the packaged catalogue; takes a few seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import RoutingError
from smart_spawn.model import BUDGETS, Budget, Category
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route

TASKS = Path(__file__).with_name("robustness.txt")
TARGET = 0.95
"""The share of perturbed prompts that must keep their model."""

Perturb = Callable[[str, random.Random], str]
WORD_WITH_TYPO = 0.15
"""About one word in seven, which is a hurried typist."""

POLITE = (
    "Hi there! Could you please help me with something? {} Thank you so much in advance!",
    "Hello, I hope you are well. I would really appreciate it if you could do this: {} Thanks!",
    "Please, if you have a moment: {} Many thanks and best regards, Sam",
)
REMINDERS = (
    "<system-reminder>\nThe working folder is clean. Answer in English.\n</system-reminder>\n{}",
    "[Subagent Task]: {}",
    "Remember: be accurate and take your time.\n\nTask: {}",
)
FRAMES = (
    "Bitte erledige die folgende Aufgabe: {} Vielen Dank!",
    "Por favor, haz lo siguiente: {} ¡Gracias!",
    "Merci de faire ceci : {}",
    "请完成以下任务：{} 谢谢！",
    "次のタスクをお願いします：{}",
)
PUNCTUATION = ("!!!", " ...", " ???", " :)", " !?", ";", " --")


def typos(task: str, chance: random.Random) -> str:
    """Swap two neighbouring letters, drop one or double one, in some words of four letters and more."""
    return " ".join(_mistyped(word, chance) for word in task.split(" "))


def _mistyped(word: str, chance: random.Random) -> str:
    if len(word) < 4 or not word.isalpha() or chance.random() > WORD_WITH_TYPO:
        return word
    at = chance.randrange(1, len(word) - 2)
    return chance.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )


def case(task: str, chance: random.Random) -> str:
    """Shout, or use no capitals at all."""
    return chance.choice((task.upper(), task.lower()))


def white_space(task: str, chance: random.Random) -> str:
    """Put two spaces, a tab or a line break between some words, and space around the whole."""
    parts = [word + chance.choice((" ", " ", "  ", "\t", "\n")) for word in task.split(" ")]
    return "\n  " + "".join(parts) + "  \n\n"


def polite(task: str, chance: random.Random) -> str:
    """Wrap the task in courtesy."""
    return chance.choice(POLITE).format(task)


def reminder(task: str, chance: random.Random) -> str:
    """Put what tools put before a task before it."""
    return chance.choice(REMINDERS).format(task)


def frame(task: str, chance: random.Random) -> str:
    """Ask in another language to do the task."""
    return chance.choice(FRAMES).format(task)


def punctuation(task: str, chance: random.Random) -> str:
    """End on other punctuation."""
    return task.rstrip(".?!") + chance.choice(PUNCTUATION)


PERTURBATIONS: Mapping[str, Perturb] = {
    "typos": typos,
    "case": case,
    "white space": white_space,
    "courtesy": polite,
    "reminder": reminder,
    "other language around it": frame,
    "punctuation": punctuation,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A perturbed prompt that lost its model."""

    perturbation: str
    budget: Budget
    task: str
    prompt: str
    category: Category
    now_category: Category
    model: str
    now_model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """How many choices were compared, and which changed."""

    compared: Mapping[tuple[str, Budget], int]
    changed: tuple[Changed, ...]

    def kept(self, perturbation: str | None = None, budget: Budget | None = None) -> float:
        """Return the share of choices that stayed, of one perturbation or budget or of all."""
        compared = sum(
            count
            for (name, at), count in self.compared.items()
            if perturbation in (None, name) and budget in (None, at)
        )
        lost = sum(
            perturbation in (None, c.perturbation) and budget in (None, c.budget) for c in self.changed
        )
        return 1 - lost / compared


def own_tasks() -> tuple[str, ...]:
    """Read the tasks."""
    lines = TASKS.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def measure(
    tasks: Sequence[str], catalog: Catalog, *, budgets: Sequence[Budget] = BUDGETS, seed: int = 0
) -> Robustness:
    """Choose for every task, then for each of its perturbations, and compare."""
    compared: dict[tuple[str, Budget], int] = {}
    changed: list[Changed] = []
    for number, task in enumerate(tasks):
        prompts = {
            name: perturb(task, random.Random(f"{seed} {name} {number}"))
            for name, perturb in PERTURBATIONS.items()
        }
        for budget in budgets:
            model, category = _chosen(task, budget, catalog)
            for name, prompt in prompts.items():
                compared[name, budget] = compared.get((name, budget), 0) + 1
                now_model, now_category = _chosen(prompt, budget, catalog)
                if now_model != model:
                    changed.append(
                        Changed(
                            perturbation=name,
                            budget=budget,
                            task=task,
                            prompt=prompt,
                            category=category,
                            now_category=now_category,
                            model=model,
                            now_model=now_model,
                        )
                    )
    return Robustness(compared=compared, changed=tuple(changed))


def _chosen(task: str, budget: Budget, catalog: Catalog) -> tuple[str, Category]:
    at = datetime.combine(catalog.facts.as_of, time(12), UTC)
    request = RouteRequest(task=task, budget=budget)
    try:
        decision = route(request, catalog, at=at, decision_id="dec_eval", policy=RoutingPolicy())
    except RoutingError as refused:
        return refused.code, Category.GENERAL
    return decision.selected.model, decision.category


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit code 1 when fewer choices stay than should."""
    parser = argparse.ArgumentParser(prog="python -m evals robustness", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=0, help="other typing errors, other frames")
    parser.add_argument("--changed", action="store_true", help="list every prompt that lost its model")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    facts = packaged_facts()
    if facts is None:
        print(
            "this build has no packaged catalogue; hint: `smart-spawn catalog export` writes one",
            file=sys.stderr,
        )
        return 1
    tasks = own_tasks()
    found = measure(tasks, Catalog.of(facts), seed=options.seed)
    if options.json:
        print(json.dumps({"kept": found.kept(), "changed": [asdict(c) for c in found.changed]}, indent=1))
    else:
        _print(found, len(tasks), with_changed=options.changed)
    return 0 if found.kept() >= TARGET else 1


def _print(found: Robustness, tasks: int, *, with_changed: bool) -> None:
    prompts = tasks * len(PERTURBATIONS)
    print(f"{tasks} tasks, {prompts} perturbed prompts; share that keeps the model by budget\n")
    print(f"| perturbation | {' | '.join(BUDGETS)} | all |")
    print(f"|---|{'---|' * len(BUDGETS)}---|")
    for name in (*PERTURBATIONS, None):
        shares = [f"{found.kept(name, budget):.3f}" for budget in (*BUDGETS, None)]
        print(f"| {name or 'all'} | {' | '.join(shares)} |")
    if not with_changed:
        return
    print()
    for c in found.changed:
        print(f"{c.perturbation} · {c.budget} · {c.category} → {c.now_category} · {c.model} → {c.now_model}")
        print(f"    {c.prompt!r}")


if __name__ == "__main__":
    sys.exit(main())

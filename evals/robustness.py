"""Ask the same tasks in other ways and see whether the choice stays: `python -m evals robustness [--json]`.

Every task of robustness.txt is mistyped, shouted, spread over lines, wrapped in courtesy, put behind a reminder,
framed in another language and over-punctuated. What a caller means stays the same, so the chosen model should. The
same is done with the tasks and wordings of wordings.txt, which nobody has tuned on. Needs nothing but the packaged
catalogue; takes a few seconds.
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

from evals.wordings import labelled_tasks, read_parts
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


def within(wordings: Sequence[str]) -> Perturb:
    """Return what puts a task into one of these wordings, in place of their braces."""
    return lambda task, chance: chance.choice(wordings).replace("{}", task)


def punctuation(task: str, chance: random.Random) -> str:
    """End on other punctuation."""
    return task.rstrip(".?!") + chance.choice(PUNCTUATION)


def perturbations(polite: Sequence[str], frames: Sequence[str]) -> Mapping[str, Perturb]:
    """Return the seven ways to ask otherwise, by name."""
    return {
        "typos": typos,
        "case": case,
        "white space": white_space,
        "courtesy": within(polite),
        "reminder": within(REMINDERS),
        "other language around it": within(frames),
        "punctuation": punctuation,
    }


PERTURBATIONS = perturbations(POLITE, FRAMES)


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


def untuned() -> tuple[Sequence[str], Mapping[str, Perturb]]:
    """Read the tasks and wordings that nobody has tuned on."""
    parts = read_parts()
    return [task for _, task in labelled_tasks()], perturbations(parts["polite"], parts["frames"])


def measure(
    tasks: Sequence[str],
    catalog: Catalog,
    *,
    ways: Mapping[str, Perturb] = PERTURBATIONS,
    budgets: Sequence[Budget] = BUDGETS,
    seed: int = 0,
) -> Robustness:
    """Choose for every task, then for each of its perturbations, and compare."""
    compared: dict[tuple[str, Budget], int] = {}
    changed: list[Changed] = []
    for number, task in enumerate(tasks):
        prompts = {
            name: perturb(task, random.Random(f"{seed} {name} {number}")) for name, perturb in ways.items()
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
    catalog = Catalog.of(facts)
    found: dict[str, tuple[int, Robustness]] = {}
    for name, (tasks, ways) in {"own": (own_tasks(), PERTURBATIONS), "untuned": untuned()}.items():
        found[name] = len(tasks), measure(tasks, catalog, ways=ways, seed=options.seed)
    if options.json:
        plain = {
            name: {"kept": each.kept(), "changed": [asdict(c) for c in each.changed]}
            for name, (_, each) in found.items()
        }
        print(json.dumps(plain, indent=1))
    else:
        for name, (count, each) in found.items():
            _print(name, each, count, with_changed=options.changed)
    return 0 if all(each.kept() >= TARGET for _, each in found.values()) else 1


def _print(name: str, found: Robustness, tasks: int, *, with_changed: bool) -> None:
    prompts = tasks * len(PERTURBATIONS)
    print(f"\n{name}: {tasks} tasks, {prompts} perturbed prompts; share that keeps the model by budget\n")
    print(f"| perturbation | {' | '.join(BUDGETS)} | all |")
    print(f"|---|{'---|' * len(BUDGETS)}---|")
    for way in (*PERTURBATIONS, None):
        shares = [f"{found.kept(way, budget):.3f}" for budget in (*BUDGETS, None)]
        print(f"| {way or 'all'} | {' | '.join(shares)} |")
    if not with_changed:
        return
    print()
    for c in found.changed:
        print(f"{c.perturbation} · {c.budget} · {c.category} → {c.now_category} · {c.model} → {c.now_model}")
        print(f"    {c.prompt!r}")


if __name__ == "__main__":
    sys.exit(main())

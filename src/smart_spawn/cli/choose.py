"""`route`, `explain`: choose a model, and say why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.fields import Values, routing_fields
from smart_spawn.cli.screen import ago, price, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.catalog.snapshot import Catalog
    from smart_spawn.routing.decision import Decision

EVIDENCE_SHOWN = 5
"""The whole list is in `explain`; these move the score most."""

Task = Annotated[
    str | None, typer.Argument(metavar="TASK", help="What is to be done; `-` reads it from a pipe.")
]
DecisionId = Annotated[str, typer.Argument(metavar="DECISION", help="The id of a decision.")]


@takes(fields=routing_fields)
def route(shell: Shell, fields: Values, task: Task = None) -> None:
    """Choose the best model for a task, with the reasons."""
    from smart_spawn.cli.task_text import read_task  # noqa: PLC0415
    from smart_spawn.surface.decisions import decision_json, recommend_json  # noqa: PLC0415

    with shell.app() as app:
        text = read_task(task, app.settings.routing.max_task_chars)
        request = app.request(task=text, **fields)
        if request.count > 1:
            decisions = app.recommend(request)
            answer = recommend_json(decisions, app.catalog, task_raw=text)
            return show_json(answer) if shell.json else _show_recommended(decisions, answer, app)
        decision = app.decide(request)
        answer = decision_json(decision, app.catalog, app.policy)
        return show_json(answer) if shell.json else _show_decision(decision, answer, app)


@takes()
def explain(shell: Shell, decision_id: DecisionId) -> None:
    """Say why: all evidence, what was close, what was ruled out."""
    from smart_spawn.surface.decisions import decision_json, explain_text  # noqa: PLC0415

    with shell.app() as app:
        decision, catalog = app.decision(decision_id)
        if shell.json:
            return show_json(decision_json(decision, catalog, app.policy))
        return show_text(explain_text(decision, catalog, app.policy))


def _show_decision(decision: Decision, answer: dict[str, Any], app: SmartSpawn) -> None:
    """Print one screen: the model, the reason, the money, the evidence, what else would do."""
    selected = answer["selected"]
    effort = f" at {selected['reasoningEffort']} effort" if selected["reasoningEffort"] else ""
    show_text(f"{selected['model']}{effort}", "bold")
    show_text(answer["reason"])
    show_text("")
    for name, value in _facts(answer, app.catalog):
        show_text(f"{name:<11} {value}")
    show_text("")
    show_table(
        {"evidence": "left", "value": "right", "z": "right", "points": "right", "published": "left"},
        [
            (
                e["benchmark"],
                f"{e['value']:.4g} {e['unit']}",
                f"{e['z']:+.2f}",
                f"{e['contribution']:+.2f}",
                e["publishedAt"],
            )
            for e in selected["evidence"][:EVIDENCE_SHOWN]
        ],
    )
    if "candidates" in answer:
        _show_candidates(answer)
    for text in answer["warnings"]:
        show_text(f"warning: {text}", "yellow")
    show_text(f"\nsmart-spawn explain {decision.id}", "dim")


def _show_candidates(answer: dict[str, Any]) -> None:
    """Print what `--verbose` asks for: everybody that stayed, and who was removed by which filter."""
    show_text("")
    show_table(
        {"candidate": "left", "effort": "left", "score": "right"},
        [(c["model"], c["reasoningEffort"], f"{c['score']:.1f}") for c in answer["candidates"]],
    )
    show_text("")
    show_table(
        {"ruled out": "left", "by": "left"}, [(r["model"], r["filter"]) for r in answer["rejectedModels"]]
    )


def _facts(answer: dict[str, Any], catalog: Catalog) -> list[tuple[str, str]]:
    selected, task = answer["selected"], answer["task"]
    signals = f" ({', '.join(task['signals'][:5])})" if task["signals"] else ""
    cost = selected["expectedCostUsd"]
    return [
        ("task", f"{task['category']}{signals}"),
        ("score", f"{selected['score']:.1f} of 100, confidence {answer['confidence']:.2f}"),
        ("price", _price_line(selected["pricing"])),
        ("cost", "unknown" if cost is None else f"about {cost:.6f} USD for this task"),
        ("fallbacks", ", ".join(answer["fallbacks"]) or "none"),
        ("candidates", f"{answer['candidateCount']} within budget `{answer['budget']}`{_removed(answer)}"),
        ("catalogue", f"{catalog.version}, data of {catalog.facts.as_of} ({_age(catalog)})"),
    ]


def _price_line(pricing: dict[str, Any]) -> str:
    if pricing["prompt"] is None:
        return "unknown"
    return f"{price(pricing['prompt'])} in, {price(pricing['completion'])} out (USD per million tokens)"


def _removed(answer: dict[str, Any]) -> str:
    removed = ", ".join(f"{name} {count}" for name, count in answer["rejected"].items() if count)
    return f"; ruled out: {removed}" if removed else ""


def _age(catalog: Catalog) -> str:
    return ago(catalog.facts.as_of.isoformat(), time.time())


def _show_recommended(decisions: list[Decision], answer: dict[str, Any], app: SmartSpawn) -> None:
    show_table(
        {
            "model": "left",
            "effort": "left",
            "score": "right",
            "confidence": "right",
            "in": "right",
            "out": "right",
        },
        [
            (
                row["model"]["id"],
                row["reasoningEffort"],
                f"{decision.selected.score:.1f}",
                f"{row['confidence']:.2f}",
                price(row["model"]["pricing"]["prompt"]),
                price(row["model"]["pricing"]["completion"]),
            )
            for decision, row in zip(decisions, answer["data"], strict=True)
        ],
    )
    show_text("")
    for row in answer["data"]:
        show_text(f"{row['model']['id']}: {row['reason']}")
    show_text(
        f"\ncatalogue {app.catalog.version}, data of {app.catalog.facts.as_of} ({_age(app.catalog)})", "dim"
    )

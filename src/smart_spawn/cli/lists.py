"""`models`, `compare`, `status`, `version`: what there is, side by side."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import ago, price, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes
from smart_spawn.model import CATEGORIES

SORTS = ("score", "cost", "efficiency", *map(str, CATEGORIES))
TIERS = ("premium", "standard", "budget")
LONGEST_LIST = 500

ModelIds = Annotated[list[str], typer.Argument(metavar="MODEL...", help="Two to five model ids.")]
ModelId = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="Show this model with every reading that found it.")
]


@takes()
def models(
    shell: Shell,
    model: ModelId = None,
    category: Annotated[
        str | None,
        typer.Option(
            help="Only models with a score in it.", autocompletion=lambda: list(map(str, CATEGORIES))
        ),
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option(help=f"Price tier: {', '.join(TIERS)}.", autocompletion=lambda: list(TIERS)),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="score, cost, efficiency or a category.", autocompletion=lambda: list(SORTS))
    ] = "score",
    limit: Annotated[int, typer.Option(metavar="N", help=f"At most so many, 1 to {LONGEST_LIST}.")] = 20,
    query: Annotated[
        str, typer.Option("--query", "-q", metavar="TEXT", help="Only ids and names with it.")
    ] = "",
) -> None:
    """List models, or show one with all its evidence."""
    from smart_spawn.surface.models import model_json, models_json  # noqa: PLC0415

    with shell.app() as app:
        if model is not None:
            answer = model_json(app.catalog, model)
            return show_json({"data": answer}) if shell.json else _show_model(answer)
        answer = models_json(
            app.catalog,
            category=_category(category),
            tier=_one_of("tier", tier, TIERS),
            sort=sort,
            limit=_within("limit", limit, LONGEST_LIST),
            q=query,
            last_refresh=_last_refresh(app),
        )
    if shell.json:
        return show_json(answer)
    _show_models(
        answer["data"], [str(_category(category))] if category else ["general", "coding", "reasoning"]
    )
    meta = answer["meta"]
    return show_text(f"\n{meta['returned']} of {meta['filtered']} models, catalogue {meta['version']}", "dim")


@takes()
def compare(shell: Shell, models: ModelIds) -> None:
    """Show two to five models side by side."""
    from smart_spawn.surface.models import compare_json  # noqa: PLC0415

    with shell.app() as app:
        answer = compare_json(app.catalog, [word for name in models for word in name.split(",") if word])
    if shell.json:
        return show_json(answer)
    rows = answer["data"]["models"]
    lines: list[tuple[str, list[Any]]] = [
        ("USD/M in", [price(row["pricing"]["prompt"]) for row in rows]),
        ("USD/M out", [price(row["pricing"]["completion"]) for row in rows]),
        ("context", [row["contextLength"] for row in rows]),
        *((str(c), [row["scores"].get(str(c)) for row in rows]) for c in CATEGORIES),
        *((can, [_yes(row["capabilities"][can]) for row in rows]) for can in rows[0]["capabilities"]),
        ("sources", [", ".join(row["sourcesCovered"]) or None for row in rows]),
    ]
    show_table(
        {"": "left", **{row["id"]: "right" for row in rows}}, [(name, *values) for name, values in lines]
    )
    for missing in answer["data"]["missing"]:
        show_text(f"not in the catalogue: {missing}", "yellow")
    return None


@takes()
def status(shell: Shell) -> None:
    """Show how old each source's data is, and what failed last."""
    from smart_spawn.surface.status import status_json  # noqa: PLC0415

    with shell.app() as app:
        answer = status_json(app)
    if shell.json:
        return show_json(answer)
    body, now = answer["data"], time.time()
    show_text(
        f"{body['status']}: catalogue {body['catalogVersion'] or 'none'}",
        "green" if body["status"] == "ok" else "yellow",
    )
    show_text(f"{body['modelCount']} models, {body['modelsWithScores']} with scores")
    show_text(f"last refresh {ago(body['lastRefresh'], now)}\n")
    show_table(
        {
            "source": "left",
            "status": "left",
            "asked": "left",
            "published": "left",
            "rows": "right",
            "matched": "right",
            "unmatched": "right",
        },
        [
            (
                name,
                row["status"],
                ago(row["lastPull"], now),
                row["publishedAt"],
                row["count"],
                row["matched"],
                row["unmatched"],
            )
            for name, row in body["sources"].items()
        ],
    )
    for name, row in body["sources"].items():
        for text in (*([row["error"]] if row.get("error") else ()), *row.get("notices", ())):
            show_text(f"{name}: {text}", "yellow")
    return None


@takes()
def version(shell: Shell) -> None:
    """Show the version of program and catalogue."""
    from smart_spawn import __version__  # noqa: PLC0415
    from smart_spawn.errors import SmartSpawnError  # noqa: PLC0415

    try:
        with shell.app() as app:
            served = app.catalog.version
    except SmartSpawnError:  # the version of the program can be told whatever is wrong
        served = None
    if shell.json:
        return show_json({"version": __version__, "catalogVersion": served})
    return show_text(f"smart-spawn {__version__}, catalogue {served or 'none'}")


def _show_models(rows: list[dict[str, Any]], categories: list[str]) -> None:
    show_table(
        {
            "model": "left",
            "in": "right",
            "out": "right",
            "context": "right",
            **dict.fromkeys(categories, "right"),
            "sources": "right",
        },
        [
            (
                row["id"],
                price(row["pricing"]["prompt"]),
                price(row["pricing"]["completion"]),
                row["contextLength"],
                *(row["scores"].get(category) for category in categories),
                len(row["sourcesCovered"]),
            )
            for row in rows
        ],
    )


def _show_model(row: dict[str, Any]) -> None:
    show_text(f"{row['id']}  {row['name']}", "bold")
    pricing = row["pricing"]
    show_text(
        f"price    {price(pricing['prompt']) or '–'} in, {price(pricing['completion']) or '–'} out (USD/M tokens)"
    )
    show_text(f"context  {row['contextLength'] or 'unknown'}")
    show_text(
        f"can      {', '.join(name for name, has in row['capabilities'].items() if has) or 'text only'}"
    )
    show_text(f"scores   {', '.join(f'{name} {score}' for name, score in row['scores'].items()) or 'none'}\n")
    show_table(
        {
            "benchmark": "left",
            "value": "right",
            "unit": "left",
            "z": "right",
            "published as": "left",
            "on": "left",
        },
        [
            (
                r["benchmark"],
                f"{r['value']:.6g}",
                r["unit"],
                f"{r['z']:+.2f}",
                r["publishedName"],
                r["publishedAt"],
            )
            for r in row["readings"]
        ],
    )


def _yes(has: bool) -> str:
    return "yes" if has else "no"


def _last_refresh(app: Any) -> str | None:
    from smart_spawn.surface.status import status_json  # noqa: PLC0415

    last: str | None = status_json(app)["data"]["lastRefresh"]
    return last


def _category(name: str | None) -> Any:
    from smart_spawn.model import Category  # noqa: PLC0415

    return Category(_one_of("category", name, tuple(map(str, CATEGORIES)))) if name else None


def _one_of(field: str, value: str | None, valid: tuple[str, ...]) -> Any:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    if value is not None and value not in valid:
        raise InvalidRequest(
            f"`{value}` is not a valid `{field}`",
            hint=f"one of: {', '.join(valid)}",
            details={"field": field, "valid": list(valid)},
        )
    return value


def _within(field: str, value: int, most: int) -> int:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    if not 1 <= value <= most:
        raise InvalidRequest(f"`{field}` is {value}", hint=f"between 1 and {most}", details={"field": field})
    return value

"""The options that are fields of a request, the same for `route` and `spawn`: one option, one field."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smart_spawn.model import BUDGETS, CATEGORIES, REQUIREMENTS, Mode

Values = dict[str, Any]
"""Fields that were given, as JSON names them. The request checks them, so every surface refuses alike."""

ATTACHMENTS = ("image", "audio", "video", "file", "text")
MODES = tuple(Mode)
DIVERSITIES = ("low", "medium", "high")


def _listed(names: tuple[Any, ...]) -> str:
    return ", ".join(map(str, names))


def _complete(*names: Any) -> Any:
    return lambda: [str(name) for name in names]


Words = list[str] | None


def routing_fields(
    budget: Annotated[
        str | None,
        typer.Option(
            help=f"Ceiling on the input price: {_listed(BUDGETS)}.", autocompletion=_complete(*BUDGETS)
        ),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(
            help=f"Do not classify the task; it is: {_listed(CATEGORIES)}.",
            autocompletion=_complete(*CATEGORIES),
        ),
    ] = None,
    weight: Annotated[
        Words,
        typer.Option(
            metavar="CATEGORY=FACTOR",
            help="Weigh a category, e.g. coding=1.3. Repeatable.",
            autocompletion=_complete(*(f"{category}=" for category in CATEGORIES)),
        ),
    ] = None,
    min_capability: Annotated[
        float | None, typer.Option(metavar="SCORE", help="The score (0-100) that a candidate must reach.")
    ] = None,
    require: Annotated[
        Words,
        typer.Option(
            metavar="ABILITY",
            help=f"What the model must be able to do: {_listed(REQUIREMENTS)}. Repeatable.",
            autocompletion=_complete(*REQUIREMENTS),
        ),
    ] = None,
    min_context: Annotated[
        int | None, typer.Option(metavar="TOKENS", help="The context that the model must have.")
    ] = None,
    attach: Annotated[
        Words,
        typer.Option(
            metavar="KIND",
            help=f"What comes with the task: {_listed(ATTACHMENTS)}. Repeatable.",
            autocompletion=_complete(*ATTACHMENTS),
        ),
    ] = None,
    exclude: Annotated[
        Words, typer.Option(metavar="MODEL", help="A model or pattern (vendor/*) not to use. Repeatable.")
    ] = None,
    only: Annotated[
        Words, typer.Option(metavar="MODEL", help="Use only this model or pattern. Repeatable.")
    ] = None,
    models: Annotated[
        Words, typer.Option(metavar="MODEL", help="A model that you can reach. Repeatable.")
    ] = None,
    pin: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Use this model, whatever its score.")
    ] = None,
    context: Annotated[
        Words, typer.Option(metavar="TAG", help="What the task is about, e.g. typescript. Repeatable.")
    ] = None,
    allow_provider: Annotated[
        Words, typer.Option(metavar="PROVIDER", help="Only these may see the prompt. Repeatable.")
    ] = None,
    deny_provider: Annotated[
        Words, typer.Option(metavar="PROVIDER", help="Who may not see the prompt. Repeatable.")
    ] = None,
    region: Annotated[
        Words, typer.Option(metavar="REGION", help="Where the prompt may be processed. Repeatable.")
    ] = None,
    no_training: Annotated[
        bool, typer.Option("--no-training", help="Nobody may train on the prompt.")
    ] = False,
    zero_retention: Annotated[
        bool, typer.Option("--zero-retention", help="Nobody may keep the prompt.")
    ] = False,
    session_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The conversation that the task belongs to.")
    ] = None,
    count: Annotated[int | None, typer.Option(metavar="N", help="How many models to choose, 1 to 5.")] = None,
    diversity: Annotated[
        str | None,
        typer.Option(
            help=f"How much several models should differ: {_listed(DIVERSITIES)}.",
            autocompletion=_complete(*DIVERSITIES),
        ),
    ] = None,
    current: Annotated[
        str | None, typer.Option(metavar="MODEL", help="What you would use; see `routing.stage`.")
    ] = None,
    no_explore: Annotated[
        bool, typer.Option("--no-explore", help="Try no model out: the task is too important.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With every candidate and every rejected model.")
    ] = False,
) -> Values:
    """Gather the fields of a routing request that were given."""
    providers = _given({"allow": words(allow_provider), "deny": words(deny_provider)})
    policy = _given(
        {
            "allowTraining": False if no_training else None,
            "zeroRetention": zero_retention or None,
            "regions": words(region),
            "providers": providers or None,
        }
    )
    return _given(
        {
            "budget": budget,
            "category": category,
            "categoryWeights": _weights(weight or []),
            "minCapability": min_capability,
            "require": words(require),
            "minContext": min_context,
            "attachments": [{"type": kind} for kind in words(attach) or []] or None,
            "exclude": words(exclude),
            "only": words(only),
            "models": words(models),
            "pin": pin,
            "context": words(context),
            "dataPolicy": policy or None,
            "sessionId": session_id,
            "count": count,
            "diversity": diversity,
            "explore": False if no_explore else None,
            "current": current,
            "verbose": verbose or None,
        }
    )


def spawning_fields(
    mode: Annotated[
        str | None,
        typer.Option(help=f"How it is carried out: {_listed(MODES)}.", autocompletion=_complete(*MODES)),
    ] = None,
    timeout_s: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The deadline of everything together.")
    ] = None,
    max_cost_usd: Annotated[
        str | None, typer.Option(metavar="USD", help="What it may cost at the very most.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Who judges or merges answers nobody can count.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(metavar="CHANCE", help="How sure a cascade must be, 0 to 1.")
    ] = None,
    max_escalation: Annotated[
        int | None, typer.Option(metavar="N", help="How many steps up a cascade may take.")
    ] = None,
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="A collective asks a third only when two disagree.")
    ] = False,
    pattern: Annotated[
        str | None, typer.Option(metavar="REGEX", help="What must be found in an answer for it to count.")
    ] = None,
    step: Annotated[
        Words, typer.Option(metavar="TEXT", help="A step of a plan or swarm. Repeatable, in order.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(metavar="PERSONA", help="Whom the models are asked to be, e.g. debugger.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan a plan or swarm, say what it would cost, call nobody.")
    ] = False,
) -> Values:
    """Gather the fields that say how a task is carried out."""
    return _given(
        {
            "mode": mode,
            "timeoutS": timeout_s,
            "maxCostUsd": max_cost_usd,
            "judge": judge,
            "minConfidence": min_confidence,
            "maxEscalation": max_escalation,
            "adaptive": adaptive or None,
            "verify": None if pattern is None else {"pattern": pattern},
            "steps": step or None,
            "role": role,
            "dryRun": dry_run or None,
        }
    )


def _given(values: Values) -> Values:
    return {name: value for name, value in values.items() if value is not None}


def words(values: Words) -> Words:
    """Read a repeated option whose values may themselves be lists with commas. Not given is `None`."""
    found = [word.strip() for value in values or [] for word in value.split(",")]
    return [word for word in found if word] or None


def _weights(pairs: list[str]) -> dict[str, str] | None:
    """Read `coding=1.3`. What is no pair keeps an empty weight, for the request to refuse by name."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    weights = {}
    for pair in words(pairs) or []:
        category, equals, factor = pair.partition("=")
        if not equals:
            raise InvalidRequest(
                f"`--weight {pair}` has no factor", hint="it looks like `--weight coding=1.3`"
            )
        weights[category.strip()] = factor.strip()
    return weights or None

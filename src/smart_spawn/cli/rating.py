"""`rate`: say how it turned out."""

from __future__ import annotations

from typing import Annotated

import typer

from smart_spawn.cli.screen import note, show_json
from smart_spawn.cli.shell import Shell, takes

OUTCOMES = ("success", "failure")


@takes()
def rate(
    shell: Shell,
    subject: Annotated[
        str, typer.Argument(metavar="DECISION|RUN", help="The id of a decision (dec_...) or run (run_...).")
    ],
    rating: Annotated[str, typer.Argument(metavar="RATING", help="1 (worst) to 5, success or failure.")],
    comment: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the vote.")] = None,
) -> None:
    """Say how good a choice or an answer was.

    The next choices learn from it. A second rating of the same replaces the first.
    """
    from smart_spawn.surface.feedback import feedback_json  # noqa: PLC0415  # `--help` stays quick

    values = {
        "runId" if subject.startswith("run_") else "decisionId": subject,
        **({"outcome": rating} if rating in OUTCOMES else {"rating": _stars(rating)}),
        **({"comment": comment} if comment is not None else {}),
    }
    with shell.app(carries_out=False) as app:
        answer = feedback_json(app, values)
    if shell.json:
        return show_json(answer)
    vote = answer["data"]
    return note(
        f"{vote['model']} has {vote['rating']} for {vote['category']}"
        + (", in place of your earlier vote" if vote["replaced"] else "")
    )


def _stars(text: str) -> float:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(
            f"`{text[:40]}` is no rating", hint="use a number from 1 to 5, `success` or `failure`"
        ) from None

"""A replayed log as a Markdown document: what was read and what it cannot tell come before the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CAVEATS = (
    "The same tokens are priced at every model; another model would have written more or fewer.",
    "Scores are the catalogue's of today for the category of each call, 0 to 100: benchmarks, not this log.",
    "A choice follows from category, size and needs of a call, with the owner's settings and without exploring.",
)


def read_lines(found: Mapping[str, Any]) -> list[str]:
    """Say in sentences what was read, what was not, and by which prices."""
    log, prices = found["log"], found["prices"]
    formats = ", ".join(f"{count:,} {name}" for name, count in log["formats"].items())
    lines = [f"{log['records']:,} records in {log['files']:,} files: {log['calls']:,} calls ({formats})"]
    if log["from"]:
        lines.append(f"from {log['from'][:10]} to {log['to'][:10]}")
    if log["skipped"]:
        skipped = ", ".join(f"{count:,} {why}" for why, count in log["skipped"].items())
        lines.append(f"left out: {skipped}")
    if log["unknownModelCalls"]:
        names = ", ".join(f"{row['model']} ({row['calls']:,})" for row in log["unknownModels"][:5])
        lines.append(
            f"{log['unknownModelCalls']:,} calls of models that the catalogue does not hold: {names}"
        )
    if log["withoutTokens"]:
        lines.append(f"{log['withoutTokens']:,} calls without token counts are not compared")
    if log["withoutPrice"]:
        lines.append(f"{log['withoutPrice']:,} calls without a price or a bill are not compared")
    if log["guessedAnswerTokens"]:
        lines.append(f"{log['guessedAnswerTokens']:,} answers have no length: the expected one is taken")
    lines.append(
        f"prices: {prices['ofTheDay']:,} calls at the list price of their day, {prices['today']:,} at today's"
    )
    if found["logged"]["billedUsd"] is not None:
        billed, calls = found["logged"]["billedUsd"], found["logged"]["billedCalls"]
        lines.append(f"billed, as the log itself says: {billed:.4f} USD for {calls:,} calls")
    return lines


def report(found: Mapping[str, Any]) -> str:
    """Return the whole document."""
    lines = ["# A log under other settings", ""]
    lines += [f"- {line}" for line in (*read_lines(found), *CAVEATS)]
    lines += [f"- catalogue `{found['catalogVersion']}`", "", "## Policies", ""]
    lines += ["| policy | calls | USD | saved | mean score | models |", "|---|---|---|---|---|---|"]
    logged = found["logged"]
    lines.append(
        f"| as logged | {found['log']['comparedCalls']:,} | {logged['costUsd']:.4f} |  "
        f"| {_shown(logged['meanScore'])} | {_models(logged['models'])} |"
    )
    for name, row in found["policies"].items():
        saved = "–" if row["savedShare"] is None else f"{row['savedShare']:.1%}"
        lines.append(
            f"| {name} | {row['calls']:,} | {row['costUsd']:.4f} | {saved} | {_shown(row['meanScore'])} "
            f"| {_models(row['models'])} |"
        )
    lines += ["", "Nothing beats, the cheapest first:", ""]
    for point in found["frontier"]:
        cost = f"{1000 * point['costUsdPerCall']:.4g} USD per 1,000 calls"
        lines.append(f"- {point['policy']}: {cost}, score {point['meanScore']:.1f}")
    suggested = found["suggested"]
    lines += ["", "## Suggested", ""]
    lines += ["```toml", *(f'{k} = "{v}"' for k, v in suggested["settings"].items()), "```", ""] * bool(
        suggested["settings"]
    )
    lines += [f"{suggested['why'][0].upper()}{suggested['why'][1:]}.", ""]
    lines += ["## Where current settings choose otherwise", ""]
    share = found["disagreements"]["share"]
    lines.append(f"{found['disagreements']['calls']:,} calls{'' if share is None else f', {share:.1%}'}.")
    lines += [
        "",
        "| category | logged | now | calls | USD | USD now | points |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["disagreements"]["top"]:
        lines.append(
            f"| {row['category']} | {_cell(row['logged'])} | {row['chosen']} | {row['calls']:,} "
            f"| {row['loggedUsd']:.4f} | {row['chosenUsd']:.4f} | {_shown(row['scoreDifference'])} |"
        )
    return "\n".join(lines) + "\n"


def _models(rows: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{_cell(row['model'])} ({row['calls']:,})" for row in rows[:3])


def _cell(text: str) -> str:
    """Keep a name from a log inside its cell."""
    return "".join(c if c.isprintable() and c not in "|<>`" else "·" for c in text)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"

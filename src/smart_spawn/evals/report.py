"""What was measured, as a Markdown document: caveats first, one table a data set, published numbers beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CAVEATS = (
    "Recorded answers are replayed: no model was called, and the models are those of the record, not of today.",
    "Intervals are 95 % over resampled prompts, not over models or data sets.",
    "`strongest`, `cheapest` and everything fitted were chosen on training prompts alone, never on those measured.",
    "The kind of a prompt (its `category`) is taken as recorded, as a caller would name it.",
)


def report(found: Mapping[str, Any], *, command: str, date: str) -> str:
    """Return the whole document."""
    lines = ["# Policies on recorded outcomes", "", f"{date}, `{command}`", "", "Caveats:", ""]
    lines += [f"- {text}" for text in CAVEATS]
    for name, row in found["datasets"].items():
        lines += ["", *_section(name, row)]
    if found.get("skipped"):
        lines += ["", "## Left out", "", *(f"- {name}: {why}" for name, why in found["skipped"].items())]
    return "\n".join(lines) + "\n"


def _section(name: str, row: Mapping[str, Any]) -> list[str]:
    lines = [f"## {name}: {row['prompts']:,} prompts, {row['models']} models", ""]
    lines += [f"{note}.\n" for note in row["notes"]]
    with_time = any("latencyS" in policy for policy in row["policies"].values())
    lines += [
        "| policy | right (95 %) | USD per 1,000 | right/strongest | cost/strongest | regret |"
        + (" seconds, median |" if with_time else ""),
        "|---|---|---|---|---|---|" + ("---|" if with_time else ""),
    ]
    for policy, value in row["policies"].items():
        spread = value["interval95"]
        cells = [
            policy,
            _with(value["accuracy"], spread["accuracy"]),
            _number(value["costUsdPer1k"]),
            _with(value["accuracyVsStrongest"], spread["accuracyVsStrongest"]),
            _with(value["costVsStrongest"], spread["costVsStrongest"]),
            _number(value["regret"]),
        ]
        if with_time:
            cells.append(_number(value.get("latencyS", {}).get("p50"), 2))
        lines.append(f"| {' | '.join(cells)} |")
    oracle = row["oracle"]
    lines += [
        "",
        f"The best model of every prompt: {_number(oracle['accuracy'])} at {_number(oracle['costUsdPer1k'])} USD.",
    ]
    lines += _remarks(row["policies"])
    return [*lines, *_metrics(row)]


def _remarks(policies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = []
    if "collective" in policies:
        value = policies["collective"]
        gain = 100 * value["gainOverBestMember"]
        lines.append(
            f"The collective: {gain:+.2f} points beside its best member, {value['bestMemberAccuracy']:.4f}."
        )
    agreed = policies.get("agreement", {}).get("agreed")
    if agreed:
        right = policies["agreement"]["accuracyWhereAgreed"]
        lines.append(
            f"Two cheap models agreed on {agreed:.1%} of the prompts and were right in {right:.1%} of those."
        )
    return lines


def _metrics(row: Mapping[str, Any]) -> list[str]:
    metrics, spread = row["metrics"], row.get("metricsInterval95", {})
    if not metrics:
        return []
    lines = ["", "| router | APGR | CPT(50 %) | CPT(80 %) | AIQ |", "|---|---|---|---|---|"]
    cells = [_with(metrics[name], spread.get(name)) for name in ("apgr", "cpt50", "cpt80", "aiq")]
    lines.append(f"| Smart Spawn | {' | '.join(cells)} |")
    for policy, alone in row.get("aiqByPolicy", {}).items():
        if alone is not None:
            lines.append(f"| of that `{policy}` alone |  |  |  | {_number(alone)} |")
    for other in row["published"]:
        cells = [_number(other.get(name)) for name in ("apgr", "cpt50", "cpt80", "aiq")]
        lines.append(f"| {other['name']} ({other['source']}) | {' | '.join(cells)} |")
    notes = sorted({other["note"] for other in row["published"]})
    return [*lines, *(f"\nPublished on other terms: {note}." for note in notes)]


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _with(value: float | None, interval: list[float | None] | None) -> str:
    if value is None:
        return "–"
    if not interval or interval[0] is None or interval[0] == interval[1]:
        return _number(value)
    return f"{_number(value)} ({_number(interval[0])} to {_number(interval[1])})"

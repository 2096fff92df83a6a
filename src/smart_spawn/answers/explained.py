"""A routing decision's JSON as one screen of text, the same wherever it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]


def explained(decision: Json) -> str:
    """Say what was chosen, why, what was close, what was ruled out."""
    selected: Json = decision["selected"]
    effort = f" ({selected['reasoningEffort']} effort)" if selected["reasoningEffort"] else ""
    cost = selected["expectedCostUsd"]
    expected = "unknown" if cost is None else f"{cost:.6f} USD"
    at = datetime.fromisoformat(decision["createdAt"])
    lines = [
        f"{selected['model']}{effort}   score {selected['score']:.1f}   confidence {decision['confidence']:.2f}",
        decision["reason"],
        "",
        _task_line(decision["task"]),
        f"budget    {decision['budget']}; expected cost {expected}; "
        f"chance to be the best of all {decision['pBest']:.2f}",
        "",
        f"evidence  (points above or below 50, together {selected['score'] - 50:+.1f})",
        *(_evidence_line(one) for one in selected["evidence"]),
        *_additions(selected),
        "",
        "instead of",
        *(_alternative_line(one) for one in decision["alternatives"]),
        "",
        f"ruled out {_rejected_text(decision)}",
        *(f"warning   {text}" for text in decision["warnings"]),
        f"decision  {decision['id']}, {at:%Y-%m-%d %H:%M:%S} UTC, catalogue {decision['catalogVersion']}",
    ]
    return "\n".join(lines)


def _task_line(task: Json) -> str:
    shares = sorted(task.get("mix", task["categories"]).items(), key=lambda item: -item[1])[:3]
    mix = ", ".join(f"{category} {share:.2f}" for category, share in shares)
    signals = f"; signals: {', '.join(task['signals'])}" if task["signals"] else ""
    return f"task      {mix}{signals}"


def _evidence_line(evidence: Json) -> str:
    marks = [
        f"effort {evidence['effort']}" if evidence["effort"] else "",
        f"inherited ({evidence['inherited']})" if evidence["inherited"] else "",
        evidence["publishedAt"] or "",
    ]
    return (
        f"  {evidence['benchmark']:<32} {evidence['value']:>10.4g} {evidence['unit']:<8} z {evidence['z']:+.2f} "
        f"{evidence['contribution']:+6.2f}   {', '.join(mark for mark in marks if mark)}"
    )


def _additions(selected: Json) -> list[str]:
    """Return the lines for what counts beside the readings."""
    lines = []
    if selected.get("contextTags"):
        lines.append(f"  context {', '.join(selected['contextTags'])} {selected['contextBoost']:+.2f}")
    if "feedback" in selected:
        lines.append(f"  feedback, of votes here {selected['feedback']['contribution']:+.2f}")
    if "learnedGain" in selected:
        lines.append(f"  similar tasks on record {selected['learnedGain']['contribution']:+.2f}")
    if selected["missingEvidence"]:
        lines.append(f"  nothing on {', '.join(selected['missingEvidence'])}")
    return lines


def _alternative_line(alternative: Json) -> str:
    return f"  {alternative['model']:<42} {-alternative['gap']:+6.1f}   {alternative['wouldWin']['sentence']}"


def _rejected_text(decision: Json) -> str:
    removed = ", ".join(f"{name} {count}" for name, count in decision["rejected"].items())
    return f"{removed or 'nothing'}; {decision['candidateCount']} candidates stayed"

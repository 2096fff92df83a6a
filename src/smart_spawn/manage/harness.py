"""Result files of evaluation harnesses: lm-evaluation-harness (`results_*.json`) and inspect-ai (JSON logs).

Formats as of lm-eval 0.4 (https://github.com/EleutherAI/lm-evaluation-harness, `results` written by `--output_path`)
and inspect-ai 0.3 (https://inspect.aisi.org.uk/eval-logs.html, `inspect log dump`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from smart_spawn.errors import InvalidRequest
from smart_spawn.manage.rows import Problem, Row, Rows, day_of, number

METRICS = ("exact_match", "acc_norm", "acc", "pass@1", "f1", "mcc", "rouge1", "bleu")
"""Which metric of a task counts, the first that is there; else the only one."""
SHARES = frozenset({"exact_match", "acc_norm", "acc", "pass@1", "f1"})
"""Metrics that lm-eval writes as a share, 0 to 1."""
INSPECT_METRICS = ("accuracy", "mean", "pass_at_1")
Z95 = 1.96


def read_lm_eval(content: Mapping[str, Any]) -> Rows:
    """Read a results file of lm-evaluation-harness: one row a task; parts of a group are left out for the group."""
    model = _lm_eval_model(content)
    if not model:
        raise InvalidRequest(
            "the file does not say which model it tested", hint="name it: `--model vendor/model`"
        )
    parts = {
        part
        for group, names in (content.get("group_subtasks") or {}).items()
        if isinstance(names, list) and group in content["results"]
        for part in names
        if part != group
    }
    day = day_of(content.get("date"))
    rows: list[Row] = []
    problems: list[Problem] = []
    for task, metrics in content["results"].items():
        if task in parts or not isinstance(metrics, dict):
            continue
        found = _lm_eval_row(task, metrics, model, content, day)
        (rows if isinstance(found, Row) else problems).append(found)  # type: ignore[arg-type]  # each in its list
    notes = (f"{len(parts)} parts of groups are left out: the groups count",) if parts else ()
    return Rows(format="lm-evaluation-harness", rows=tuple(rows), problems=tuple(problems), notes=notes)


def _lm_eval_model(content: Mapping[str, Any]) -> str:
    name = content.get("model_name")
    if isinstance(name, str) and name:
        return name.strip()
    config = content.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, dict):
        named = arguments.get("pretrained") or arguments.get("model")
        return str(named or "").strip()
    found = re.search(r"(?:^|,)(?:pretrained|model)=([^,]+)", str(arguments or ""))
    return found[1].strip() if found else ""


def _lm_eval_row(
    task: str, metrics: Mapping[str, Any], model: str, content: Mapping[str, Any], day: date | None
) -> Row | Problem:
    place = f"task {task[:80]}"
    values = {key: value for key, value in metrics.items() if "," in key and "_stderr" not in key}
    chosen = next((k for m in METRICS for k in values if k.partition(",")[0] == m), None)
    if chosen is None and len(values) == 1:
        chosen = next(iter(values))
    if chosen is None:
        return Problem(place=place, model=model, what="none of its metrics is one that we know")
    metric, _, variant = chosen.partition(",")
    value = number(values[chosen])
    if isinstance(value, str):
        return Problem(place=place, model=model, what=f"`{metric}` {value}")
    error = number(metrics.get(f"{metric}_stderr,{variant}"))
    half = Z95 * error if isinstance(error, float) else None
    better = ((content.get("higher_is_better") or {}).get(task) or {}).get(metric, True)
    share = 100.0 if metric in SHARES and 0 <= value <= 1 else 1.0
    return Row(
        place=place,
        model=model,
        benchmark=task,
        value=value * share,
        unit="percent" if metric in SHARES else "points",
        higher_is_better=bool(better),
        lower=(value - half) * share if half is not None else None,
        upper=(value + half) * share if half is not None else None,
        measured_on=day,
    )


def read_inspect(content: Mapping[str, Any]) -> Rows:
    """Read a JSON log of inspect-ai: one row, its first scorer's accuracy (or mean)."""
    evaluation = content["eval"]
    model, task = str(evaluation.get("model") or "").strip(), str(evaluation.get("task") or "").strip()
    status = content.get("status")
    if status != "success":
        raise InvalidRequest(
            f"the evaluation did not finish: its status is `{str(status)[:40]}`", hint="run it to its end"
        )
    if not model or not task:
        raise InvalidRequest("the log names no model or no task", hint="name a JSON log of inspect-ai")
    rows = tuple(_inspect_rows(content, model, task.rpartition("/")[2], day_of(evaluation.get("created"))))
    problems = (
        () if rows else (Problem(place=f"task {task}", model=model, what="it has no accuracy and no mean"),)
    )
    return Rows(format="inspect-ai", rows=rows, problems=problems)


def _inspect_rows(content: Mapping[str, Any], model: str, task: str, day: date | None) -> Iterator[Row]:
    results = content.get("results")
    scores = results.get("scores") if isinstance(results, dict) else None
    for score in scores if isinstance(scores, list) else []:
        metrics = score.get("metrics") if isinstance(score, dict) else None
        if not isinstance(metrics, dict):
            continue
        name = next((m for m in INSPECT_METRICS if isinstance(metrics.get(m), dict)), None)
        value = number(metrics[name].get("value")) if name else ""
        if isinstance(value, str):
            continue
        error = number((metrics.get("stderr") or {}).get("value"))
        half = Z95 * error if isinstance(error, float) else None
        share = 100.0 if 0 <= value <= 1 else 1.0
        yield Row(
            place=f"task {task[:80]}",
            model=model,
            benchmark=task,
            value=value * share,
            unit="percent" if share == 100.0 else "points",
            lower=(value - half) * share if half is not None else None,
            upper=(value + half) * share if half is not None else None,
            measured_on=day,
        )
        return

"""Measure predictions: accuracy, macro-F1, the two best, and how honest the probabilities are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evals.classify.corpus import Prompt
from evals.classify.fit import Floats
from smart_spawn.model import CATEGORIES, Category

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good predictions were. All but `prompts` and `calibration_error` are shares, higher is better."""

    prompts: int
    accuracy: float
    macro_f1: float
    """Over the categories that occur; a prompt answered with another right category counts for that one."""
    top_two: float
    calibration_error: float
    """Expected gap between confidence and accuracy over ten equal bins; 0 is honest."""
    confidence: float


def quality(prompts: Sequence[Prompt], probabilities: Floats) -> Quality:
    """Measure one set of predictions, a row per prompt."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    predicted = [CATEGORIES[lane] for lane in order[:, 0]]
    right = np.array([best in prompt.right for best, prompt in zip(predicted, prompts, strict=True)])
    truth = [
        best if hit else prompt.label for best, hit, prompt in zip(predicted, right, prompts, strict=True)
    ]
    two = [
        not prompt.right.isdisjoint(CATEGORIES[lane] for lane in lanes[:2])
        for lanes, prompt in zip(order, prompts, strict=True)
    ]
    confidence = probabilities.max(axis=1)
    return Quality(
        prompts=len(prompts),
        accuracy=float(right.mean()),
        macro_f1=_macro_f1(truth, predicted),
        top_two=float(np.mean(two)),
        calibration_error=_calibration_error(confidence, right.astype(float)),
        confidence=float(confidence.mean()),
    )


def by(prompts: Sequence[Prompt], probabilities: Floats, key: Callable[[Prompt], str]) -> dict[str, Quality]:
    """Measure per source, language or whatever `key` names, in alphabetical order."""
    keys = [key(prompt) for prompt in prompts]
    result = {}
    for name in sorted(set(keys)):
        rows = [at for at, other in enumerate(keys) if other == name]
        result[name] = quality([prompts[at] for at in rows], probabilities[rows])
    return result


def _macro_f1(truth: Sequence[Category], predicted: Sequence[Category]) -> float:
    scores = []
    for category in CATEGORIES:
        hits = sum(one is two is category for one, two in zip(truth, predicted, strict=True))
        wanted, given = truth.count(category), predicted.count(category)
        if wanted:
            scores.append(2 * hits / (wanted + given))
    return sum(scores) / len(scores)


def _calibration_error(confidence: Floats, right: Floats) -> float:
    error = 0.0
    for low in np.arange(BINS) / BINS:
        inside = (confidence > low) & (confidence <= low + 1 / BINS)
        if inside.any():
            error += float(inside.mean()) * abs(float(right[inside].mean() - confidence[inside].mean()))
    return error

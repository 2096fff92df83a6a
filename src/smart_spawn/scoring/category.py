"""Readings → category scores, for all candidates at once.

S = 50 + (A - 50) · 1.15 c / (c + 0.15): the weighted mean A of what is present, shrunk towards 50 by how much is
missing; c is the share of the category's weight that is present. Variance 1.15² · 400 (1 - g), g = c / (c + 0.15), in
points²: it stretches as the deviation does. c = 0 means no evidence: the score is 50, and the caller ranks it last.
See docs/adr/0004-z-scores.md and 0014-stretched-variance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smart_spawn.model import CATEGORIES, Category

SHRINK = 0.15
"""The share of coverage at which half of the deviation from 50 would remain."""
STRETCH = 1 + SHRINK
"""What makes up for the shrinking at full coverage; all that lies between two scores is stretched by it."""
PRIOR_VARIANCE = 400.0
"""Points² of a model about which nothing is known, before the stretch: one standard deviation of the cohort."""
QUALITY_FLOOR = 40.0
"""Below this general score a model is not cheap but useless: its fast-cheap score is held down to it."""

Matrix = npt.NDArray[np.float64]
_FAST_CHEAP = CATEGORIES.index(Category.FAST_CHEAP)
_GENERAL = CATEGORIES.index(Category.GENERAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Category scores of many candidates; every array is [candidates × 7 categories]."""

    scores: Matrix
    """0–100 by intention, not clamped."""
    variances: Matrix
    """Points²."""
    coverage: Matrix
    """0–1: the share of the category's weight that evidence fills."""


def shrink_factor(coverage: Matrix) -> Matrix:
    """Return how much of the deviation from 50 survives: 0 without evidence, 1 with all of it."""
    return STRETCH * coverage / (coverage + SHRINK)


def score_categories(points: Matrix, quality: Matrix, weights: Matrix) -> ScoreTable:
    """Score every candidate in every category.

    `points` and `quality` are [candidates × boards] (quality 0 where there is no reading), `weights` is
    [7 × boards] and holds only boards that have a scale. A better reading never lowers a score.
    """
    present = quality @ weights.T
    total = weights.sum(axis=1)
    coverage = np.divide(present, total, out=np.zeros_like(present), where=total > 0)
    deviation = np.divide(
        (quality * (points - 50.0)) @ weights.T, present, out=np.zeros_like(present), where=present > 0
    )
    scores = 50.0 + deviation * shrink_factor(coverage)
    variances = STRETCH**2 * PRIOR_VARIANCE * (1 - coverage / (coverage + SHRINK))
    general, fast = scores[:, _GENERAL], scores[:, _FAST_CHEAP]
    scores[:, _FAST_CHEAP] = np.where(general < QUALITY_FLOOR, np.minimum(fast, general), fast)
    return ScoreTable(scores=scores, variances=variances, coverage=coverage)

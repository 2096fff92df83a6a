"""The figures by which routers are compared, as their papers define them.

Pairs of a strong and a weak model: PGR, APGR and CPT, from RouteLLM (arXiv 2406.18665). Many models: AIQ, from
RouterBench (arXiv 2403.12031). docs/guides/evaluate.md says them in words.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def recovered(
    scores: Numbers, gains: Numbers, times: Numbers | None = None
) -> tuple[Numbers, Numbers] | None:
    """Return the curve of a pair: share of calls to the strong model, and share of the gap recovered (PGR).

    `scores` order the prompts, the highest goes to the strong model first; `gains` are strong less weak; `times` says
    how often each prompt counts. Equal scores are shared evenly: no order among them is better. None without a gap.
    """
    times = np.ones_like(gains) if times is None else times
    _, place = np.unique(-scores, return_inverse=True)
    calls = np.bincount(place, weights=times)
    won = np.bincount(place, weights=times * gains)
    gap = won.sum()
    if gap <= 0:
        return None
    return np.r_[0.0, np.cumsum(calls) / calls.sum()], np.r_[0.0, np.cumsum(won) / gap]


def apgr(curve: tuple[Numbers, Numbers]) -> float:
    """Return the mean of PGR over the share of strong calls: 0.5 is chance, above 1 is possible."""
    return float(np.trapezoid(curve[1], curve[0]))


def cpt(curve: tuple[Numbers, Numbers], share: float) -> float | None:
    """Return the smallest share of strong calls at which `share` of the gap is recovered, between points linearly."""
    calls, won = curve
    reached = np.flatnonzero(won >= share)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0 or won[at] == won[at - 1]:
        return float(calls[at])
    part = (share - won[at - 1]) / (won[at] - won[at - 1])
    return float(calls[at - 1] + part * (calls[at] - calls[at - 1]))


def hull(costs: Numbers, quality: Numbers) -> tuple[Numbers, Numbers]:
    """Return the non-decreasing convex hull: what is reached by mixing the policies at these points."""
    order = np.lexsort((-quality, costs))
    kept: list[tuple[float, float]] = []
    for x, y in zip(costs[order].tolist(), quality[order].tolist(), strict=True):
        if kept and (y <= kept[-1][1] or x == kept[-1][0]):
            continue  # dearer and no better
        while len(kept) > 1 and _below(kept[-2], kept[-1], (x, y)):
            kept.pop()
        kept.append((x, y))
    return np.array([x for x, _ in kept]), np.array([y for _, y in kept])


def _below(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Tell whether the middle point lies on or under the line between the others."""
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (middle[0] - left[0])


def aiq(costs: Numbers, quality: Numbers, low: float, high: float) -> float | None:
    """Return the mean quality of the hull between two costs; dearer than its end it stays, cheaper it has none.

    `low` and `high` are the mean costs of the cheapest and the dearest model. None when they are the same.
    """
    if high <= low:
        return None
    xs, ys = hull(costs, quality)
    grid = np.unique(np.r_[low, xs[(xs > low) & (xs < high)], high])
    values = np.interp(grid, xs, ys, left=0.0)
    if xs[0] > low:  # nothing is offered below the first point: a step, not a slope
        grid, values = np.r_[low, xs[0], grid[grid >= xs[0]]], np.r_[0.0, 0.0, values[grid >= xs[0]]]
    return float(np.trapezoid(values, grid) / (high - low))

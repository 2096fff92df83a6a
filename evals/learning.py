"""Regret of choices that learn from ratings, beside benchmarks alone and a fixed blend: `python -m evals learning`.

A world has models with benchmark scores and true qualities in several categories, which correlate with the scores
as much as `--correlations` say. Decisions come one after the other, each for a category; the chosen model is rated by
one of several people, each with a mean of their own. Regret is what the best model would have been rated more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from smart_spawn.feedback.beliefs import BASE_SHARE, EVEN, POINTS_PER_RATING, TYPICAL_RATING, Vector
from smart_spawn.feedback.outcome import Outcome
from smart_spawn.feedback.posterior import Ground, posterior
from smart_spawn.feedback.tally import Tally
from smart_spawn.routing.policy import EXPLORE, EXPLORE_EVERY

AT = datetime(2026, 11, 1, tzinfo=UTC)
MODELS, CATEGORIES = 12, 4
QUALITY_SPREAD = 20.8
"""Points: a promise of 12, a model's own 12 and a category's own 12, independent of each other."""
SCORE_SPREAD = 20.0
NOISE = 0.9
"""Rating points."""
RATERS, RATER_SPREAD = 5, 0.4
CHECKPOINTS = (50, 200, 1_000)
WINDOW = 50

Choose = Callable[["World", int], int]


@dataclass(frozen=True, kw_only=True)
class World:
    """Scores, qualities and people, all drawn."""

    scores: Vector
    """[models × categories], 0 to 100 by intention."""
    quality: Vector
    """[models × categories], points."""
    rater_means: Vector


def world(rng: np.random.Generator, correlation: float) -> World:
    """Draw a world in which scores tell as much as the correlation says."""
    promise = rng.normal(size=(MODELS, 1)) * np.sqrt(0.7) + rng.normal(size=(MODELS, CATEGORIES)) * np.sqrt(
        0.3
    )
    own = rng.normal(size=(MODELS, 1)) * np.sqrt(0.5) + rng.normal(size=(MODELS, CATEGORIES)) * np.sqrt(0.5)
    truth = correlation * promise + np.sqrt(1 - correlation**2) * own
    return World(
        scores=EVEN + SCORE_SPREAD * promise,
        quality=EVEN + QUALITY_SPREAD * truth,
        rater_means=TYPICAL_RATING + RATER_SPREAD * rng.normal(size=RATERS),
    )


def rating(rng: np.random.Generator, drawn: World, model: int, category: int, rater: int) -> float:
    """Rate one answer, in whole stars."""
    mean = drawn.rater_means[rater] + (drawn.quality[model, category] - EVEN) / POINTS_PER_RATING
    return float(np.clip(np.rint(mean + NOISE * rng.normal()), 1, 5))


class BenchmarkOnly:
    """Never learns."""

    def __init__(self, drawn: World) -> None:
        self._drawn = drawn

    def choose(self, category: int) -> int:
        """Return the model with the best score."""
        return int(np.argmax(self._drawn.scores[:, category]))

    def learn(self, model: int, category: int, rater: int, value: float) -> None:
        """Do nothing."""


class FixedBlend(BenchmarkOnly):
    """70 % benchmark and 30 % mean rating, where there are three ratings."""

    def __init__(self, drawn: World) -> None:
        super().__init__(drawn)
        self._sum, self._count = np.zeros_like(drawn.scores), np.zeros_like(drawn.scores)

    def choose(self, category: int) -> int:
        """Return the model with the best blend."""
        count = self._count[:, category]
        mean = np.divide(self._sum[:, category], count, out=np.full(MODELS, TYPICAL_RATING), where=count > 0)
        score = self._drawn.scores[:, category]
        blend = 0.7 * score + 0.3 * (mean - 1) * 25
        return int(np.argmax(np.where(count >= 3, blend, score)))

    def learn(self, model: int, category: int, rater: int, value: float) -> None:
        """Remember the rating."""
        self._sum[model, category] += value
        self._count[model, category] += 1


class Ours(BenchmarkOnly):
    """Beliefs as the router has them."""

    def __init__(self, drawn: World, explore: float = EXPLORE, every: int = EXPLORE_EVERY) -> None:
        super().__init__(drawn)
        self._tally = Tally()
        self._explore, self._every = explore, every
        self._lots = np.random.default_rng(7)
        self._rank = EVEN + BASE_SHARE * (drawn.scores - EVEN)
        self._base = self._rank.copy()
        self._lack = np.zeros_like(drawn.scores)

    def _prior(self, model: str, category: str) -> float:
        return float(self._drawn.scores[int(model), int(category)])

    def choose(self, category: int) -> int:
        """Return the model with the best belief; for some tasks with a bonus for what is not known."""
        bonus = self._explore if self._lots.integers(self._every) == 0 else 0.0
        return int(np.argmax(self._rank[:, category] + bonus * self._lack[:, category]))

    def learn(self, model: int, category: int, rater: int, value: float) -> None:
        """Count the rating, and work the beliefs out again."""
        self._tally.add(
            Outcome(
                at=AT,
                voter=f"key_{rater}" if RATERS > 1 else "local",
                kind="rating",
                model=str(model),
                category=str(category),
                value=value,
            )
        )
        beliefs = self._tally.beliefs(AT)
        ground = Ground.of(beliefs, self._prior)
        found = posterior(beliefs, ground)
        self._rank = self._base.copy()
        for name, offset in zip(ground.models, found.offsets, strict=True):
            self._rank[int(name)] += offset
        for (name, where), belief, lack in zip(ground.cells, found.beliefs, found.lacks, strict=True):
            self._rank[int(name), int(where)] = belief
            self._lack[int(name), int(where)] = lack


POLICIES: dict[str, Callable[[World], BenchmarkOnly]] = {
    "benchmark only": BenchmarkOnly,
    "fixed 70/30": FixedBlend,
    "ours": Ours,
    "ours, without trying out": lambda drawn: Ours(drawn, explore=0.0),
    "ours, always with 0.5 sd": lambda drawn: Ours(drawn, explore=0.5, every=1),
}


def regrets(policy: str, correlation: float, seed: int, steps: int) -> Vector:
    """Return the regret of each decision of one run, in rating points. The world depends on the seed alone."""
    rng = np.random.default_rng([seed, int(correlation * 100)])
    drawn = world(rng, correlation)
    chooser = POLICIES[policy](drawn)
    best = drawn.quality.max(axis=0)
    lost = np.zeros(steps)
    shares = 1 / np.arange(1, CATEGORIES + 1)
    for step in range(steps):
        category = int(rng.choice(CATEGORIES, p=shares / shares.sum()))
        rater = int(rng.integers(RATERS))
        model = chooser.choose(category)
        lost[step] = (best[category] - drawn.quality[model, category]) / POINTS_PER_RATING
        chooser.learn(model, category, rater, rating(rng, drawn, model, category, rater))
    return lost


def at_checkpoints(lost: Vector) -> list[float]:
    """Return the mean regret of the decisions around each checkpoint: the fifty before it."""
    return [float(lost[n - WINDOW : n].mean()) for n in CHECKPOINTS]


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for each correlation and policy."""
    parser = argparse.ArgumentParser(prog="evals learning", description=__doc__)
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--correlations", type=float, nargs="*", default=[0.3, 0.6, 0.8])
    asked = parser.parse_args(argv)
    print("| correlation | policy | after 50 | after 200 | after 1,000 |\n|---|---|---|---|---|")
    for correlation in asked.correlations:
        for policy in POLICIES:
            rows = np.array(
                [
                    at_checkpoints(regrets(policy, correlation, seed, CHECKPOINTS[-1]))
                    for seed in range(asked.worlds)
                ]
            )
            errors = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
            cells = " | ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(rows.mean(axis=0), errors, strict=True))
            print(f"| {correlation} | {policy} | {cells} |", flush=True)
    return 0

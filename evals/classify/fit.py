"""Fit the weights: a multinomial logistic regression on sparse features, in plain numpy.

Features are scaled as at run time (strength over the root of the sum of squares), so that what is learned is
what will be weighed.
"""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.classify.corpus import OWN, Prompt
from smart_spawn.classify.courtesy_words import COURTESY_WORDS
from smart_spawn.classify.features import ASK_STRENGTH, MARK_STRENGTH, features, read
from smart_spawn.classify.weights import OFFSET
from smart_spawn.model import CATEGORIES

Floats = npt.NDArray[np.float64]
LANES = {category: lane for lane, category in enumerate(CATEGORIES)}

VOCABULARY = 12_500
MIN_PROMPTS = 2
L2 = 1e-5
STEPS = 120
LEARNING_RATE = 0.5
OWN_SHARE = 30.0
"""How much our own prompts weigh together, with all public ones together as 1: they look like what is asked here."""
ALSO_SHARE = 0.3
"""The part of the target given to the other right categories."""
BALANCE = 0.7
"""0: categories weigh by their number of prompts; 1: all the same."""
TEMPERATURE = 0.5
FLOOR = 0.12
"""The logits are divided by `TEMPERATURE`; then this much of every probability is spread evenly. Both were set by
hand from measurements on sources left out: the fit is too timid in the middle and too sure at the top."""
_COMMON_WORDS = """
    a an the in of to and for with on that this is are was were s t your his her its from by at as it be or but not
    so into than then them they their there these those we our us he she has have had will one some all any about if
    when while which who whose been being also more most very up out over such only other no
"""
_QUANTITIES = "how many much each every few two couple long more left get gets got days day week minutes"
LEFT_OUT = (COURTESY_WORDS | {*_COMMON_WORDS.split(), "@number"}) - {*_QUANTITIES.split()}
"""Words that fit every task: alone they only learn what the training prompts have in common by chance, and then a
friendlier wording of the same task is read as another kind of task. In pairs they may tell: "how can". Words of
quantities stay, because sums are told with them."""
_SQUARES = {1: 1, ASK_STRENGTH: ASK_STRENGTH**2, ASK_STRENGTH + 1: ASK_STRENGTH**2 + 1}
"""What a strength adds to the sum of squares: a word in both places counts as two features, as at run time."""

Features = Mapping[str, int]


def featurise(prompts: Sequence[Prompt]) -> list[Features]:
    """Read every prompt as the service would."""
    return [features(read(prompt.text)) for prompt in prompts]


@dataclass(frozen=True, slots=True)
class Model:
    """What a fit found: a row of weights per feature name, and the bias as the last row."""

    vocabulary: dict[str, int]
    rows: Floats

    def probabilities(
        self, rows: Sequence[Features], temperature: float = TEMPERATURE, floor: float = FLOOR
    ) -> Floats:
        """Predict; one row per prompt, one column per category."""
        sharp = _softmax(_Matrix.of(rows, self.vocabulary).dot(self.rows) / temperature)
        return np.asarray((1 - floor) * sharp + floor / len(CATEGORIES))


def fit(prompts: Sequence[Prompt], rows: Sequence[Features]) -> Model:
    """Fit by full-batch Adam, which needs no tuning here and gives the same weights every time."""
    targets, importance = _targets(prompts), _importance(prompts)
    vocabulary = _choose(rows, targets, importance)
    matrix = _Matrix.of(rows, vocabulary)
    weights = np.zeros((len(vocabulary) + 1, len(CATEGORIES)))
    momentum, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        error = (_softmax(matrix.dot(weights)) - targets) * importance[:, None]
        slope = matrix.transposed_dot(error) + L2 * weights
        slope[-1] -= L2 * weights[-1]  # the bias is free
        momentum = 0.9 * momentum + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        rate = LEARNING_RATE * (1 - 0.9 * step / STEPS)
        weights -= rate * (momentum / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return Model(vocabulary, weights)


def packed(model: Model, version: str) -> str:
    """Write the weights' file: names by kind and one byte a weight (see `smart_spawn.classify.weights`)."""
    rows = model.rows - model.rows.mean(axis=1, keepdims=True)  # the softmax does not see a common shift
    bias = rows[-1] / TEMPERATURE
    unit = float(np.percentile(np.abs(rows[:-1]).max(axis=1), 99.8)) / (OFFSET - 1)
    small = np.clip(np.round(rows[:-1] / unit), 1 - OFFSET, OFFSET - 1).astype(int)
    words: list[str] = []
    prefixes: list[str] = []
    pairs: list[str] = []
    for name in sorted(model.vocabulary):
        (pairs if " " in name else prefixes if name.endswith("*") and len(name) > 1 else words).append(name)
    order = [model.vocabulary[name] for name in (*words, *prefixes, *pairs)]
    document = {
        "version": version,
        "categories": list(CATEGORIES),
        "bias": [round(float(value), 4) for value in bias],
        "scale": round(unit / TEMPERATURE, 7),
        "floor": FLOOR,
        "words": "\n".join(words),
        "prefixes": "\n".join(name.removesuffix("*") for name in prefixes),
        "pairs": "\n".join(pairs),
        "weights": base64.b85encode(bytes((small[order] + OFFSET).ravel().tolist())).decode("ascii"),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A sparse matrix, by rows and by columns, with a last column of ones for the bias."""

    columns: npt.NDArray[np.int64]
    values: Floats
    row_starts: npt.NDArray[np.int64]
    by_column: npt.NDArray[np.int64]
    rows_by_column: npt.NDArray[np.int64]
    used_columns: npt.NDArray[np.int64]
    column_starts: npt.NDArray[np.int64]
    width: int

    @classmethod
    def of(cls, rows: Sequence[Features], vocabulary: Mapping[str, int]) -> _Matrix:
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for row in rows:
            known = [
                (vocabulary[name], strength, MARK_STRENGTH**2 if name.startswith("@") else _SQUARES[strength])
                for name, strength in row.items()
                if name in vocabulary
            ]
            norm = math.sqrt(sum(square for _, _, square in known) or 1)
            columns += [column for column, _, _ in known]
            values += [strength / norm for _, strength, _ in known]
            columns.append(len(vocabulary))
            values.append(1.0)
            starts.append(len(columns))
        index = np.array(columns)
        order = np.argsort(index, kind="stable")
        used, column_starts = np.unique(index[order], return_index=True)
        row_of = np.repeat(np.arange(len(rows)), np.diff(starts))
        return cls(
            index,
            np.array(values),
            np.array(starts[:-1]),
            order,
            row_of[order],
            used,
            column_starts,
            len(vocabulary) + 1,
        )

    def dot(self, weights: Floats) -> Floats:
        products = weights[self.columns] * self.values[:, None]
        return np.asarray(np.add.reduceat(products, self.row_starts, axis=0))

    def transposed_dot(self, errors: Floats) -> Floats:
        products = errors[self.rows_by_column] * self.values[self.by_column][:, None]
        result = np.zeros((self.width, errors.shape[1]))
        result[self.used_columns] = np.add.reduceat(products, self.column_starts, axis=0)
        return result


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _targets(prompts: Sequence[Prompt]) -> Floats:
    targets = np.zeros((len(prompts), len(CATEGORIES)))
    for row, prompt in zip(targets, prompts, strict=True):
        others = prompt.also - {prompt.label}
        row[LANES[prompt.label]] = 1 - ALSO_SHARE if others else 1.0
        for other in others:
            row[LANES[other]] = ALSO_SHARE / len(others)
    return targets


def _importance(prompts: Sequence[Prompt]) -> Floats:
    """Weigh prompts: one vote a template of ours, a root's worth a (source, label), categories near even."""
    groups = Counter(prompt.group for prompt in prompts)
    cells = Counter((prompt.source, prompt.label) for prompt in prompts)
    weights = np.array(
        [
            1 / groups[prompt.group] if prompt.source == OWN else cells[prompt.source, prompt.label] ** -0.5
            for prompt in prompts
        ]
    )
    own = np.array([prompt.source == OWN for prompt in prompts])
    if own.any() and not own.all():
        weights[own] *= OWN_SHARE * weights[~own].sum() / weights[own].sum()
    lanes = np.array([LANES[prompt.label] for prompt in prompts])
    share = np.bincount(lanes, weights=weights, minlength=len(CATEGORIES)) / weights.sum()
    weights *= (1 / len(CATEGORIES) / share[lanes]) ** BALANCE
    return np.asarray(weights / weights.sum())


def _choose(rows: Sequence[Features], targets: Floats, importance: Floats) -> dict[str, int]:
    """Keep the features that tell most (weighted chi-square) of those that occur more than once."""
    often = Counter(name for row in rows for name in row)
    names = sorted(name for name, count in often.items() if count >= MIN_PROMPTS and name not in LEFT_OUT)
    index = {name: at for at, name in enumerate(names)}
    observed = np.zeros((len(names), len(CATEGORIES)))
    for row, target, weight in zip(rows, targets, importance, strict=True):
        known = [index[name] for name in row if name in index]
        observed[known] += target * weight
    expected = observed.sum(axis=1, keepdims=True) * (targets * importance[:, None]).sum(axis=0)
    telling = ((observed - expected) ** 2 / (expected + 1e-12)).sum(axis=1)
    best = np.argsort(-telling, kind="stable")[:VOCABULARY]
    return {name: at for at, name in enumerate(sorted(names[int(i)] for i in best))}

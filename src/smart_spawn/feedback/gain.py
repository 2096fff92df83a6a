"""Learned gain: how right each model will be on one prompt, from recorded outcomes of many others.

First comes the mean of the prompt's kind. To it is added what three witnesses say of the prompt itself: the most
similar prompts on record (of `n` prompts, `n / (n + 500)` of that), a ridge regression over hashed words and pairs of
words, and the prompt's size. How far each is believed is measured on prompts that were left out; one that does not
help there is off, and when none helps the kind's mean stands alone. Nothing is kept of a prompt but hashed features.
Why these: docs/experiments.md.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FEATURES = 8192
READ_CHARS = 4_000
"""Of a longer prompt its beginning and its end."""
KIND_STRENGTH = 20.0
"""So many prompts of the overall mean are added to those of one kind."""
HALF_TRUST = 500.0
"""With so many prompts on record the similar ones count half."""
NEIGHBOURS = 100
RIDGE = 10.0
SIZE_RIDGE = 10.0
MANY = 200
"""A kind with so many prompts learns by itself what their size means."""
MOST_BELIEF = 1.5
"""Nobody is believed for more than this many times what they say."""
BELIEF_RIDGE = 0.02
"""Belief is drawn to nothing by this share of the witnesses' own variance."""
FOLDS = 4
CHANCE = 2.0
"""Help within so many standard errors of none is called chance."""
FEWEST = 40
MOST_PROMPTS = 8_000
"""More are thinned evenly: the work grows with their square, what they add does not."""
BATCH = 500
DESCENT_STEPS = 60
CLOSE_ENOUGH = 1e-3

Matrix = npt.NDArray[np.float32]

_PIECES = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """What was learned. `predict` says how right each model will be; a gain is the difference of two."""

    names: tuple[str, ...]
    """The columns: models, or whatever was measured."""
    prompts: int
    """How many taught it."""
    skill: float
    """The share of the differences between models that kinds leave open and prompts explained, when left out."""
    helped: Mapping[str, float]
    """By name, the same share of what sets it apart, with belief too found on other prompts; negative is harm, and
    what chance alone may give is 0. Empty where prompts were not read."""
    overall: Matrix
    kinds: Mapping[str, Matrix]
    text: _Text | None
    """None where no words were recorded, or none helped."""

    @property
    def on(self) -> bool:
        """Whether prompts are read at all: only when that helped where it was tried."""
        return self.text is not None

    def predict(self, tasks: Sequence[str], kinds: Sequence[str]) -> Matrix:
        """Return [tasks × names]. A kind that was never seen has the overall mean."""
        found = np.zeros((len(tasks), len(self.names)), np.float32)
        for row, kind in enumerate(kinds):
            found[row] = self.kinds.get(kind, self.overall)
        if self.text is not None and len(tasks):
            found += self.text.says(tasks, kinds)
        return found

    def gain(self, strong: str, weak: str, task: str, kind: str) -> float:
        """Return how much more often `strong` is expected to be right than `weak`, -1 to 1."""
        row = self.predict([task], [kind])[0]
        return float(row[self.names.index(strong)] - row[self.names.index(weak)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """The part that reads prompts: all that is known of those on record, and how far each witness is believed."""

    rarity: Matrix
    words: Matrix
    rest: Matrix
    """[prompts × names]: what their kind leaves unexplained."""
    duals: Matrix
    """[prompts × names]: the regression's weights, a prompt each."""
    sizes: Sizes
    belief: _Belief

    def says(self, tasks: Sequence[str], kinds: Sequence[str]) -> Matrix:
        """Return [tasks × names], around zero."""
        parts = []
        for at in range(0, len(tasks), BATCH):
            some, own = tasks[at : at + BATCH], kinds[at : at + BATCH]
            alike = weighted(hashed(some), self.rarity) @ self.words.T
            line: Matrix = np.asarray(alike @ self.duals, np.float32)
            witnesses = (neighbours(alike, self.rest), line, self.sizes.say(some, own))
            parts.append(self.belief.of(witnesses))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a prompt's size says: a small regression for all kinds, and one for each that has many prompts."""

    mean: Matrix
    deviation: Matrix
    slopes: Mapping[str, Matrix]

    @classmethod
    def fitted(cls, raw: Matrix, kinds: Sequence[str], rest: Matrix, many: Sequence[str]) -> Sizes:
        """Fit what sizes say of `rest` [prompts × names]; the kinds in `many` have a regression of their own."""
        mean, deviation = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-6)
        scaled = np.clip((raw - mean) / deviation, -4, 4)
        names = np.array(kinds)
        slopes = {"": _small_ridge(scaled, rest)}
        for kind in many:
            slopes[kind] = _small_ridge(scaled[names == kind], rest[names == kind])
        return cls(mean=mean, deviation=deviation, slopes=slopes)

    def say(self, tasks: Sequence[str], kinds: Sequence[str]) -> Matrix:
        """Return [tasks × names], around zero."""
        return self.of(measured(tasks), kinds)

    def of(self, raw: Matrix, kinds: Sequence[str]) -> Matrix:
        """Return the same for prompts that are measured already."""
        scaled = np.clip((raw - self.mean) / self.deviation, -4, 4).astype(np.float32)
        rows = [scaled[r] @ self.slopes.get(kind, self.slopes[""]) for r, kind in enumerate(kinds)]
        return np.asarray(rows, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belief:
    """How far each witness is believed: about all models together, and about what sets them apart."""

    level: Matrix
    apart: Matrix

    def of(self, said: Sequence[Matrix]) -> Matrix:
        """Return what is believed of what the witnesses said."""
        found = np.zeros_like(said[0])
        for one, level, apart in zip(said, self.level, self.apart, strict=True):
            mean = one.mean(axis=1, keepdims=True)
            found += level * mean + apart * (one - mean)
        return found


def learn_gains(
    names: Sequence[str], tasks: Sequence[str], kinds: Sequence[str], outcomes: npt.NDArray[np.floating]
) -> Gains:
    """Learn from `outcomes` [prompts × names], 0 to 1. Tasks that are all alike, or empty, teach only their kind.

    Takes some twenty seconds for 7,000 prompts on one core, and 800 MB.
    """
    thin = max(1, -(-len(tasks) // MOST_PROMPTS))
    tasks, kinds = list(tasks[::thin]), list(kinds[::thin])
    right = np.asarray(outcomes[::thin], np.float32)
    overall, means = _means(kinds, right)
    text, skill, helped = None, 0.0, np.zeros(0, np.float32)
    if len(tasks) >= FEWEST and len(set(tasks)) >= len(tasks) / 2:
        text, skill, helped = _read(tasks, kinds, right)
    return Gains(
        names=tuple(names),
        prompts=len(tasks),
        skill=skill,
        helped=dict(zip(names, helped.tolist(), strict=False)),
        overall=overall,
        kinds=means,
        text=text,
    )


def _means(kinds: Sequence[str], right: Matrix) -> tuple[Matrix, dict[str, Matrix]]:
    """Return the overall mean, and each kind's, drawn towards it."""
    overall = right.mean(axis=0)
    found = {}
    names = np.array(kinds)
    for kind in sorted(set(kinds)):
        own = right[names == kind]
        found[kind] = (own.sum(axis=0) + KIND_STRENGTH * overall) / (len(own) + KIND_STRENGTH)
    return overall, found


def _read(tasks: Sequence[str], kinds: Sequence[str], right: Matrix) -> tuple[_Text | None, float, Matrix]:
    """Fit on everything; believe each witness as far as it was right about folds that it had not seen."""
    found = hashed(tasks)
    rarity = np.log((1 + len(found)) / (1 + found.sum(axis=0))).astype(np.float32)
    words, raw = weighted(found, rarity), measured(tasks)
    alike = words @ words.T
    many = [kind for kind, count in sorted(Counter(kinds).items()) if count >= MANY]
    left, said = _left_out(alike, raw, kinds, right, many)
    belief, helped = _belief(left, said), _helped(left, said)
    if not (belief.level.any() or belief.apart.any()):
        return None, 0.0, helped
    before, after = _apart(left), _apart(left - belief.of(said))
    skill = 1 - float((after**2).sum() / max(float((before**2).sum()), 1e-9))
    _, means = _means(kinds, right)
    rest = right - np.stack([means[kind] for kind in kinds])
    text = _Text(
        rarity=rarity,
        words=words,
        rest=rest,
        duals=_ridge(alike, rest),
        sizes=Sizes.fitted(raw, kinds, rest, many),
        belief=belief,
    )
    return text, skill, helped


def _left_out(
    alike: Matrix, raw: Matrix, kinds: Sequence[str], right: Matrix, many: Sequence[str]
) -> tuple[Matrix, tuple[Matrix, ...]]:
    """Return for every prompt what its kind left open, and what each witness, taught by other folds, said of it."""
    fold = np.arange(len(kinds)) % FOLDS
    left = np.zeros_like(right)
    said = tuple(np.zeros_like(right) for _ in range(3))
    for f in range(FOLDS):
        own, others = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        taught, asked = [kinds[int(i)] for i in others], [kinds[int(i)] for i in own]
        overall, means = _means(taught, right[others])
        rest = right[others] - np.stack([means[kind] for kind in taught])
        left[own] = right[own] - np.stack([means.get(kind, overall) for kind in asked])
        near = alike[np.ix_(own, others)]
        said[0][own] = neighbours(near, rest)
        said[1][own] = near @ _ridge(alike[np.ix_(others, others)], rest)
        said[2][own] = Sizes.fitted(raw[others], taught, rest, many).of(raw[own], asked)
    return left, said


def _helped(left: Matrix, said: Sequence[Matrix]) -> Matrix:
    """Return per name how much of what sets it apart was foretold, each fold by the belief that the others gave.

    Nobody was helped where all names together were not: of many, some look helped by chance.
    """
    fold = np.arange(len(left)) % FOLDS
    after = np.zeros_like(left)
    for f in range(FOLDS):
        own = fold == f
        belief = _belief(left[~own], [one[~own] for one in said])
        after[own] = _apart(left[own] - belief.of([one[own] for one in said]))
    before = _apart(left) ** 2
    better = before - after**2
    sure = np.abs(better.mean(axis=0)) > CHANCE * better.std(axis=0) / math.sqrt(len(better))
    found: Matrix = np.where(sure, better.sum(axis=0) / np.maximum(before.sum(axis=0), 1e-9), 0.0)
    together = better.sum(axis=1)
    if together.mean() <= CHANCE * together.std() / math.sqrt(len(together)):
        return np.minimum(found, 0.0)
    return found


def _apart(values: Matrix) -> Matrix:
    return np.asarray(values - values.mean(axis=1, keepdims=True), np.float32)


def _belief(left: Matrix, said: Sequence[Matrix]) -> _Belief:
    """Find how far to believe each witness, from 0 to `MOST_BELIEF`."""
    level = _weights(left.mean(axis=1), [one.mean(axis=1) for one in said])
    return _Belief(level=level, apart=_weights(_apart(left).ravel(), [_apart(one).ravel() for one in said]))


def _weights(target: Matrix, said: Sequence[Matrix]) -> Matrix:
    """Fit non-negative weights: least squares, dropping the most negative until none is left."""
    columns = np.stack([np.asarray(one, np.float64) for one in said], axis=1)
    kept = [k for k in range(columns.shape[1]) if columns[:, k].any()]
    found = np.zeros(columns.shape[1])
    while kept:
        some = columns[:, kept]
        squares = some.T @ some
        squares += BELIEF_RIDGE * np.diag(np.diag(squares))
        weights = np.linalg.solve(squares, some.T @ target)
        if (weights > 0).all():
            found[kept] = np.minimum(weights, MOST_BELIEF)
            break
        kept.pop(int(np.argmin(weights)))
    return found.astype(np.float32)


def _ridge(alike: Matrix, rest: Matrix) -> Matrix:
    """Solve (K + λ) a = y for all columns at once by conjugate gradients: K is large, and a few steps are enough."""
    found = np.zeros_like(rest)
    residual = rest.copy()
    direction = residual.copy()
    squared = (residual**2).sum(axis=0)
    enough = CLOSE_ENOUGH**2 * squared
    for _ in range(DESCENT_STEPS):
        if (squared <= enough).all():
            break
        turned = alike @ direction + RIDGE * direction
        step = squared / np.maximum((direction * turned).sum(axis=0), 1e-20)
        found += step * direction
        residual -= step * turned
        now = (residual**2).sum(axis=0)
        direction = residual + direction * (now / np.maximum(squared, 1e-20))
        squared = now
    return found


def _small_ridge(columns: Matrix, rest: Matrix) -> Matrix:
    squares = columns.T @ columns + SIZE_RIDGE * np.eye(columns.shape[1], dtype=np.float32)
    return np.linalg.solve(squares, columns.T @ rest).astype(np.float32)


def neighbours(alike: Matrix, rest: Matrix) -> Matrix:
    """Average what the most similar known prompts left unexplained, weighed by similarity; fewer prompts say less."""
    count = min(NEIGHBOURS, alike.shape[1])
    near = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    weight = np.take_along_axis(alike, near, axis=1)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-6)
    found = np.zeros((len(alike), rest.shape[1]), np.float32)
    for row in range(len(near)):
        found[row] = weight[row] @ rest[near[row]]
    return found * np.float32(len(rest) / (len(rest) + HALF_TRUST))


def _clipped(task: str) -> str:
    return task if len(task) <= READ_CHARS else task[: READ_CHARS // 2] + task[-READ_CHARS // 2 :]


def hashed(tasks: Sequence[str]) -> Matrix:
    """Return [tasks × FEATURES]: 1 where a word or a pair of neighbouring words falls."""
    found = np.zeros((len(tasks), FEATURES), np.float32)
    for row, task in enumerate(tasks):
        pieces = _PIECES.findall(_clipped(task).lower())
        grams = {*pieces, *(f"{a} {b}" for a, b in pairwise(pieces))}
        found[row, [zlib.crc32(gram.encode("utf-8", "replace")) % FEATURES for gram in grams]] = 1.0
    return found


def weighted(features: Matrix, rarity: Matrix) -> Matrix:
    """Weigh features by their rarity, in place, and give every prompt the length 1."""
    features *= rarity
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    return features


def measured(tasks: Sequence[str]) -> Matrix:
    """Measure each prompt: characters, words, numbers, sentences, all as logarithms."""
    rows = [
        (
            len(task),
            task.count(" "),
            len(re.findall(r"\d+", _clipped(task))),
            len(re.findall(r"[.!?\n]", _clipped(task))),
        )
        for task in tasks
    ]
    return np.log1p(np.array(rows, np.float32).reshape(len(tasks), 4))

"""Learned gain beside live choices: small enough to load at start, quick enough to ask for every task.

Made of what `gain.py` learned: for each model that it helped, how much more (or less) often than the others it is
right on prompts like this one. How good a model is on the whole is left to benchmarks and votes. A task that is less
like those on record than they are like each other gets nothing. Why these: docs/adr/0017-learned-gain.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt

from smart_spawn.feedback.gain import FEATURES, MOST_PROMPTS, Gains, Matrix, Sizes, hashed, neighbours

POINTS = 100.0
"""Score points of being always right instead of never: a percentage point is one. Boards in percent spread their
models by 5 to 24 percentage points (median 12.5), and that is 20 score points: this is the careful end."""
MOST_POINTS = 10.0
"""Half a standard deviation of a board: similar tasks decide between near equals and lift no weak model far."""
MOST_MODELS = 32
"""Those that it helped most: a decision keeps the points of each."""
MOST_KINDS = 256
NEAREST = 10
"""A task's likeness to the record is its mean likeness to so many prompts."""
STRANGE = 5.0
"""Likeness below this percentile of what prompts on record have among themselves is none."""
SAMPLE = 400
SIZES = 4
"""How many sizes of a prompt `measured` gives."""
LARGEST_FILE_BYTES = 64 * 1024 * 1024
FORMAT = 1

Rows = npt.NDArray[np.int64]


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file: numbers, names of models and of kinds, and no text."""

    is_a: Literal["smart-spawn learned gain"] = "smart-spawn learned gain"
    format: int = FORMAT
    features: int = FEATURES
    helped: dict[str, float]
    """By model, best helped first."""
    likeness: float
    rarity: bytes
    counts: bytes
    """How many features each prompt has."""
    hashed: bytes
    """The features themselves, one prompt after the other."""
    near: bytes
    line: bytes
    size_mean: bytes
    size_deviation: bytes
    slopes: dict[str, bytes]


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveGain:
    """What similar tasks on record say of some models."""

    helped: Mapping[str, float]
    """By model, the share of what sets it apart that was foretold on prompts left out; all above 0."""
    likeness: float
    rarity: Matrix
    prompt: Rows
    """Of every feature of every prompt, the prompt."""
    feature: Rows
    """The feature itself; prompts are in order."""
    near: Matrix
    """[prompts × models]: what similar prompts are worth; all that is believed is in the numbers."""
    line: Matrix
    """[prompts × models]: the regression."""
    sizes: Sizes
    """Of a prompt; all that is believed of them is in the numbers."""

    @property
    def prompts(self) -> int:
        """How many taught it."""
        return len(self.near)

    def points(self, task: str, kind: str) -> dict[str, float]:
        """Return by model the points that this task adds or takes, to one digit; none for what is like no other."""
        alike = self._alike(task)
        if _likeness(alike) < self.likeness:
            return {}
        share = neighbours(alike[None, :], self.near)[0] + alike @ self.line
        share = share + self.sizes.say([task], [kind])[0]
        found = {}
        for model, one in zip(self.helped, share.tolist(), strict=True):
            points = round(min(max(POINTS * one, -MOST_POINTS), MOST_POINTS), 1)
            if points:
                found[model] = points
        return found

    def _alike(self, task: str) -> Matrix:
        """Return the likeness (0 to 1) of a task to every prompt."""
        own = hashed([task])[0] * self.rarity
        own /= max(float(np.linalg.norm(own)), 1e-6)
        starts, holders, weights = self._postings
        asked = np.flatnonzero(own)
        spans = [slice(a, b) for a, b in zip(starts[asked].tolist(), starts[asked + 1].tolist(), strict=True)]
        if not spans:
            return np.zeros(self.prompts, np.float32)
        worth = np.repeat(own[asked], starts[asked + 1] - starts[asked])
        worth *= np.concatenate([weights[span] for span in spans])
        found = np.bincount(np.concatenate([holders[span] for span in spans]), worth, self.prompts)
        return found.astype(np.float32)

    @cached_property
    def _postings(self) -> tuple[Rows, Rows, Matrix]:
        """Return where each feature begins, the prompts that have it, and its weight in each."""
        held = self.rarity[self.feature]
        length = np.sqrt(np.bincount(self.prompt, held**2, self.prompts))
        weights = (held / np.maximum(length, 1e-6)[self.prompt]).astype(np.float32)
        order = np.argsort(self.feature, kind="stable")
        starts = np.searchsorted(self.feature[order], np.arange(FEATURES + 1))
        return starts, self.prompt[order], weights[order]

    @cached_property
    def version(self) -> str:
        """Name it by its content."""
        return hashlib.sha256(self.content()).hexdigest()[:12]

    @classmethod
    def of(cls, gains: Gains) -> Self | None:
        """Keep what helped; None where nothing did."""
        ranked = sorted(gains.helped.items(), key=lambda one: (-one[1], one[0]))
        helped = {name: round(share, 4) for name, share in ranked[:MOST_MODELS] if share > 0}
        if gains.text is None or not helped:
            return None
        text, kept = gains.text, [gains.names.index(name) for name in helped]
        near, line, size = text.belief.apart.tolist()

        def apart(said: Matrix, belief: float) -> Matrix:
            return np.asarray(belief * (said - said.mean(axis=1, keepdims=True)), np.float32)[:, kept]

        prompt, feature = np.nonzero(text.words)
        return cls(
            helped=helped,
            likeness=round(_usual_likeness(text.words), 6),
            rarity=text.rarity,
            prompt=prompt,
            feature=feature,
            near=apart(text.rest, near),
            line=apart(text.duals, line),
            sizes=Sizes(
                mean=text.sizes.mean,
                deviation=text.sizes.deviation,
                slopes={k: apart(text.sizes.slopes[k], size) for k in sorted(text.sizes.slopes)[:MOST_KINDS]},
            ),
        )

    def content(self) -> bytes:
        """Return what a file of it holds, the same every time."""
        counts = np.bincount(self.prompt, minlength=self.prompts)
        return msgspec.msgpack.encode(
            _File(
                helped=dict(self.helped),
                likeness=self.likeness,
                rarity=self.rarity.astype("<f4").tobytes(),
                counts=counts.astype("<u2").tobytes(),
                hashed=self.feature.astype("<u2").tobytes(),
                near=self.near.astype("<f4").tobytes(),
                line=self.line.astype("<f4").tobytes(),
                size_mean=self.sizes.mean.astype("<f4").tobytes(),
                size_deviation=self.sizes.deviation.astype("<f4").tobytes(),
                slopes={kind: slope.astype("<f4").tobytes() for kind, slope in self.sizes.slopes.items()},
            )
        )

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read what `content` gave. Raises ValueError, which says what is wrong with it."""
        try:
            file = msgspec.msgpack.decode(content, type=_File)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)[:200]) from None
        if (file.format, file.features) != (FORMAT, FEATURES):
            raise ValueError(f"its format is {file.format}, and {FORMAT} is read")
        counts, feature = np.frombuffer(file.counts, "<u2"), np.frombuffer(file.hashed, "<u2")
        prompts, models = len(counts), len(file.helped)
        if not 0 < prompts <= MOST_PROMPTS or not 0 < models <= MOST_MODELS or "" not in file.slopes:
            raise ValueError(f"{prompts:,} prompts and {models:,} models are none or too many")
        if counts.sum() != len(feature) or (len(feature) and feature.max() >= FEATURES):
            raise ValueError("its features do not belong to its prompts")
        return cls(
            helped=file.helped,
            likeness=file.likeness,
            rarity=_numbers(file.rarity, FEATURES),
            prompt=np.repeat(np.arange(prompts), counts),
            feature=feature.astype(np.int64),
            near=_numbers(file.near, prompts, models),
            line=_numbers(file.line, prompts, models),
            sizes=Sizes(
                mean=_numbers(file.size_mean, SIZES),
                deviation=np.maximum(_numbers(file.size_deviation, SIZES), 1e-6),
                slopes={kind: _numbers(slope, SIZES, models) for kind, slope in file.slopes.items()},
            ),
        )


def _numbers(content: bytes, *shape: int) -> Matrix:
    """Read numbers of this shape. Raises ValueError where there are more or fewer, or one is none."""
    found = np.frombuffer(content, "<f4").astype(np.float32).reshape(shape)
    if not np.isfinite(found).all():
        raise ValueError("a number in it is not finite")
    return found


def _likeness(alike: Matrix) -> float:
    """Return the mean likeness to the most similar prompts."""
    count = min(NEAREST, len(alike))
    return float(np.partition(alike, len(alike) - count)[-count:].mean())


def _usual_likeness(words: Matrix) -> float:
    """Return the likeness to the others that nearly every prompt on record has, from an even sample of them."""
    sample = np.arange(0, len(words), max(1, len(words) // SAMPLE))
    alike = words[sample] @ words.T
    alike[np.arange(len(sample)), sample] = 0.0
    return float(np.percentile([_likeness(row) for row in alike], STRANGE))

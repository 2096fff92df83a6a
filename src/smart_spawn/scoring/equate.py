"""Fair cohorts: boards test different crowds, and the models that they share say how the crowds differ.

z = 0 among 46 frontier models is another feat than z = 0 among 4,500 small ones. Linear equating gives every board
an offset and a slope, so that over the models it shares with other publishers its mean and spread equal what those
publishers say about the same models: common = offset + slope · z. The common scale has mean 0 and standard
deviation 1 over the reference cohort, all models of the catalogue that some linked board has measured.
See docs/adr/0008-equated-scales.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MIN_SHARED = 8
"""A board that shares fewer models with the others is not linked: chance would move it too far."""
MIN_AGREEMENT = 0.2
"""A board whose shared models correlate less than this with the rest measures something else: it is not linked."""
SLOPE_PRIOR = 5.0
"""A slope counts as if this many more shared models had shown the slope 1."""
MAX_ROUNDS = 500
TOLERANCE = 1e-11
DIGITS = 4
"""Links are rounded, so that the last bits of a processor's sums change no catalogue."""

BoardKey = tuple[str, str]
"""Board and edition: what shares a scale."""
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How one board's z-scores become positions on the common scale."""

    offset: float
    """Where the board's mean stands on the common scale."""
    slope: float
    """How many units of the common scale one standard deviation of the board is; always above zero."""
    shared: int
    """The models that it was linked by."""


def group_of(key: BoardKey) -> BoardKey:
    """Return whose crowd a board has tested: its publisher, which is the first word of its name, and its edition."""
    board, edition = key
    return board.partition("_")[0], edition


def link_boards(
    cohorts: Mapping[BoardKey, Mapping[str, float]], *, reference: Collection[str]
) -> dict[BoardKey, Link]:
    """Link the boards that share enough models with other publishers' boards.

    `cohorts` holds one plain z-score per board and model, higher is better. What is not in the answer keeps its plain
    z-scores. Boards of one publisher and edition count together as one voice per model. The order of boards and
    models does not matter, nor do the boards' units. Source: mean-sigma linear equating, iterated until the boards
    agree on the shared models; docs/adr/0008-equated-scales.md has what it predicts.
    """
    linked = _agreeing(cohorts)
    while linked := _connected({key: cohorts[key] for key in linked}):
        table = _Table.of({key: cohorts[key] for key in linked}, frozenset(reference))
        shared = table.shared.sum(axis=0)
        if shared.min() >= MIN_SHARED:
            return {
                key: Link(
                    offset=round(float(offset), DIGITS) + 0.0,
                    slope=max(round(float(slope), DIGITS), 10.0**-DIGITS),
                    shared=int(count),
                )
                for key, offset, slope, count in zip(linked, *table.fit(), shared, strict=True)
            }
        linked = [key for key, count in zip(linked, shared, strict=True) if count >= MIN_SHARED]
    return {}


def _agreeing(cohorts: Mapping[BoardKey, Mapping[str, float]]) -> list[BoardKey]:
    """Return the boards that correlate with those of other groups by `MIN_AGREEMENT` on average, sorted.

    The worst is left out first and alone: a board that contradicts all others lowers the agreement of each of them.
    """
    keys = sorted(cohorts)
    groups = sorted({group_of(key) for key in keys})
    correlation, shared = _correlations([cohorts[key] for key in keys])
    own = np.array([groups.index(group_of(key)) for key in keys])
    # A correlation of n pairs is known like n - 3 independent readings (Fisher); boards of one group do not vouch.
    weight = np.where(own[:, None] == own[None, :], 0.0, np.maximum(shared - 3.0, 0.0))
    kept = np.ones(len(keys), dtype=bool)
    while kept.any():
        voices = weight[:, kept].sum(axis=1)
        said = (weight * correlation)[:, kept].sum(axis=1)
        agreement = np.divide(said, voices, out=np.zeros_like(said), where=voices > 0)
        worst = int(np.argmin(np.where(kept, np.round(agreement, DIGITS), np.inf)))
        if agreement[worst] >= MIN_AGREEMENT:
            break
        kept[worst] = False
    return [key for key, stays in zip(keys, kept, strict=True) if stays]


def _correlations(cohorts: Sequence[Mapping[str, float]]) -> tuple[Floats, Floats]:
    """Return for every two boards the correlation over the models that both have, and how many these are."""
    members = sorted(_seen_twice([set(cohort) for cohort in cohorts]))
    z = np.array([[cohort.get(member, 0.0) for member in members] for cohort in cohorts])
    have = np.array([[float(member in cohort) for member in members] for cohort in cohorts])
    shared = have @ have.T
    count = np.maximum(shared, 1)
    mean = (z @ have.T) / count  # [i, j]: the mean of board i over the models that board j has too
    variance = np.maximum((z**2 @ have.T) / count - mean**2, 0.0)
    covariance = (z @ z.T) / count - mean * mean.T
    size = np.sqrt(variance * variance.T)
    return np.divide(covariance, size, out=np.zeros_like(size), where=size > 1e-12), shared


def _connected(cohorts: Mapping[BoardKey, Mapping[str, float]]) -> list[BoardKey]:
    """Return the boards of the largest set of publishers that `MIN_SHARED` models connect; none for one alone.

    Sets without a common model could be moved against each other at will, so only one of them has a common scale.
    """
    members: dict[BoardKey, set[str]] = defaultdict(set)
    for key, cohort in cohorts.items():
        members[group_of(key)] |= cohort.keys()
    left = sorted(members)
    best: list[BoardKey] = []
    best_known = 0
    while left:
        found = [left.pop(0)]
        for group in found:
            near = [other for other in left if len(members[group] & members[other]) >= MIN_SHARED]
            found += near
            left = [other for other in left if other not in near]
        known = len(_seen_twice([members[group] for group in found]))
        if known > best_known and len(found) > 1:
            best, best_known = found, known
    return sorted(key for key in cohorts if group_of(key) in best)


def _seen_twice(groups: Sequence[set[str]]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for group in groups:
        twice |= seen & group
        seen |= group
    return twice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The z-scores as matrices. What others say of a model differs by group, since a group has one voice."""

    group: npt.NDArray[np.int64]
    """Each board's group."""
    voice: Floats
    """[models × boards]: a reading's share of what its group says about the model."""
    voice_z: Floats
    """`voice` times z."""
    spoke: Floats
    """[models × groups]: 1 where the group has measured the model."""
    others: Floats
    """[models × groups]: how many other groups have measured the model."""
    shared: Floats
    """[models × boards]: 1 where the board and another group have measured the model."""
    mean: Floats
    """Of each board's z over its shared models, like the next."""
    spread: Floats
    in_reference: Bools

    @classmethod
    def of(cls, cohorts: Mapping[BoardKey, Mapping[str, float]], reference: Collection[str]) -> _Table:
        """Lay the cohorts out, leaving out models that could not say anything: one group's own."""
        keys = sorted(cohorts)
        groups = sorted({group_of(key) for key in keys})
        group = np.array([groups.index(group_of(key)) for key in keys])
        by_group: dict[BoardKey, set[str]] = defaultdict(set)
        for key in keys:
            by_group[group_of(key)] |= cohorts[key].keys()
        wanted = _seen_twice(list(by_group.values())) | {
            m for key in keys for m in cohorts[key] if m in reference
        }
        members = sorted(wanted)
        z = np.array([[cohorts[key].get(member, 0.0) for key in keys] for member in members])
        have = np.array([[float(member in cohorts[key]) for key in keys] for member in members])
        counts = have @ np.eye(len(groups))[group]
        spoke = (counts > 0).astype(np.float64)
        others = spoke.sum(axis=1, keepdims=True) - spoke
        shared = have * (others[:, group] > 0)
        count = np.maximum(shared.sum(axis=0), 1)
        mean = (shared * z).sum(axis=0) / count
        voice = have / np.maximum(counts[:, group], 1)
        known = np.array([member in reference for member in members], dtype=bool)
        return cls(
            group=group,
            voice=voice,
            voice_z=voice * z,
            spoke=spoke,
            others=others,
            shared=shared,
            mean=mean,
            spread=np.sqrt((shared * (z - mean) ** 2).sum(axis=0) / count),
            in_reference=known if known.sum() > 1 else np.ones(len(members), dtype=bool),
        )

    def fit(self) -> tuple[Floats, Floats]:
        """Return offsets and slopes on which the boards agree best, by repeating until nothing moves any more."""
        boards = len(self.group)
        offsets, slopes = np.zeros(boards), np.ones(boards)
        counts = self.shared.sum(axis=0)
        trust = counts / (counts + SLOPE_PRIOR)
        for _ in range(MAX_ROUNDS):
            target_mean, target_spread = self.said_by_others(offsets, slopes)
            varies = (self.spread > 0) & (target_spread > 0)
            ratio = np.divide(target_spread, self.spread, out=np.ones(boards), where=varies)
            new_slopes = ratio**trust
            new_offsets = target_mean - new_slopes * self.mean
            moved = max(np.abs(new_offsets - offsets).max(), np.abs(new_slopes - slopes).max())
            # Half a step: neighbours that wait for each other would swing otherwise.
            offsets, slopes = (offsets + new_offsets) / 2, (slopes + new_slopes) / 2
            if moved < TOLERANCE:
                break
        center, width = self.anchor(self.voices(offsets, slopes))
        return (offsets - center) / width, slopes / width

    def voices(self, offsets: Floats, slopes: Floats) -> Floats:
        """Return [models × groups]: where each group puts each model; 0 where it says nothing."""
        belongs = np.eye(self.spoke.shape[1])[self.group]
        voices: Floats = self.voice @ (offsets[:, None] * belongs) + self.voice_z @ (
            slopes[:, None] * belongs
        )
        return voices

    def anchor(self, voices: Floats) -> tuple[float, float]:
        """Return mean and standard deviation of the reference cohort, each model at the mean of its groups."""
        place = (voices.sum(axis=1) / self.spoke.sum(axis=1))[self.in_reference]
        return float(place.mean()), float(place.std()) or 1.0

    def said_by_others(self, offsets: Floats, slopes: Floats) -> tuple[Floats, Floats]:
        """Return where the other groups put each board's shared models on the common scale: mean and spread."""
        voices = self.voices(offsets, slopes)
        center, width = self.anchor(voices)
        rest = (voices.sum(axis=1, keepdims=True) - voices) / np.maximum(self.others, 1)
        target = (rest - center) / width
        boards, count = np.arange(len(self.group)), self.shared.sum(axis=0)
        mean = (self.shared.T @ target)[boards, self.group] / count
        square = (self.shared.T @ target**2)[boards, self.group] / count
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))

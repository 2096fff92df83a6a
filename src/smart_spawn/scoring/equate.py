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
        table = _Table.of({key: cohorts[key] for key in linked}, reference)
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
    """The z-scores as a matrix [models × boards], 0 where there is none."""

    z: Floats
    have: Bools
    group: npt.NDArray[np.int64]
    """Each board's group."""
    voice: Floats
    """[models × boards]: a reading's share of what its group says about the model."""
    spoke: Bools
    """[models × groups]: whether the group has measured the model."""
    others: Floats
    """[models × boards]: how many other groups have measured the model."""
    shared: Bools
    """[models × boards]: measured by the board and by another group."""
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
        row = {member: at for at, member in enumerate(sorted(wanted))}
        z, have = np.zeros((len(row), len(keys))), np.zeros((len(row), len(keys)), dtype=bool)
        for column, key in enumerate(keys):
            for member, value in cohorts[key].items():
                if member in row:
                    z[row[member], column], have[row[member], column] = value, True
        counts = have.astype(np.float64) @ np.eye(len(groups))[group]
        spoke = counts > 0
        others = spoke.sum(axis=1, keepdims=True) - spoke[:, group].astype(np.float64)
        known = np.array([member in reference for member in sorted(wanted)], dtype=bool)
        return cls(
            z=z,
            have=have,
            group=group,
            voice=np.where(have, 1 / np.maximum(counts[:, group], 1), 0.0),
            spoke=spoke,
            others=others,
            shared=have & (others > 0),
            in_reference=known if known.sum() > 1 else np.ones(len(row), dtype=bool),
        )

    def fit(self) -> tuple[Floats, Floats]:
        """Return offsets and slopes on which the boards agree best, by repeating until nothing moves any more."""
        boards = self.z.shape[1]
        offsets, slopes = np.zeros(boards), np.ones(boards)
        counts = self.shared.sum(axis=0)
        mean, spread = _moments(self.z, self.shared)
        trust = counts / (counts + SLOPE_PRIOR)
        for _ in range(MAX_ROUNDS):
            target = self.said_by_others(offsets, slopes)
            target_mean, target_spread = _moments(target, self.shared)
            ratio = np.divide(
                target_spread, spread, out=np.ones(boards), where=(spread > 0) & (target_spread > 0)
            )
            new_slopes = ratio**trust
            new_offsets = target_mean - new_slopes * mean
            moved = max(np.abs(new_offsets - offsets).max(), np.abs(new_slopes - slopes).max())
            # Half a step: neighbours that wait for each other would swing otherwise.
            offsets, slopes = (offsets + new_offsets) / 2, (slopes + new_slopes) / 2
            if moved < TOLERANCE:
                break
        center, width = self.anchor(self.voices(offsets, slopes))
        return (offsets - center) / width, slopes / width

    def voices(self, offsets: Floats, slopes: Floats) -> Floats:
        """Return [models × groups]: where each group puts each model; 0 where it says nothing."""
        voices: Floats = ((offsets + slopes * self.z) * self.voice) @ np.eye(self.spoke.shape[1])[self.group]
        return voices

    def anchor(self, voices: Floats) -> tuple[float, float]:
        """Return mean and standard deviation of the reference cohort, each model at the mean of its groups."""
        place = (voices.sum(axis=1) / self.spoke.sum(axis=1))[self.in_reference]
        return float(place.mean()), float(place.std()) or 1.0

    def said_by_others(self, offsets: Floats, slopes: Floats) -> Floats:
        """Return [models × boards]: where the other groups put each model, on the anchored common scale."""
        voices = self.voices(offsets, slopes)
        center, spread = self.anchor(voices)
        rest: Floats = (voices.sum(axis=1)[:, None] - voices[:, self.group]) / np.maximum(self.others, 1)
        return (rest - center) / spread


def _moments(values: Floats, where: Bools) -> tuple[Floats, Floats]:
    """Return mean and population standard deviation of each column over the chosen rows; 0 for an empty one."""
    count = np.maximum(where.sum(axis=0), 1)
    mean = np.where(where, values, 0.0).sum(axis=0) / count
    variance = np.where(where, (values - mean) ** 2, 0.0).sum(axis=0) / count
    return mean, np.sqrt(variance)

"""A measurement that found its model and its scale, and how far it can be trusted for a given effort."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from smart_spawn.model import EFFORTS, Effort
from smart_spawn.scoring.scale import to_points

FRESH_DAYS = 120
"""A reading keeps its full weight this long; boards publish every few weeks to months."""
HALF_LIFE_DAYS = 365.0
"""After that its weight halves every year, about the time in which model generations turn over."""
SUPERSEDED_QUALITY = 0.7
"""For a reading of an older edition, used where the newest edition does not have the model."""
EFFORT_STEP_QUALITY = 0.75
"""Per step between the effort that was measured and the one that is asked for."""
VARIANT_QUALITY = 0.9
"""For evidence of the plain model that a variant such as `:free` inherits: hosts may quantise differently."""

EFFORT_RANK: Mapping[Effort, int] = {effort: rank for rank, effort in enumerate(EFFORTS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One benchmark reading of one model, with its place on the board's scale."""

    model_id: str
    benchmark: str
    source: str
    edition: str
    published_name: str
    rule: str
    """How the published name led to the model."""
    value: float
    unit: str
    z: float
    """Standard deviations above the cohort's mean, unclamped; higher is better."""
    plain_z: float | None = None
    """The z-score of the plain norm, where another norm decided `z`."""
    unlinked: bool = False
    """Under `equated`: too little connects the board with the others; the plain z stands in, at less weight."""
    reliability: float = 1.0
    """The share (0–1] of its variance that is signal rather than sampling error."""
    effort: Effort | None = None
    """The effort that the published name states."""
    thinking: bool | None = None
    superseded: bool = False
    relayed: bool = False
    """Another source passed it on; the board's own publication is preferred."""
    lower: float | None = None
    upper: float | None = None
    votes: int | None = None
    published_on: date | None = None
    fetched_at: datetime | None = None

    @property
    def points(self) -> float:
        """The reading in points: 50 is the cohort's mean, 20 one standard deviation. Not clamped."""
        return to_points(self.z)

    def effort_measured(self, default: Effort | None) -> Effort | None:
        """Return the effort that was measured, on a model whose default effort is given.

        A name that states no effort was measured as the seller serves it; one that only says "thinking" at the
        default, or `high` where the default is not to think.
        """
        if self.effort is not None or default is None:
            return self.effort
        if self.thinking is False:
            return "none"
        if self.thinking is True and default == "none":
            return "high"
        return default

    def quality(self, *, effort: Effort | None, default: Effort | None, as_of: date) -> float:
        """Return the share (0–1] of the board's weight that this reading deserves for this effort on this day."""
        quality = self.reliability * self.freshness(as_of)
        if self.superseded:
            quality *= SUPERSEDED_QUALITY
        return quality * math.pow(EFFORT_STEP_QUALITY, self.effort_distance(effort, default))

    def freshness(self, as_of: date) -> float:
        """Return the weight (0–1] that age leaves to the reading."""
        age_days = (as_of - self.published_on).days if self.published_on else 0
        return math.pow(0.5, max(0, age_days - FRESH_DAYS) / HALF_LIFE_DAYS)

    def effort_distance(self, effort: Effort | None, default: Effort | None) -> int:
        """Return how many steps of effort lie between what was measured and what is asked for.

        A relayed reading does not say at which effort it was measured: it counts as one step from every effort.
        """
        if self.relayed and self.effort is None and default is not None:
            return 1
        measured = self.effort_measured(default)
        if measured is None or effort is None:
            return 0
        return abs(EFFORT_RANK[measured] - EFFORT_RANK[effort])


def best_per_board(
    readings: Iterable[Reading], *, effort: Effort | None, default: Effort | None
) -> dict[str, Reading]:
    """Choose one reading per board for a model run at this effort.

    The newest edition beats older ones, the board's own publication a relayed one, the nearest effort a farther
    one; then the newest and, so that the order of input never matters, the first name.
    """
    chosen: dict[str, tuple[tuple[object, ...], Reading]] = {}
    for reading in readings:
        key = (
            reading.superseded,
            reading.relayed,
            reading.effort_distance(effort, default),
            -(reading.published_on.toordinal() if reading.published_on else 0),
            reading.published_name,
            -reading.value,
        )
        held = chosen.get(reading.benchmark)
        if held is None or key < held[0]:
            chosen[reading.benchmark] = (key, reading)
    return {benchmark: reading for benchmark, (_, reading) in chosen.items()}


def measured_efforts(
    readings: Sequence[Reading], supported: Sequence[Effort], default: Effort | None
) -> list[Effort]:
    """List the efforts worth being a candidate: supported by the model, and measured by some board as such."""
    measured = {r.effort_measured(default) for r in readings}
    return [effort for effort in supported if effort in measured and effort != default]

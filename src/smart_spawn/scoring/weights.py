"""The weight of every board in every category: data with a source, changeable by the owner."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from smart_spawn.errors import SettingsError
from smart_spawn.model import CATEGORIES, Category

Weights = Mapping[Category, Mapping[str, float]]


@cache
def shipped_weights() -> Weights:
    """Read the weights that ship with the package (scoring/weights.toml)."""
    table = tomllib.loads(files(__package__).joinpath("weights.toml").read_text(encoding="utf-8"))
    return {Category(name): {board: float(w) for board, w in row.items()} for name, row in table.items()}


def effective_weights(changes: Weights, own: Weights | None = None) -> Weights:
    """Lay the weights of own boards and then the owner's changes over the shipped weights.

    Raises SettingsError when a category is left empty.
    """
    added = own or {}
    merged = {
        category: {
            board: weight
            for board, weight in {
                **shipped_weights()[category],
                **added.get(category, {}),
                **changes.get(category, {}),
            }.items()
            if weight > 0
        }
        for category in CATEGORIES
    }
    for category, row in merged.items():
        if not row:
            raise SettingsError(
                f"`scoring.weights.{category}` leaves no board with a weight above zero",
                hint="give at least one board a weight, or remove the table to use the shipped weights",
            )
    return merged


OPEN_ENDED: Final = ("design_arena_",)
"""Boards whose names their publisher invents as it goes: any name with such a beginning may be weighed."""


def check_boards(changes: Weights, known: Collection[str]) -> None:
    """Let weights pass whose boards are known. Raises SettingsError with the nearest known board."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  # only a mistyped name needs it

    for category, row in changes.items():
        for board in row:
            if board in known or board.startswith(OPEN_ENDED):
                continue
            near = process.extractOne(board, sorted(known), scorer=fuzz.ratio, score_cutoff=60)
            raise SettingsError(
                f"`scoring.weights.{category}` names `{board}`, which is no board that we know",
                hint=f"did you mean `{near[0]}`?"
                if near
                else "an own board is known once its results are imported: `smart-spawn benchmarks import FILE`",
                details={"key": f"scoring.weights.{category}.{board}", "nearest": near[0] if near else None},
            )


def weight_matrix(weights: Weights, boards: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the weights as a matrix: one row a category, one column a board, in the given order of boards."""
    return np.array([[weights[category].get(board, 0.0) for board in boards] for category in CATEGORIES])

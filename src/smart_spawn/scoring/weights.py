"""The weight of every board in every category: data with a source, changeable by the owner."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

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


def effective_weights(changes: Mapping[Category, Mapping[str, float]]) -> Weights:
    """Lay the owner's changes over the shipped weights. Raises SettingsError when a category is left empty."""
    merged = {
        category: {
            board: weight
            for board, weight in {**shipped_weights()[category], **changes.get(category, {})}.items()
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


def weight_matrix(weights: Weights, boards: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the weights as a matrix: one row a category, one column a board, in the given order of boards."""
    return np.array([[weights[category].get(board, 0.0) for board in boards] for category in CATEGORIES])

"""What is wrong with the settings, in words: which key, where it was set, what would have been right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from smart_spawn.errors import SettingsError
from smart_spawn.settings.shape import is_secret, is_table, names_at, type_at
from smart_spawn.settings.values import masked

MAX_SHOWN_CHARS = 80


def explained(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    """Say the first thing that is wrong. `origins` tells where each dotted key was set."""
    every = error.errors(include_url=False)
    # A misspelt key comes before what is missing because of it.
    first = next((each for each in every if each["type"] == "extra_forbidden"), every[0])
    path = [str(part) for part in first["loc"] if part != "[key]"]
    origin = _origin(path, origins)
    if "[key]" in first["loc"] or first["type"] == "extra_forbidden":
        return _unknown_key(path, origin)
    dotted = ".".join(path)
    if first["type"] == "missing":
        return SettingsError(
            f"settings key `{dotted}` is missing{origin}",
            hint=f"add it below `[{'.'.join(path[:-1])}]`",
            details={"key": dotted},
        )
    shown = _shown(path, first.get("input"))
    if first["type"] in ("enum", "literal_error"):
        return _not_one_of(first, dotted, shown, origin)
    said = str(first.get("ctx", {}).get("error") or first["msg"]).replace("valid dictionary", "table")
    return SettingsError(
        f"settings key `{dotted}` is wrong: {said[:1].lower()}{said[1:]}{shown and f', not {shown}'}{origin}",
        hint="`smart-spawn doctor` shows the settings in effect",
        details={"key": dotted},
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that differs least, or None when none is near: a far-fetched guess misleads."""
    from rapidfuzz import process  # noqa: PLC0415  # only a mistake needs it
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    lowered = {each.lower().replace("-", "_"): each for each in known}
    asked = name.lower().replace("-", "_")
    found = process.extractOne(asked, list(lowered), scorer=OSA.normalized_similarity, score_cutoff=0.5)
    if found is not None:
        return lowered[found[0]]
    parts = [each for each in lowered if len(asked) >= 3 and asked in each]
    return lowered[parts[0]] if len(parts) == 1 else None


def _unknown_key(path: Sequence[str], origin: str) -> SettingsError:
    known = names_at(path[:-1])
    near = nearest(path[-1], known)
    dotted = ".".join(path)
    return SettingsError(
        f"unknown settings key `{dotted}`{origin}",
        hint=f"did you mean `{'.'.join([*path[:-1], near])}`?" if near else f"known keys: {', '.join(known)}",
        details={"key": dotted, "nearest": near},
    )


def _not_one_of(first: Any, dotted: str, shown: str, origin: str) -> SettingsError:
    valid = str(first.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
    near = nearest(str(first.get("input")), valid)
    return SettingsError(
        f"{shown or 'the value'} is not a valid `{dotted}`{origin}",
        hint=f"{f'did you mean `{near}`? ' if near else ''}one of: {', '.join(valid)}",
        details={"key": dotted, "valid": valid},
    )


def _origin(path: Sequence[str], origins: Mapping[str, str]) -> str:
    """Tell where a key was set: itself, the table around it, or something within it."""
    dotted = ".".join(path)
    around = (text for key, text in origins.items() if dotted.startswith(f"{key}."))
    within = (text for key, text in origins.items() if key.startswith(f"{dotted}."))
    text = origins.get(dotted) or next(around, None) or next(within, None)
    beside = (
        origins.items() if text is None and len(path) > 1 else ()
    )  # a missing key: its neighbours were set there
    text = text or next((each for key, each in beside if key.startswith(".".join(path[:-1]) + ".")), None)
    return f" (from {text})" if text else ""


def _shown(path: Sequence[str], value: object) -> str:
    """Show a value where that helps and cannot reveal a secret; empty otherwise."""
    expected = type_at(path)
    whole = expected is None or is_table(expected) or "Mapping" in str(expected)
    if whole or is_secret(expected) or not isinstance(value, (str, int, float)):
        return ""
    text = masked(str(value))
    return f"`{text}`" if len(text) <= MAX_SHOWN_CHARS else ""

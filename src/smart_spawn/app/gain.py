"""The owner's file of learned gain: read once, at start."""

from __future__ import annotations

from pathlib import Path

from smart_spawn.errors import SettingsError
from smart_spawn.feedback.live_gain import LARGEST_FILE_BYTES, LiveGain


def load_gain(path: Path | None) -> LiveGain | None:
    """Read what `routing.learned_gain` names. Raises SettingsError, with the way out, when that cannot be."""
    if path is None:
        return None
    file = path.expanduser()
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise ValueError(f"it is larger than {LARGEST_FILE_BYTES:,} bytes")
        return LiveGain.read(content)
    except (OSError, ValueError) as error:
        said = (error.strerror or type(error).__name__) if isinstance(error, OSError) else error
        raise SettingsError(
            f"`routing.learned_gain` names `{path}`, which cannot be used: {said}",
            hint="`smart-spawn gain fit DIR --to FILE` writes one; remove the key to choose without",
            details={"key": "routing.learned_gain"},
        ) from None

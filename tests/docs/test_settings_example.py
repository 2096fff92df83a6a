"""The example of the settings is a file that works."""

import re
from pathlib import Path

from smart_spawn.settings import Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "smart-spawn.example.toml"


def test_the_example_is_accepted_as_it_is() -> None:
    """Whoever copies the example starts with settings that are valid."""
    settings = load_settings(EXAMPLE, environ={})
    assert set(settings.providers) == {"openrouter", "local"}
    assert settings.source("artificial_analysis").enabled is False


def test_the_example_shows_the_defaults() -> None:
    """A plain key at the top of the example has the value that it has without the file."""
    shown = re.findall(r"^(\w+) = ", EXAMPLE.read_text(encoding="utf-8").split("\n[")[0], flags=re.MULTILINE)
    example, default = load_settings(EXAMPLE, environ={}), Settings()
    assert shown
    assert {key: getattr(example, key) for key in shown} == {key: getattr(default, key) for key in shown}

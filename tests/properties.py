"""How many examples a property tries: few each time, many under `--hypothesis-profile=thorough`."""

from __future__ import annotations

from hypothesis import settings

THOROUGH = "thorough"
THOROUGH_EXAMPLES = 10_000

settings.register_profile(THOROUGH, max_examples=THOROUGH_EXAMPLES)


def examples(usual: int, *, thorough: int = THOROUGH_EXAMPLES) -> int:
    """Return how many examples to try; `thorough` is for properties whose examples take long."""
    return thorough if settings().max_examples == THOROUGH_EXAMPLES else usual

"""How many examples a property tries: few each time, many under `--hypothesis-profile=thorough`."""

from __future__ import annotations

from hypothesis import settings

THOROUGH = "thorough"
THOROUGH_EXAMPLES = 10_000

# No deadline for one example: on a busy machine any takes any time. What must be quick is measured in CPU time.
settings.register_profile("usual", deadline=None)
settings.register_profile(THOROUGH, max_examples=THOROUGH_EXAMPLES, deadline=None)
settings.load_profile("usual")


def examples(usual: int, *, thorough: int = THOROUGH_EXAMPLES) -> int:
    """Return how many examples to try; `thorough` is for properties whose examples take long."""
    return thorough if settings().max_examples == THOROUGH_EXAMPLES else usual

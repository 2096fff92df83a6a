"""List the evaluations, or run one: `python -m evals NAME [options]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

EVALUATIONS = {
    "boards": "evals.boards",
    "calibration": "evals.calibration",
    "confidence": "evals.confidence_on_outcomes",
    "constants": "evals.constants",
    "classify": "evals.classify.__main__",
    "learning": "evals.learning",
    "robustness": "evals.robustness",
}
"""Name → module; each has `main(arguments)` and says in its first line what it measures."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named evaluation with the remaining arguments; without a name, list them all."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name, *rest = arguments or [""]
    if name in ("", "-h", "--help", "list"):
        print("usage: python -m evals NAME [options]; each NAME has --help\n")
        for known, module in EVALUATIONS.items():
            print(f"  {known:<12} {(import_module(module).__doc__ or '').splitlines()[0]}")
        return 0
    if name not in EVALUATIONS:
        print(f"`{name}` is no evaluation\nhint: one of {', '.join(EVALUATIONS)}", file=sys.stderr)
        return 2
    code: int = import_module(EVALUATIONS[name]).main(rest)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Train the classifier's weights: `python -m scripts.train_classifier [--data DIR] [--out FILE]`.

Learns from our own prompts (scripts/prompts) and from the openly licensed public ones, and writes the weights
that ship in the package. No prompt is written anywhere. Measure with `python -m evals.classify`.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from evals.classify.corpus import LEARNABLE, ROOT, SHARED_PROMPTS, own_prompts, shared_prompts, to_learn
from evals.classify.fit import featurise, fit, packed

OUT = ROOT / "src" / "smart_spawn" / "classify" / "weights.json"
MAX_BYTES = 250_000


def main() -> int:
    """Train and write; refuse without the public prompts, whose absence would quietly make worse weights."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.train_classifier", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--data", type=Path, default=SHARED_PROMPTS, help="folder of prompts.jsonl.gz")
    parser.add_argument("--out", type=Path, default=OUT, help="where the weights go")
    options = parser.parse_args()
    shared = shared_prompts(options.data)
    if not any(prompt.source in LEARNABLE for prompt in shared):
        print(f"no prompts.jsonl.gz in {options.data}; hint: name its folder with --data", file=sys.stderr)
        return 1
    prompts = to_learn(own_prompts(), shared)
    model = fit(prompts, featurise(prompts))
    seen = "\n".join(f"{prompt.label} {prompt.text}" for prompt in prompts)
    text = packed(model, version=hashlib.sha256(seen.encode()).hexdigest()[:12])
    size = len(text.encode("utf-8"))
    if size > MAX_BYTES:
        print(f"the weights are {size:,} bytes; the limit is {MAX_BYTES:,}", file=sys.stderr)
        return 1
    options.out.write_text(text, encoding="utf-8")
    print(f"{len(prompts):,} prompts, {len(model.vocabulary):,} features, {size:,} bytes: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What training promises: what was fitted is what is weighed, and the prompts it learns from are whole."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from evals.classify.__main__ import main
from evals.classify.corpus import COURTESY, OWN_PROMPTS, SLOTS, Prompt, own_prompts, with_courtesy
from evals.classify.fit import featurise, fit, packed
from evals.classify.measure import by, quality
from smart_spawn.classify.features import read
from smart_spawn.classify.score import weigh
from smart_spawn.classify.weights import load_weights, unpack
from smart_spawn.model import CATEGORIES, Category


def some_prompts() -> list[Prompt]:
    return own_prompts(each=1)[::4]


def test_what_was_fitted_is_what_is_weighed() -> None:
    """Numpy at training time and integer sums at run time agree to what one byte a weight can hold."""
    prompts = some_prompts()
    rows = featurise(prompts)
    model = fit(prompts, rows)
    weights = unpack(packed(model, "test"))
    expected = model.probabilities(rows[:60])
    for prompt, probabilities in zip(prompts[:60], expected, strict=True):
        verdict = weigh(read(prompt.text), weights)
        if verdict is not None:
            found = [verdict.probabilities[category] for category in CATEGORIES]
            assert np.allclose(found, probabilities, atol=0.03)


def test_the_same_prompts_give_the_same_weights() -> None:
    """Training is repeatable: the file can be built again and compared."""
    prompts = some_prompts()[:200]
    rows = featurise(prompts)
    assert packed(fit(prompts, rows), "v") == packed(fit(prompts, rows), "v")


def test_own_prompts_cover_every_category_without_an_open_slot() -> None:
    """Each category has hundreds of different prompts, and no template names a slot that does not exist."""
    prompts = own_prompts()
    slots = {
        line.partition(": ")[0] for line in (OWN_PROMPTS / SLOTS).read_text(encoding="utf-8").splitlines()
    }
    for category in CATEGORIES:
        assert len({prompt.text for prompt in prompts if prompt.label is category}) >= 300
    wanted = {
        name
        for path in OWN_PROMPTS.glob("*.txt")
        if path.name != SLOTS
        for name in re.findall(r"\{([a-z]+\d?_?[a-z]*)\}", path.read_text(encoding="utf-8"))
    }
    assert wanted - slots <= {"id", "n", "d"}


def test_some_prompts_are_learned_again_with_courtesy() -> None:
    """Copies come last, hold their prompt whole, keep its group and label, and come out the same every time."""
    prompts = some_prompts()
    dressed = with_courtesy(prompts)
    assert dressed[: len(prompts)] == prompts
    assert len(prompts) * 1.3 < len(dressed) < len(prompts) * 1.7
    by_group = {prompt.group: prompt for prompt in prompts}
    for copy in dressed[len(prompts) :]:
        original = by_group[copy.group]
        assert (copy.label, copy.also) == (original.label, original.also)
        assert original.text in copy.text != original.text
    assert with_courtesy(prompts) == dressed
    lines = (OWN_PROMPTS / COURTESY).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("== ")] == ["== before", "== after"]
    assert len(lines) == len(set(lines)) > 150


def test_shipped_weights_are_small_and_whole() -> None:
    """The file stays under 250 kB and every weight in it belongs to a name."""
    weights = load_weights()
    assert len(weights.words) + len(weights.prefixes) + len(weights.pairs) >= 5000
    path = Path(__file__).parents[3] / "src" / "smart_spawn" / "classify" / "weights.json"
    assert path.stat().st_size < 250_000


def test_damaged_weights_are_refused() -> None:
    """A file whose names and weights differ in number is an error, not a wrong answer."""
    text = packed(fit(some_prompts()[:50], featurise(some_prompts()[:50])), "v")
    with pytest.raises(ValueError, match="damaged"):
        unpack(text.replace('"words": "', '"words": "intruder\\n', 1))


def test_another_right_category_counts_as_right() -> None:
    """Accuracy takes the other acceptable answers; calibration compares confidence with it."""
    prompt = Prompt(
        text="",
        label=Category.CODING,
        also=frozenset([Category.GENERAL]),
        source="a",
        language="en",
        group="g",
    )
    lanes = {category: lane for lane, category in enumerate(CATEGORIES)}
    predictions = np.full((2, 7), 0.05)
    predictions[0, lanes[Category.GENERAL]] = predictions[1, lanes[Category.VISION]] = 0.7
    measured = quality([prompt, prompt], predictions)
    assert measured.accuracy == 0.5
    assert measured.calibration_error == pytest.approx(0.2)
    assert by([prompt, prompt], predictions, lambda one: one.source)["a"].prompts == 2


def test_missing_public_prompts_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the public prompts the command says where it looked and how to name another folder."""
    assert main(["--data", str(tmp_path)]) == 1
    assert f"no prompts.jsonl.gz in {tmp_path}" in capsys.readouterr().err

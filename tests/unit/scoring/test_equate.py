"""Equating: boards that tested different crowds meet on one scale, through the models that they share."""

import random
from statistics import fmean, pstdev

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.scoring.equate import MIN_SHARED, BoardKey, link_boards
from smart_spawn.scoring.scale import UNLINKED_QUALITY, NormName, Scale, fit_scale
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.sources.base import Batch, Measurement
from smart_spawn.surface.models import reading_json
from tests.unit.builders import TODAY, listing

Cohorts = dict[BoardKey, dict[str, float]]
CATALOGUE = [f"maker/m{number:02d}" for number in range(40)]


def plain(raw: dict[str, float]) -> dict[str, float]:
    """Return z-scores of one board's readings."""
    mean, spread = fmean(raw.values()), pstdev(raw.values())
    return {model: (value - mean) / spread for model, value in raw.items()}


def two_crowds(seed: int = 1, noise: float = 0.1) -> tuple[Cohorts, dict[str, float]]:
    """Return three boards and the truth: one tested all, one the strongest third, one the weakest and strangers."""
    chance = random.Random(seed)
    truth = {model: (at - 19.5) / 11.5 for at, model in enumerate(CATALOGUE)}
    strangers = {f"?small{at}": -3.0 + 0.01 * at for at in range(100)}

    def tested(crowd: dict[str, float]) -> dict[str, float]:
        return plain({model: value + chance.gauss(0, noise) for model, value in crowd.items()})

    weakest = {model: truth[model] for model in CATALOGUE[:12]}
    boards = {
        ("all_overall", ""): tested(truth),
        ("top_overall", "2026"): tested({model: truth[model] for model in CATALOGUE[26:]}),
        ("small_overall", ""): tested({**weakest, **strangers}),
    }
    return boards, truth


def place(cohorts: Cohorts, key: BoardKey, model: str) -> float:
    """Return where a board puts a model on the common scale."""
    link = link_boards(cohorts, reference=CATALOGUE)[key]
    return link.offset + link.slope * cohorts[key][model]


def test_a_mean_among_the_best_is_worth_more_than_a_mean_among_the_small() -> None:
    """The board of strong models starts above the common mean, the one of small models far below."""
    cohorts, _ = two_crowds()
    links = link_boards(cohorts, reference=CATALOGUE)
    assert links["top_overall", "2026"].offset > 0.7
    assert links["small_overall", ""].offset < -1.5
    assert links["top_overall", "2026"].slope < links["all_overall", ""].slope


def test_a_small_model_no_longer_outranks_the_frontier() -> None:
    """A leader among small models, ahead of a frontier model by plain z, stands below it on the common scale."""
    cohorts, truth = two_crowds()
    leader, frontier = CATALOGUE[11], CATALOGUE[32]
    assert cohorts["small_overall", ""][leader] > 1 > cohorts["top_overall", "2026"][frontier]
    assert place(cohorts, ("small_overall", ""), leader) < place(cohorts, ("top_overall", "2026"), frontier)
    assert place(cohorts, ("small_overall", ""), leader) == pytest.approx(truth[leader], abs=0.4)


def test_the_common_scale_is_a_z_scale_of_the_catalogue() -> None:
    """Over the reference cohort the places have mean 0 and standard deviation 1."""
    cohorts, _ = two_crowds()
    links = link_boards(cohorts, reference=CATALOGUE)
    places = [
        fmean(
            [
                links[k].offset + links[k].slope * board[model]
                for k, board in cohorts.items()
                if model in board
            ]
        )
        for model in CATALOGUE
    ]
    assert fmean(places) == pytest.approx(0, abs=1e-3)
    assert pstdev(places) == pytest.approx(1, abs=1e-3)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_boards_and_models_changes_nothing(chance: random.Random) -> None:
    """Any order of the same readings gives the same links, to the last digit."""
    cohorts, _ = two_crowds()
    shuffled = {
        key: dict(chance.sample(sorted(cohorts[key].items()), len(cohorts[key])))
        for key in chance.sample(sorted(cohorts), len(cohorts))
    }
    assert link_boards(shuffled, reference=set(CATALOGUE)) == link_boards(cohorts, reference=CATALOGUE)


@given(
    st.lists(st.floats(min_value=1, max_value=100), min_size=12, max_size=30, unique=True),
    st.floats(min_value=0.01, max_value=100),
    st.floats(min_value=-50, max_value=50),
    st.integers(min_value=0, max_value=9),
)
@settings(max_examples=30)
def test_a_change_of_unit_changes_no_link(
    readings: list[float], factor: float, shift: float, seed: int
) -> None:
    """Percent or fraction, Elo with another anchor: offset and slope of every board stay what they were."""
    assume(pstdev(readings) > 1)
    cohorts, _ = two_crowds(seed)
    raw = dict(zip(CATALOGUE, readings, strict=False))
    other_unit = {model: value * factor + shift for model, value in raw.items()}
    before = link_boards({**cohorts, ("new_board", ""): plain(raw)}, reference=CATALOGUE)
    after = link_boards({**cohorts, ("new_board", ""): plain(other_unit)}, reference=CATALOGUE)
    assert before.keys() == after.keys()
    for key, link in before.items():
        assert after[key].offset == pytest.approx(link.offset, abs=2e-4)
        assert after[key].slope == pytest.approx(link.slope, abs=2e-4)


@given(
    st.floats(min_value=-40, max_value=140),
    st.floats(min_value=0, max_value=50),
    st.booleans(),
    st.floats(min_value=-3, max_value=3),
    st.floats(min_value=1e-4, max_value=5),
)
def test_a_better_reading_is_never_placed_lower(
    value: float, better_by: float, higher_is_better: bool, offset: float, slope: float
) -> None:
    """On any linked scale a better reading stands at least as high, and is trusted exactly as much."""
    own = fit_scale([10, 20, 30, 40, 50], benchmark="b", higher_is_better=higher_is_better)
    assert own is not None
    scale = linked(own, offset, slope)
    better = value + better_by if higher_is_better else value - better_by
    assert scale.z(better) >= scale.z(value)
    assert scale.plain_z(better) >= scale.plain_z(value)


def linked(scale: Scale, offset: float, slope: float, shared: int = 9) -> Scale:
    """Return the scale as if it had been linked so."""
    values = {name: getattr(scale, name) for name in Scale.__dataclass_fields__}
    return Scale(**{**values, "offset": offset, "slope": slope, "shared": shared})


def test_a_board_with_few_shared_models_is_not_linked() -> None:
    """One shared model less than `MIN_SHARED`, and the board keeps its own scale; the others are as without it."""
    cohorts, truth = two_crowds()
    few = plain({**{m: truth[m] for m in CATALOGUE[: MIN_SHARED - 1]}, "?a": 0.0, "?b": 9.0})
    enough = plain({**{m: truth[m] for m in CATALOGUE[:MIN_SHARED]}, "?a": 0.0, "?b": 9.0})
    links = link_boards({**cohorts, ("rare_board", ""): few}, reference=CATALOGUE)
    assert links == link_boards(cohorts, reference=CATALOGUE)
    assert ("rare_board", "") in link_boards({**cohorts, ("rare_board", ""): enough}, reference=CATALOGUE)


def test_a_board_that_measures_something_else_is_not_linked() -> None:
    """Readings that disagree with every other board link nothing, and do not bend the others."""
    cohorts, truth = two_crowds()
    backwards = plain({model: -truth[model] for model in CATALOGUE})
    links = link_boards({**cohorts, ("odd_board", ""): backwards}, reference=CATALOGUE)
    assert links == link_boards(cohorts, reference=CATALOGUE)


def test_one_publisher_alone_has_nothing_to_be_linked_to() -> None:
    """Boards of one publisher and edition tested one crowd: there is no second voice, so plain z-scores stay."""
    cohorts, _ = two_crowds()
    alone = {("all_overall", ""): cohorts["all_overall", ""], ("all_coding", ""): cohorts["all_overall", ""]}
    assert link_boards(alone, reference=CATALOGUE) == {}
    assert link_boards({}, reference=CATALOGUE) == {}


def test_islands_are_not_moved_against_each_other() -> None:
    """Of two sets of boards without a common model only the larger one gets a common scale."""
    cohorts, _ = two_crowds()
    island = plain({f"?x{at}": float(at) for at in range(10)})
    links = link_boards({**cohorts, ("far_a", ""): island, ("away_b", ""): island}, reference=CATALOGUE)
    assert set(links) == set(cohorts)


def test_an_unlinked_board_weighs_less_and_says_so() -> None:
    """Where its crowd stands is unknown, so its readings are trusted half as much as those of a linked board."""
    scale = fit_scale([10, 20, 30, 40, 50], benchmark="b")
    assert scale is not None
    unlinked = linked(scale, 0.0, 1.0, shared=0)
    assert unlinked.z(40) == scale.z(40)
    assert unlinked.reliability(5.0) == pytest.approx(UNLINKED_QUALITY * scale.reliability(5.0))
    assert linked(scale, -1.0, 0.5).reliability(5.0) == scale.reliability(5.0)


def test_a_better_reading_is_not_placed_lower_when_the_links_are_fitted_again() -> None:
    """In sixty random worlds nobody falls by doing better, although the reading moves its board's links a little."""
    chance = random.Random(5)
    for _ in range(60):
        truth = {model: chance.gauss(0, 1) for model in CATALOGUE}
        raw = {
            (f"p{board}_x", ""): {
                m: truth[m] + chance.gauss(0, 0.5)
                for m in sorted(chance.sample(CATALOGUE, chance.randint(20, 40)))
            }
            for board in range(4)
        }
        key = chance.choice(sorted(raw))
        model = chance.choice(sorted(raw[key]))
        better = {**raw, key: {**raw[key], model: raw[key][model] + chance.uniform(0.1, 2)}}
        assert mean_place(better, model) >= mean_place(raw, model) - 1e-3


def mean_place(raw: Cohorts, model: str) -> float:
    """Return where the boards put a model on average, each linked anew."""
    cohorts = {key: plain(board) for key, board in raw.items()}
    links = link_boards(cohorts, reference=CATALOGUE)
    assert set(links) == set(raw)
    return fmean(
        [links[k].offset + links[k].slope * board[model] for k, board in cohorts.items() if model in board]
    )


NAMES = [first + vowel + "ndo" for first in "bdfg" for vowel in "aeiou"]


def built(order: random.Random | None = None, norm: NormName = "equated") -> Catalog:
    """Build a catalogue from three publishers: one tested all, one the better half, one shares too few models."""
    crowds = {
        "lmarena_coding": NAMES,
        "livebench_coding": NAMES[8:],
        "aa_coding_index": NAMES[: MIN_SHARED - 1],
    }
    batches = [Batch(source="openrouter", listings=tuple(listing(f"acme/{name}") for name in NAMES))]
    for board, crowd in crowds.items():
        rows = [
            Measurement(
                source=board.partition("_")[0],
                benchmark=board,
                published_name=name,
                value=10.0 + 3 * NAMES.index(name),
                unit="percent",
                published_on=TODAY,
            )
            for name in crowd
        ]
        if order:
            order.shuffle(rows)
        batches.append(Batch(source=board.partition("_")[0], measurements=tuple(rows)))
    if order:
        order.shuffle(batches)
    return build_catalog(batches, weights=shipped_weights(), as_of=TODAY, norm=norm)


def test_a_catalogue_shows_both_places_and_what_is_not_linked() -> None:
    """Every reading keeps its plain z; the one whose board shares too few models says so and weighs half."""
    readings = {r.benchmark: r for r in built().readings_of[f"acme/{NAMES[0]}"]}
    plain_readings = {r.benchmark: r for r in built(norm="zscore").readings_of[f"acme/{NAMES[0]}"]}
    assert {r.benchmark for r in readings.values() if r.unlinked} == {"aa_coding_index"}
    for board, reading in readings.items():
        assert reading.plain_z == pytest.approx(plain_readings[board].z)
    assert readings["aa_coding_index"].z == pytest.approx(plain_readings["aa_coding_index"].z)
    assert readings["aa_coding_index"].reliability == UNLINKED_QUALITY
    assert readings["lmarena_coding"].reliability == 1
    assert reading_json(readings["aa_coding_index"])["unlinked"] is True
    assert "unlinked" not in reading_json(readings["lmarena_coding"])


def test_one_reading_of_two_crowds_has_one_place() -> None:
    """A model that two linked crowds have measured stands at one place, where plain z-scores give two."""
    middle = f"acme/{NAMES[10]}"
    linked_z = [r.z for r in built().readings_of[middle] if not r.unlinked]
    plain_z = [r.z for r in built(norm="zscore").readings_of[middle]]
    assert linked_z[0] == pytest.approx(linked_z[1], abs=0.1)
    assert abs(plain_z[0] - plain_z[1]) > 0.5


def test_the_order_of_sources_changes_no_catalogue() -> None:
    """Shuffled sources and rows give the same content hash."""
    assert {built(random.Random(seed)).version for seed in range(4)} == {built().version}

"""The names that `model` may have."""

from __future__ import annotations

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import UnknownModel
from smart_spawn.gateway.listing import model_row, model_rows
from smart_spawn.gateway.names import Wanted, wanted
from smart_spawn.model import Budget, Mode


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("smart-spawn/auto", Wanted()),
        ("auto", Wanted()),
        ("auto:high", Wanted(budget=Budget.HIGH)),
        ("smart-spawn/cascade:low", Wanted(mode=Mode.CASCADE, budget=Budget.LOW)),
        ("collective:any", Wanted(mode=Mode.COLLECTIVE, budget=Budget.ANY)),
        ("swarm", Wanted(mode=Mode.SWARM)),
        ("acme/strong", Wanted(model_id="acme/strong")),
        ("openrouter/acme/strong", Wanted(model_id="acme/strong")),
        ("beta/cheap:free", Wanted(model_id="beta/cheap:free")),
    ],
)
def test_a_name_is_read_with_and_without_prefixes(app: SmartSpawn, name: str, found: Wanted) -> None:
    """Clients cut prefixes off or put them on; the name means the same."""
    assert wanted(name, app.catalog) == found


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("smart-spawn/atuo", "smart-spawn/auto"),
        ("auto:lowest", "smart-spawn/auto:low"),
        ("acme/stron", "acme/strong"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(app: SmartSpawn, name: str, nearest: str) -> None:
    """Whoever mistypes learns what would have been right, of our names and of the catalogue's."""
    with pytest.raises(UnknownModel) as caught:
        wanted(name, app.catalog)
    assert nearest in caught.value.nearest


def test_the_list_holds_our_names_and_what_can_be_called(app: SmartSpawn) -> None:
    """Ours come first; each name of the list can be asked for."""
    names = [row["id"] for row in model_rows(app)]
    assert names[0] == "smart-spawn/auto"
    assert {"smart-spawn/swarm:any", "acme/strong", "beta/cheap:free"} < set(names)
    assert [model_row(app, name)["id"] for name in names] == names
    assert model_row(app, "cascade:low")["id"] == "smart-spawn/cascade:low"

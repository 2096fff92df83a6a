"""Role blocks: complete, short, and put together without surprises."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import CATEGORIES
from smart_spawn.spawn.roles import KINDS, PERSONA_OF, ComposeRequest, Role, blocks, compose, personas

COUNTS = {"personas": 36, "stack": 82, "domains": 15, "formats": 17, "guardrails": 6}


def test_every_block_has_a_short_text() -> None:
    """All ids that published clients use are there, each with a sentence or two, no two alike."""
    assert {kind: len(blocks(kind)) for kind in KINDS} == COUNTS
    texts = [text for kind in KINDS for text in blocks(kind).values()]
    assert len(set(texts)) == len(texts)
    assert all(5 <= len(text.split()) <= 45 and text.endswith(".") for text in texts)
    assert all(persona.title for persona in personas().values())


def test_every_category_has_somebody_to_do_it() -> None:
    """A step without a persona gets one that exists."""
    assert set(PERSONA_OF) == set(CATEGORIES)
    assert set(PERSONA_OF.values()) <= set(personas())


def test_a_role_is_its_blocks_in_order() -> None:
    """Persona, technology, field, form, guardrails; ids are kept for the answer."""
    role = compose(
        Role.of(
            {
                "persona": "api-designer",
                "stack": ["python", "rest", "python"],
                "domain": "fintech",
                "format": "review",
                "guardrails": "code",
            }
        )
    )
    assert role.persona
    assert role.persona.id == "api-designer"
    assert (role.stack, role.domain, role.format, role.guardrails) == (
        ("python", "rest"),
        "fintech",
        "review",
        ("code",),
    )
    assert role.prompt.startswith("You are an API designer. ")
    places = [
        role.prompt.index(text)
        for text in (
            blocks("stack")["python"],
            blocks("stack")["rest"],
            blocks("domains")["fintech"],
            blocks("formats")["review"],
            blocks("guardrails")["code"],
        )
    ]
    assert places == sorted(places)
    assert role.words == len(role.prompt.split())
    assert not role.warnings


@pytest.mark.parametrize(
    ("persona", "opening"),
    [
        ("architect", "a software architect"),
        ("analyst", "an analyst"),
        ("ui-designer", "a UI designer"),
        ("assistant", "an assistant"),
    ],
)
def test_titles_read_well_in_a_sentence(persona: str, opening: str) -> None:
    """The article fits, and abbreviations stay as they are."""
    assert compose(Role.of(persona)).prompt.startswith(f"You are {opening}. ")


def test_unknown_ids_are_warned_of_and_left_out() -> None:
    """A typo costs a block, not the answer, and the nearest known id is named."""
    role = compose(Role.of({"persona": "pirate", "stack": ["pyton", "rust"], "format": "xyz"}))
    assert role.persona is None
    assert role.stack == ("rust",)
    assert any("`pyton` among the stack; did you mean `python`?" in warning for warning in role.warnings)
    assert len(role.warnings) == 3


def test_nothing_asked_is_no_role() -> None:
    """Empty values are the same as none."""
    empty: tuple[dict[str, Any] | None, ...] = (None, {}, {"persona": "", "stack": None, "guardrails": []})
    for given in empty:
        assert compose(Role.of(given)).prompt == ""
    for field in ("persona", "domain", "format"):  # the document says so too
        kinds = Role.model_json_schema()["properties"][field]["anyOf"]
        assert all("minLength" not in kind for kind in kinds)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"task": "x", "persna": "analyst"}, "persna"),
        ({"task": ""}, "`task` is empty"),
        ({"task": "x", "stack": 3}, "stack"),
        ({"task": "x", "persona": False}, "persona"),
        ({"task": "x", "domain": []}, "domain"),
        ({"task": "x", "stack": ["a"] * 51}, "stack"),
    ],
)
def test_wrong_requests_are_refused_by_field(given: dict[str, object], named: str) -> None:
    """The message names the field."""
    with pytest.raises(InvalidRequest, match=named):
        ComposeRequest.of(given)


def test_a_task_that_is_too_long_is_refused() -> None:
    """The limit is the one of all tasks."""
    with pytest.raises(TooLarge, match="200,001"):
        ComposeRequest.of({"task": "x" * 200_001})

"""Which model a name finds, and which it must not find."""

import time
from dataclasses import replace

import pytest

from smart_spawn.errors import SettingsError
from smart_spawn.matching.aliases import Alias, packaged_aliases, read_aliases
from smart_spawn.matching.index import Match, NameIndex, Unmatched
from smart_spawn.matching.match import match
from smart_spawn.model import Listing, Price
from smart_spawn.sources.base import Measurement


@pytest.mark.parametrize(
    ("published", "model_id", "rule"),
    [
        (
            "claude-opus-4-6-thinking-auto-high-effort",
            "anthropic/claude-opus-4.6",
            "name + effort + thinking",
        ),
        ("GPT-4.1-2025-04-14", "openai/gpt-4.1", "slug"),
        ("deepseek-v3", "deepseek/deepseek-chat", "hugging face name"),
        ("qwen3.5-flash", "qwen/qwen3.5-flash-02-23", "display name"),
        ("Jamba 1.7 Large", "ai21/jamba-large-1.7", "word order"),
        ("gemini-3-flash", "google/gemini-3-flash-preview", "only a preview is sold"),
        ("kimi-k2-0711-preview", "moonshotai/kimi-k2", "preview of the same date + date"),
        ("mistral-medium-2505", "mistralai/mistral-medium-3", "alias"),
        ("openrouter/qwen/qwen-2.5-coder-32b-instruct", "qwen/qwen-2.5-coder-32b-instruct", "catalogue id"),
        ("gpt-5.5-high (codex-harness)", "openai/gpt-5.5", "name + effort + harness"),
        ("o3-mini (high)", "openai/o3-mini-high", "name"),
        ("o3-mini (medium)", "openai/o3-mini", "name + effort"),
        ("Qwen3 30B A3B 2507 (Reasoning)", "qwen/qwen3-30b-a3b-thinking-2507", "name + thinking + date"),
        ("qwen3-30b-a3b-thinking", "qwen/qwen3-30b-a3b", "name + thinking"),
        ("Nemotron 3 Ultra", "nvidia/nemotron-3-ultra-550b-a55b", "display name"),
        ("NVIDIA Nemotron Nano 9B V2", "nvidia/nemotron-nano-9b-v2:free", "name"),
    ],
)
def test_a_published_name_finds_its_model(names: NameIndex, published: str, model_id: str, rule: str) -> None:
    """A benchmark's own spelling leads to the catalogue id and says by which rule."""
    found = names.find(published, source="lmarena")
    assert isinstance(found, Match)
    assert (found.model_id, found.rule) == (model_id, rule)


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ("claude-opus-5.5-max", "no model of this name"),
        ("deepseek-v4-pro-high-20260813", "another snapshot"),
        ("qwen3.8-max-0902", "another snapshot"),
        ("command-r", "another snapshot"),
        ("mistral-large-2402", "alias"),
        ("qwen3.7-max-preview", "another stage"),
        ("Gemini 2.5 Pro Preview 03-25", "another snapshot"),
        ("trinity-large-preview", "only another setting"),
        ("devstral-2", "stands for mistralai/devstral-2512"),
        ("someone/llama-3.1-8b-instruct", "not the maker"),
        ("DeepSeek R1 + claude-3-5-sonnet-20241022", "more than one model"),
        ("Qwen3 VL 32B (Reasoning)", "does not think"),
        ("chatgpt-4o-latest-20250326", "no model of this name"),
        ("mistral-large-latest", "another snapshot"),
        ("granite-4.0-micro", "no model of this name"),
    ],
)
def test_a_name_without_its_model_is_unmatched_and_says_why(
    names: NameIndex, published: str, reason: str
) -> None:
    """A newer generation, another snapshot or stage never joins the model that happens to be sold."""
    found = names.find(published, source="lmarena", benchmark="lmarena_overall")
    assert isinstance(found, Unmatched), found
    assert reason in found.reason


def test_a_searching_model_counts_on_search_boards_alone(names: NameIndex) -> None:
    """The search board rates a model with a search tool; elsewhere that is another system."""
    on_board = names.find("claude-opus-4-6-search", source="lmarena", benchmark="lmarena_search")
    elsewhere = names.find("claude-opus-4-6-search", source="lmarena", benchmark="lmarena_overall")
    assert isinstance(on_board, Match)
    assert on_board.rule == "name + search tool"
    assert isinstance(elsewhere, Unmatched)


def test_a_product_that_searches_is_itself_everywhere(names: NameIndex, old_names: NameIndex) -> None:
    """An id that ends in `search` is a model of its own, never the plain model."""
    found = names.find("sonar-pro-search", source="lmarena", benchmark="lmarena_overall")
    assert isinstance(found, Match)
    assert found.model_id == "perplexity/sonar-pro-search"
    api = old_names.find("api-gpt-4o-search", source="lmarena", benchmark="lmarena_search")
    assert isinstance(api, Match)
    assert api.model_id == "openai/gpt-4o-search-preview"


@pytest.mark.parametrize(
    ("published", "effort", "thinking"),
    [
        ("gpt-5.1-2025-11-13-nothinking", "none", False),
        ("claude-opus-4-5-20251101-high-32k", "high", True),
        ("kimi-k2.5-instant", None, False),
        ("claude-haiku-4-5-20251001-thinking-64k", None, True),
        ("ppl-sonar-pro-high", None, None),
        ("gpt-5.5", None, None),
        ("o3-mini-high", "high", None),
    ],
)
def test_effort_is_what_the_name_states(
    names: NameIndex, published: str, effort: str | None, thinking: bool | None
) -> None:
    """Effort comes from the name alone; thinking switched off is effort `none` where the model has that effort."""
    found = names.find(published, source="livebench")
    assert isinstance(found, Match)
    assert (found.effort, found.thinking) == (effort, thinking)


def test_ids_that_left_the_catalogue_are_found_while_they_are_sold(old_names: NameIndex) -> None:
    """The same grammar reads the catalogue of another date."""
    pairs = {
        "grok-4-0709": "x-ai/grok-4",
        "grok-code-fast-1-0825": "x-ai/grok-code-fast-1",
        "gpt-5-chat": "openai/gpt-5-chat",
        "devstral-2": "mistralai/devstral-2512",
        "llama-3.2-vision-11b-instruct": "meta-llama/llama-3.2-11b-vision-instruct",
        "gemini-2.5-flash-lite-preview-09-2025-highthinking": "google/gemini-2.5-flash-lite-preview-09-2025",
        "claude-3-5-haiku-20241022": "anthropic/claude-3.5-haiku",
        "laguna-xs.2": "poolside/laguna-xs.2:free",
    }
    for published, model_id in pairs.items():
        found = old_names.find(published, source="lmarena")
        assert isinstance(found, Match), published
        assert found.model_id == model_id


def test_variants_routers_and_aliases_are_no_targets(names: NameIndex) -> None:
    """Evidence belongs to plain ids; a variant stands in only where no plain id exists."""
    targets = set(names.targets)
    assert not {
        t for t in targets if t.startswith("~") or t.endswith(":batch") or t.startswith("openrouter/")
    }
    assert all(t.partition(":")[0] not in targets for t in targets if ":" in t)
    via_variant = names.find("x", source="openrouter", bridge="google/gemma-4-31b-it:free")
    assert isinstance(via_variant, Match)
    assert via_variant.model_id == "google/gemma-4-31b-it"
    via_alias = names.find("x", source="openrouter", bridge="~openai/gpt-latest")
    assert isinstance(via_alias, Match)
    assert via_alias.model_id == "openai/gpt-5.6-sol"


def test_a_bridge_wins_unless_the_name_speaks_against_it(names: NameIndex) -> None:
    """The id that a source gives is trusted; where the name says another product, the name wins."""
    slug = names.find(
        "a name like no other", source="artificial_analysis", bridge="anthropic/claude-4.5-haiku-20251001"
    )
    assert isinstance(slug, Match)
    assert (slug.model_id, slug.rule) == ("anthropic/claude-haiku-4.5", "bridge")
    mistaken = names.find("GPT-5.2 Codex (xhigh)", source="artificial_analysis", bridge="openai/gpt-5.2")
    assert isinstance(mistaken, Match)
    assert mistaken.model_id == "openai/gpt-5.2-codex"


def test_a_mistaken_bridge_joins_nothing_when_the_model_is_not_sold(listings: tuple[Listing, ...]) -> None:
    """A codex that is not in the catalogue does not become the plain model."""
    without = NameIndex.of([e for e in listings if not e.id.startswith("openai/gpt-5.2-codex")])
    found = without.find("GPT-5.2 Codex (xhigh)", source="artificial_analysis", bridge="openai/gpt-5.2")
    assert isinstance(found, Unmatched)


def test_files_of_the_open_leaderboard_join_by_their_id_alone(names: NameIndex) -> None:
    """Fine-tunes carry the words of the model that they come from; only the exact file is the model."""
    exact = names.find("QWEN/qwen2.5-72b-instruct", source="open_llm_leaderboard")
    base = names.find("Qwen/Qwen2.5-72B", source="open_llm_leaderboard", bridge="Qwen/Qwen2.5-72B")
    tuned = names.find("somebody/Qwen2.5-72B-Instruct", source="open_llm_leaderboard")
    assert isinstance(exact, Match)
    assert isinstance(base, Unmatched)
    assert isinstance(tuned, Unmatched)


def test_two_models_of_one_name_are_no_match() -> None:
    """When nothing decides between two sellers' models, neither is joined, and both are named."""
    index = NameIndex.of(
        [Listing(id="a/nova-9", name="Nova 9"), Listing(id="b/nova-9", name="Nova 9")], aliases=()
    )
    found = index.find("nova-9-high", source="lmarena")
    assert isinstance(found, Unmatched)
    assert found.reason == "ambiguous: a/nova-9, b/nova-9"


def test_a_router_is_never_found() -> None:
    """An id whose price is dynamic hands requests on and has no strength of its own."""
    index = NameIndex.of([Listing(id="some/auto-9", name="Auto 9", price=Price(dynamic=True))], aliases=())
    assert isinstance(index.find("auto-9", source="lmarena"), Unmatched)


def test_five_thousand_names_take_well_under_a_second(names: NameIndex) -> None:
    """The whole Open LLM Leaderboard is looked up in less than a second of processor time."""
    started = time.process_time()
    for number in range(4576):
        found = names.find(f"someone/merge-{number}-8B", source="open_llm_leaderboard")
        assert isinstance(found, Unmatched)
    assert time.process_time() - started < 1.0


def test_every_packaged_alias_has_a_source_and_leads_somewhere(
    names: NameIndex, old_names: NameIndex
) -> None:
    """Aliases are data: each with its source, and each to an id that this or an earlier catalogue holds."""
    for alias in packaged_aliases():
        assert len(alias.source) > 20
        assert alias.id == "-" or alias.id in {*names.targets, *old_names.targets}, alias.published
        found = old_names.find(alias.published, source="lmarena", benchmark="lmarena_search")
        assert (found.model_id if isinstance(found, Match) else "-") == alias.id, alias.published


@pytest.mark.parametrize(
    "text",
    [
        '[[alias]]\npublished = "a"\nid = "b/c"',
        '[[alias]]\npublished = "a"\nid = "b"\nsource = "s"',
        '[[alias]]\npublished = "a"\nid = "b/c"\nsource = "s"\nnote = "n"',
        '[[alias]]\npublished = "a"\nid = "b/c"\nsource = "s"\n[[alias]]\npublished = "A"\nid = "b/d"\nsource = "s"',
        "alias = ",
    ],
)
def test_a_wrong_alias_file_is_refused(text: str) -> None:
    """An entry without a source, with an unknown field, a strange id or a second meaning is named."""
    with pytest.raises(SettingsError) as caught:
        read_aliases(text)
    assert "aliases.toml" in caught.value.message


def test_own_aliases_are_used() -> None:
    """A caller's alias leads to a model, with the effort of the name kept."""
    index = NameIndex.of(
        [Listing(id="a/nova-9", name="Nova 9")],
        aliases=[Alias(published="star", id="a/nova-9", source="a test")],
    )
    found = index.find("Star (high)", source="lmarena")
    assert found == Match(
        published="Star (high)", model_id="a/nova-9", rule="alias + effort", key="nova-9", effort="high"
    )


def reading(name: str, benchmark: str = "lmarena_coding", **more: object) -> Measurement:
    base = Measurement(source="lmarena", benchmark=benchmark, published_name=name, value=1500.0, unit="elo")
    return replace(base, **more)  # type: ignore[arg-type]  # a test names its own fields


def test_measurements_are_paired_in_order_and_the_rest_is_counted_once(names: NameIndex) -> None:
    """Every reading is either paired or reported; a name on two boards is reported once."""
    readings = [
        reading("gpt-5.5-high"),
        reading("gemini-4-argon-high"),
        reading("gemini-4-argon-high", "lmarena_math"),
        reading("claude-opus-5-max"),
    ]
    matched = match(readings, names)
    assert [(m.published_name, found.model_id) for m, found in matched.pairs] == [
        ("gpt-5.5-high", "openai/gpt-5.5"),
        ("claude-opus-5-max", "anthropic/claude-opus-5"),
    ]
    assert [(u.source, u.found.published, u.benchmarks) for u in matched.unmatched] == [
        ("lmarena", "gemini-4-argon-high", ("lmarena_coding", "lmarena_math"))
    ]
    assert len(matched.unpaired) == 2


def test_the_order_of_listings_does_not_matter(listings: tuple[Listing, ...], names: NameIndex) -> None:
    """The same catalogue in another order gives the same matches."""
    reversed_names = NameIndex.of(listings[::-1])
    for published in (
        "o3-mini-high",
        "gemini-3-flash",
        "qwen3-235b-a22b-instruct-2507",
        "deepseek-v3",
        "kimi-k2",
    ):
        assert reversed_names.find(published, source="lmarena") == names.find(published, source="lmarena")

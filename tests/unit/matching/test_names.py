"""How a published name is taken apart."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_spawn.matching.dates import PublishedDate, date_at_end
from smart_spawn.matching.names import MAX_NAME_CHARS, in_any_order, squash, take_apart


@pytest.mark.parametrize(
    ("published", "key", "effort", "thinking", "on"),
    [
        ("claude-opus-4-5-20251101-thinking-64k-high-effort", "claude-opus-4-5", "high", True, "2025-11-01"),
        ("claude-opus-4-5-20251101-high-32k", "claude-opus-4-5", "high", True, "2025-11-01"),
        ("claude-4-1-opus-20250805-base", "claude-opus-4-1", None, False, "2025-08-05"),
        ("claude-4.5-haiku", "claude-haiku-4-5", None, None, None),
        ("Claude 3.5 Sonnet (20241022)", "claude-sonnet-3-5", None, None, "2024-10-22"),
        ("Claude Fable 5 (Adaptive Reasoning, Max Effort)", "claude-fable-5", "max", True, None),
        ("Claude Fable 5 (Max, Default Fallback)", "claude-fable-5", "max", None, None),
        (
            "gemini-2.5-flash-lite-preview-09-2025-no-thinking",
            "gemini-2-5-flash-lite",
            None,
            False,
            "2025-09",
        ),
        ("gemini-2.5-pro-06-05-highthinking", "gemini-2-5-pro", "high", True, "--06-05"),
        ("gemini-3-flash (thinking-minimal)", "gemini-3-flash", "minimal", True, None),
        ("gpt-5.1-2025-11-13-nothinking", "gpt-5-1", None, False, "2025-11-13"),
        ("gpt-5-6-sol-xhigh", "gpt-5-6-sol", "xhigh", None, None),
        ("muse-spark-1.2 (xHigh)", "muse-spark-1-2", "xhigh", None, None),
        ("Inkling (Extra High)", "inkling", "xhigh", None, None),
        ("grok-4.20-beta-0309-non-reasoning", "grok-4-20", None, False, "--03-09"),
        ("grok-4.20", "grok-4-20", None, None, None),
        ("amazon-nova-experimental-chat-26-01-10", "nova-experimental-chat", None, None, "2026-01-10"),
        ("DeepSeek R1 0528 (May '25)", "deepseek-r1", None, None, "2025-05-28"),
        ("Qwen3 235B A22B 2507 (Reasoning)", "qwen3-235b-a22b", None, True, "2025-07"),
        ("claude-sonnet-4-20250514 (32k thinking)", "claude-sonnet-4", None, True, "2025-05-14"),
        ("phi-3-mini-4k-instruct-june-2024", "phi-3-mini-4k", None, None, "2024-06"),
    ],
)
def test_effort_thinking_and_date_leave_the_key(
    published: str, key: str, effort: str | None, thinking: bool | None, on: str | None
) -> None:
    """What says how a model was set is read and taken off; what says which model it is stays."""
    name = take_apart(published)
    assert (name.key, name.effort, name.thinking) == (key, effort, thinking)
    assert (str(name.date) if name.date else None) == on


@pytest.mark.parametrize(
    ("published", "key"),
    [
        ("qwen3.7-max", "qwen3-7-max"),
        ("gpt-5.1-codex-max", "gpt-5-1-codex-max"),
        ("mistral-medium-2505", "mistral-medium"),
        ("gpt-5-chat", "gpt-5-chat"),
        ("gpt-5.5-instant", "gpt-5-5-instant"),
        ("gpt-4-32k", "gpt-4-32k"),
        ("phi-3-medium-4k-instruct", "phi-3-medium-4k"),
        ("llama3-70b-8192", "llama3-70b-8192"),
        ("grok-4-fast-chat", "grok-4-fast-chat"),
        ("gemini-2.0-flash-001", "gemini-2-0-flash-001"),
        ("deepseek-v4-flash-vision-exp", "deepseek-v4-flash-vision"),
        ("o3-deep-research", "o3-deep-research"),
        ("Qwen3-8B-Base", "qwen3-8b-base"),
    ],
)
def test_words_of_a_product_stay(published: str, key: str) -> None:
    """A size, a line or a context length is part of the model, even where it could be read as a setting."""
    name = take_apart(published)
    assert name.key == key
    assert name.effort is None


def test_stages_and_tools_are_told_apart() -> None:
    """Previews, searching models, harnesses and weights in fewer bits are read as what they are."""
    assert take_apart("kimi-k2-0905-preview").stage == "preview"
    assert take_apart("claude-opus-4-6-search").search
    assert take_apart("gemini-3-pro-grounding").search
    assert take_apart("gpt-5.4-high (codex-harness)").harness == "codex-harness"
    assert take_apart("nvidia-nemotron-3-ultra-550b-a55b-nvfp4").quantisation == "nvfp4"
    assert take_apart("gpt-5.2-chat-latest-20260210").moving
    assert take_apart("o3 (high) + gpt-4.1").several
    assert take_apart("ollama/qwen2.5:32b").vendor == "ollama"


def test_a_kimi_that_answers_at_once_does_not_think() -> None:
    """`instant` is a setting of Kimi and a product of OpenAI."""
    assert take_apart("kimi-k2.5-instant").thinking is False
    assert take_apart("gpt-5.3-instant").thinking is None


def test_spellings_of_one_name_meet() -> None:
    """A hyphen before a digit and the order of words carry no meaning; a version's digits keep their order."""
    assert squash("qwen-2-5-72b") == squash("qwen2-5-72b")
    assert in_any_order("jamba-1-7-large") == in_any_order("jamba-large-1-7")
    assert in_any_order("claude-opus-4-5") != in_any_order("claude-opus-5-4")
    assert squash("claude-opus-4-1") != squash("claude-opus-41")


@pytest.mark.parametrize("text", ["4.20", "001", "8192", "235b", "2613", "1350", "13-40"])
def test_numbers_that_are_no_date_are_not_read_as_one(text: str) -> None:
    """A version, a size or an impossible day stays a word."""
    assert date_at_end(["model", *text.split("-")]) is None


def test_a_date_without_a_year_means_the_nearest_year() -> None:
    """`0105` after a release in December is days away, not eleven months."""
    new_year = PublishedDate(month=1, day=5)
    assert new_year.days_after(date(2025, 12, 29)) == 7
    assert PublishedDate(year=2025, month=9).days_after(date(2025, 9, 12)) == 0
    assert PublishedDate(month=2, day=29).days_after(date(2025, 2, 28)) == 0


@given(st.text(max_size=400))
def test_any_text_can_be_taken_apart(text: str) -> None:
    """No text makes the grammar fail, and no key grows beyond its name."""
    name = take_apart(text)
    assert len(name.key) <= 6 * MAX_NAME_CHARS
    assert name.text == text

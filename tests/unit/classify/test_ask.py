"""What counts as the newest thing a person asked for."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.classify import newest_ask


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("Fix the bug", "Fix the bug"),
        ("<system-reminder>never mind</system-reminder>Fix the bug", "Fix the bug"),
        ("Fix the bug\n<environment_details>\nopen: a.py\n</environment_details>", "Fix the bug"),
        ("Fix the bug<system-reminder>cut off", "Fix the bug"),
        ("[Subagent Task]: Fix the bug", "Fix the bug"),
        ("[Subagent Context] You are a subagent.\n\n[Subagent Task]: Fix the bug", "Fix the bug"),
        ("> old words of somebody\nFix the bug", "Fix the bug"),
        ("<task>Fix the bug</task>", "Fix the bug"),
        ("Task: Fix the bug", "Fix the bug"),
    ],
)
def test_wrappers_are_taken_off(text: str, ask: str) -> None:
    """Reminders, environment blocks, frames and quotations are not what was asked."""
    assert newest_ask(text).strip() == ask


@pytest.mark.parametrize(
    "text", ["<system-reminder>all of it</system-reminder>", "> only a quotation", "[Subagent Task]:"]
)
def test_a_wrapper_around_nothing_counts_as_it_is(text: str) -> None:
    """When nothing else is left, the text itself is the ask."""
    assert newest_ask(text) == text


def test_the_newest_human_message_counts() -> None:
    """Of a conversation the last user message with words in it is the ask; tools and assistants ask nothing."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You write poems."},
        {"role": "user", "content": "Write a poem"},
        {"role": "assistant", "content": "Roses are red"},
        {"role": "user", "content": [{"type": "text", "text": "Now translate it"}, {"type": "image_url"}]},
        {"role": "user", "content": "  "},
        {"role": "tool", "content": "42"},
    ]
    assert newest_ask(messages) == "Now translate it"
    assert newest_ask([]) == ""
    assert newest_ask([{"role": "user", "content": None}]) == ""


def test_a_python_console_is_no_quotation() -> None:
    """Lines that begin with `>>>` are code and stay."""
    assert ">>> f(2)" in newest_ask("Why is this 3?\n>>> f(2)\n3")

"""The gate: what makes an answer unusable, what proves it right, and what is no fault."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.spawn.gate import Demands, Fault, Verdict, check_verifier, demands_of, examine


def look(text: str, task: str = "", finish_reason: str = "stop", **verify: Any) -> Verdict:
    return examine(text, finish_reason=finish_reason, demands=demands_of(task, verify))


CODE_TASK = "Write a Python function that adds two numbers"
GOOD_CODE = "Here:\n```python\ndef add(a, b):\n    return a + b\n```"


@pytest.mark.parametrize(
    ("text", "task", "fault"),
    [
        ("  \n", "", Fault.EMPTY),
        ("I'm sorry, but I can't help with that.", "", Fault.REFUSAL),
        ("As an AI language model, I cannot write this.", "", Fault.REFUSAL),
        ("Es tut mir leid, aber ich kann dabei nicht helfen.", "", Fault.REFUSAL),
        ("抱歉，我无法回答。", "", Fault.REFUSAL),
        ("```python\nprint(1)\n", "", Fault.OPEN_FENCE),
        ("And so on. " + "and on " * 60, "", Fault.REPETITION),
        ("x" * 400, "", Fault.REPETITION),
        ("\n".join(["this very line again and again"] * 30), "", Fault.REPETITION),
        ('{"a": 1,}', "Answer in JSON.", Fault.BAD_JSON),
        ("The data is fine.", "Return a JSON object with the totals", Fault.BAD_JSON),
        ("```python\ndef add(a, b)\n    return a\n```", CODE_TASK, Fault.BAD_CODE),
        (
            "Only a summary.",
            "Write a report with the sections: Summary, Risks and Costs.",
            Fault.MISSING_PART,
        ),
        ("5", "What is 2 + 2?", Fault.WRONG_VALUE),
    ],
)
def test_unusable_answers_are_rejected(text: str, task: str, fault: Fault) -> None:
    """Each for its one reason."""
    verdict = look(text, task)
    assert verdict.faults == (fault,)
    assert not verdict.accepted


def test_an_answer_that_was_cut_is_rejected() -> None:
    """The provider's word for it is enough."""
    assert look("The three steps are: first", finish_reason="length").faults == (Fault.CUT_OFF,)


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("I am not sure, but it is probably 7; it might also be 8.", "How many?"),
        ("I'm sorry to hear that! Here is what you can do: rest.", "I have a cold"),
        ("He said: I cannot help you. " + " ".join(f"Then came day {n}." for n in range(40)), "Tell a story"),
        ("| a | b |\n|---|---|\n" + "-" * 300, "Make a table"),
        (GOOD_CODE, CODE_TASK),
        ('```json\n{"a": [1, 2]}\n```', "Answer in JSON"),
        ('[{"a": 1}]', "Return only JSON"),
        ("```js\nfunction f( {\n```", CODE_TASK),
        ("Use json.loads to read it.", "How do I read JSON in Python?"),
        ("# Summary\nx\n# Risks\ny\n# Costs\nz", "Use the sections: Summary, Risks and Costs."),
        ("Row " + "\n".join(f"{n}: value" for n in range(100)), "List them"),
    ],
)
def test_usable_answers_pass(text: str, task: str) -> None:
    """Hedging, apologies inside, tables, other languages and mentions of JSON are no faults."""
    assert look(text, task).accepted


def test_verifiers_prove_an_answer() -> None:
    """A schema, a pattern and arithmetic say more than that nothing is wrong."""
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    assert look('{"n": 3}', jsonSchema=schema).verified
    assert look('{"n": "3"}', jsonSchema=schema).faults == (Fault.SCHEMA,)
    assert look("order AB-123", pattern=r"\b[A-Z]{2}-\d{3}\b").verified
    assert look("order 123", pattern=r"\b[A-Z]{2}-\d{3}\b").faults == (Fault.PATTERN,)
    assert look("The answer is 95.", "What is 12*7 + 11?").verified
    assert look("3.33", "10 / 3 =").verified
    assert not look("Hello there", "Say hello").verified


def test_required_parts_of_the_caller_count() -> None:
    """`parts` are looked for in any case."""
    assert look("RISKS: none", parts=["risks"]).accepted
    assert look("none", parts=["risks"]).faults == (Fault.MISSING_PART,)


@pytest.mark.parametrize(
    "verify",
    [{"pattern": "("}, {"pattern": "x" * 3_000}, {"jsonSchema": {"type": "objekt"}}],
)
def test_verifiers_that_cannot_work_are_refused(verify: dict[str, Any]) -> None:
    """Before anything is paid, with a way out."""
    with pytest.raises(InvalidRequest) as refused:
        check_verifier(verify)
    assert refused.value.hint


def test_a_schema_is_never_fetched() -> None:
    """A reference to elsewhere fails the answer, not the host that it names."""
    verdict = look('{"n": 3}', jsonSchema={"$ref": "https://example.invalid/schema.json"})
    assert verdict.faults == (Fault.SCHEMA,)


def bomb(depth: int) -> dict[str, Any]:
    """Return a schema that refers to itself two to the power of `depth` times."""
    names = [f"#/$defs/d{n}" for n in range(depth + 1)]
    nested = {f"d{n}": {"allOf": [{"$ref": names[n + 1]}] * 2} for n in range(depth)}
    return {"$ref": names[0], "$defs": {**nested, f"d{depth}": {"type": "object"}}}


def test_items_that_are_the_same_are_found_whatever_they_are() -> None:
    """As the schema's own rules say: 1 is 1.0, an object has no order, and true is not 1."""
    unique = {"type": "array", "uniqueItems": True}
    for same in ("[1, 1.0]", '[{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]', '["x", "x"]'):
        assert look(same, jsonSchema=unique).faults == (Fault.SCHEMA,)
    for different in ('[1, true, "1", [1], {"1": 1}, null]', "[1.5, 1]"):
        assert look(different, jsonSchema=unique).verified


@pytest.mark.parametrize(
    ("text", "verify"),
    [
        ("{}", {"jsonSchema": bomb(60)}),
        (json.dumps([{"a": n} for n in range(20_000)]), {"jsonSchema": {"uniqueItems": True}}),
        (json.dumps(["a" * 20 + "b"] * 9_000), {"jsonSchema": {"items": {"pattern": "^(a?){20}a*b$"}}}),
        ("a" * 5_000 + "b", {"pattern": r"(a+)+$"}),
        ('{"n": "' + "a" * 40 + 'b"}', {"jsonSchema": {"properties": {"n": {"pattern": r"^(a+)+$"}}}}),
        ("[" * 100_000, {"jsonSchema": {}}),
        ("```python\n" + "x = 1\n" * 800_000 + "```", {}),
        ("`" * 1_000_000, {}),
        ("ab " * 300_000, {}),
        ("\n" * 1_000_000, {}),
        ("I'm sorry" + " " * 500, {}),
    ],
)
def test_hostile_answers_are_looked_at_quickly(text: str, verify: dict[str, Any]) -> None:
    """Neither a pattern nor a megabyte of noise holds the service up."""
    started = time.process_time()
    look(text, "Write Python code. Answer in JSON. sections: a, b", **verify)
    assert time.process_time() - started < 2.0


def test_what_a_task_demands_is_read_from_it() -> None:
    """Only what is said: asking about JSON is not asking for it."""
    assert demands_of("Explain JSON to me") == Demands()
    assert demands_of("Return only valid JSON") == Demands(json=True)
    assert demands_of("Implement a Python class for stacks").code
    assert demands_of("What is (2+3)*4?").value == "20"
    assert demands_of("Call 555-1234").value is None

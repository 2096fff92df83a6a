"""Whether an answer may pass: typed hard faults, then what the task itself lets us verify. Pure and linear.

Hedging is not a fault: an answer that says how sure it is is better than one that does not.
"""

from __future__ import annotations

import ast
import json
import re
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from smart_spawn.errors import InvalidRequest
from smart_spawn.spawn.answers import canonical

PATTERN_TIMEOUT_S = 0.25
SCHEMA_TIMEOUT_S = 0.5
"""Everything else waits while an answer is looked at, the heartbeat of its worker included."""
MAX_PATTERN_CHARS = 2_000
MAX_SCHEMA_CHARS = 100_000
MAX_VERIFIED_CHARS = 2_000_000
MAX_PARSED_CHARS = 100_000
"""A longer program is not parsed: the parser takes seconds for megabytes, and nobody else's turn comes meanwhile."""
REFUSAL_CHARS = 600
"""A text longer than this is no refusal, whatever it opens with."""
REPEATS = 8
REPEATED_CHARS = 160
"""A tail is stuck when one piece of it comes this often in a row and fills this many characters."""


class Fault(StrEnum):
    """What makes an answer unusable, whoever gave it."""

    EMPTY = "empty"
    REFUSAL = "refusal"
    CUT_OFF = "cut off"
    OPEN_FENCE = "open code fence"
    REPETITION = "repetition"
    BAD_JSON = "json does not parse"
    BAD_CODE = "code does not parse"
    MISSING_PART = "missing part"
    SCHEMA = "does not fit the schema"
    PATTERN = "does not match the pattern"
    WRONG_VALUE = "wrong value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What an answer has to be, as far as the task or the caller says so."""

    json: bool = False
    code: bool = False
    parts: tuple[str, ...] = ()
    """Words that must be in it, such as the headings that were asked for."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema."""
    pattern: str | None = None
    """A regular expression that must be found in it."""
    value: str | None = None
    """The right answer, where the task is an arithmetic expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate found."""

    faults: tuple[Fault, ...] = ()
    verified: bool = False
    """A verifier proved it right, not only not wrong."""
    notes: tuple[str, ...] = field(default=())
    """For each fault what exactly, where there is something to say."""

    @property
    def accepted(self) -> bool:
        """Whether it has no fault."""
        return not self.faults


_REFUSALS = (
    r"i'?m (?:really |very )?sorry,? (?:but )?(?:i )?(?:can'?t|cannot|am unable|won'?t)",
    r"i (?:can'?t|cannot|am unable to|won'?t be able to) (?:help|assist|comply|provide|do that|answer|write|create)",
    r"as an ai(?: language)? model,? i (?:can'?t|cannot|am unable|don'?t)",
    r"es tut mir leid,? (?:aber )?(?:ich kann|dabei)",
    r"lo siento,? (?:pero )?no puedo",
    r"(?:je suis )?désolé,? (?:mais )?je ne peux",
    r"(?:很)?抱歉，?(?:但)?我(?:不能|无法)",
    r"申し訳(?:ありません|ございません)",
)
_REFUSAL = re.compile(rf"^\W{{0,5}}(?:{'|'.join(_REFUSALS)})", re.IGNORECASE)
_ASKS_JSON = re.compile(
    r"\b(?:as|in|into|return|returns?|output|respond with|answer with|reply with|produce|only|valid|als|en)\s{1,3}"
    r"(?:only\s|just\s|a\s|an\s|the\s|valid\s|one\s|single\s|ein\s|un\s){0,3}json\b",
    re.IGNORECASE,
)
_ASKS_CODE = re.compile(
    r"\b(?:write|implement|create|build|refactor|fix|rewrite|complete|generate|schreibe|escribe|écris)\b[^.\n]{0,200}"
    r"\b(?:python|function|class|script|program|code|method|módulo|funktion|función|fonction)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"\b(?:sections?|headings?|chapters?|abschnitte|secciones)\b(?:\s{1,3}(?:named|called|titled|for|on))?\s{0,3}[:：]\s{0,3}([^.\n]{3,400})",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*(```|~~~)[ \t]*([\w+-]*)", re.MULTILINE)
_ARITHMETIC = re.compile(
    r"^\s*(?:what(?:'s| is)|calculate|compute|evaluate|was ist|wie viel ist|cuánto es)?"
    r"\s*([\d\s().,+*/×÷−-]{3,120}?)\s*[=?.]*\s*$",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\d\s*[+*/×÷−-]\s*[\d(]")


def demands_of(task: str, verify: Mapping[str, Any] | None = None) -> Demands:
    """Read what a task asks of its answer; `verify` is what the caller says (`jsonSchema`, `pattern`, `parts`)."""
    given = verify or {}
    head_and_tail = task if len(task) <= 20_000 else task[:10_000] + "\n" + task[-10_000:]
    listed = _PARTS.search(head_and_tail)
    parts = re.split(r",|;|\band\b|\bund\b|\by\b", listed[1]) if listed else []
    named = [part.strip(" \t'\"`") for part in parts]
    return Demands(
        json=bool(_ASKS_JSON.search(head_and_tail)) or given.get("jsonSchema") is not None,
        code=bool(_ASKS_CODE.search(head_and_tail)),
        parts=(*(p for p in named if 2 <= len(p) <= 40), *given.get("parts", ())),
        schema=given.get("jsonSchema"),
        pattern=given.get("pattern"),
        value=_arithmetic(task),
    )


def check_verifier(verify: Mapping[str, Any]) -> None:
    """Refuse a verifier that cannot work, before anything is paid. Raises InvalidRequest."""
    schema, pattern = verify.get("jsonSchema"), verify.get("pattern")
    if schema is not None:
        import jsonschema  # noqa: PLC0415  # slow to import, and few tasks have a verifier

        if len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
            raise InvalidRequest(
                "`verify.jsonSchema` is too long", hint=f"keep it under {MAX_SCHEMA_CHARS:,} characters"
            )
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise InvalidRequest(
                f"`verify.jsonSchema` is no JSON schema: {error.message[:200]}",
                hint="it is read as draft 2020-12",
            ) from None
    if pattern is not None:
        import regex  # noqa: PLC0415  # as above

        if len(pattern) > MAX_PATTERN_CHARS:
            raise InvalidRequest(
                "`verify.pattern` is too long", hint=f"keep it under {MAX_PATTERN_CHARS:,} characters"
            )
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise InvalidRequest(
                f"`verify.pattern` is no regular expression: {error}", hint="Python's syntax"
            ) from None


def examine(text: str, *, finish_reason: str | None, demands: Demands) -> Verdict:
    """Look for everything that makes an answer unusable, then for what proves it right."""
    found: list[tuple[Fault, str]] = []
    if not text.strip():
        return Verdict(faults=(Fault.EMPTY,), notes=("",))
    if finish_reason == "length":
        found.append((Fault.CUT_OFF, "it ends at the output limit"))
    if len(text) <= REFUSAL_CHARS and _REFUSAL.match(text):
        found.append((Fault.REFUSAL, ""))
    if len(_FENCE.findall(text)) % 2:
        found.append((Fault.OPEN_FENCE, ""))
    if is_stuck(text):
        found.append((Fault.REPETITION, ""))
    value, broken = _json_of(text) if demands.json else (None, None)
    if broken:
        found.append((Fault.BAD_JSON, broken))
    if demands.code and (wrong := _broken_code(text)):
        found.append((Fault.BAD_CODE, wrong))
    missing = [part for part in demands.parts if part.casefold() not in text.casefold()]
    if missing:
        found.append((Fault.MISSING_PART, ", ".join(missing[:5])))
    verified = not found and _verified(text, value, demands, found)
    return Verdict(
        faults=tuple(fault for fault, _ in found), verified=verified, notes=tuple(note for _, note in found)
    )


def _verified(text: str, value: Any, demands: Demands, found: list[tuple[Fault, str]]) -> bool:
    """Run the verifiers there are; failures are added to `found`. True when at least one ran and none failed."""
    ran = False
    if demands.schema is not None:
        ran = True
        if wrong := _schema_error(value, demands.schema):
            found.append((Fault.SCHEMA, wrong))
    if demands.pattern is not None:
        ran = True
        if wrong := _pattern_error(text, demands.pattern):
            found.append((Fault.PATTERN, wrong))
    if demands.value is not None and (answer := canonical(text)) is not None:
        ran = True
        if not _same_number(answer, demands.value):
            found.append((Fault.WRONG_VALUE, f"it is {demands.value}"))
    return ran and not found


def is_stuck(text: str) -> bool:
    """Tell whether a text repeats itself at its end, or line after line."""
    tail = text.rstrip()[-4_000:]
    for size in range(1, min(400, len(tail) // REPEATS) + 1):
        times = max(REPEATS, -(-REPEATED_CHARS // size))
        piece = tail[-size:]
        if any(c.isalnum() for c in piece) and tail.endswith(piece * times):
            return True
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) >= 20]
    if len(lines) < 2 * REPEATS:
        return False
    return Counter(lines).most_common(1)[0][1] > len(lines) / 2


def _json_of(text: str) -> tuple[Any, str | None]:
    """Return the JSON in an answer and what is wrong with it: the whole text, or its only fenced block."""
    body = text.strip()
    blocks = _blocks(body)
    if blocks and not body.startswith(("{", "[")):
        body = blocks[0][1]
    try:
        return json.loads(body), None
    except ValueError as error:
        return None, str(error)[:200]
    except RecursionError:
        return None, "nested too deeply"


def _blocks(text: str) -> list[tuple[str, str]]:
    """Return the closed code blocks with their language."""
    marks = list(_FENCE.finditer(text))
    found = []
    for opening, closing in zip(marks[::2], marks[1::2], strict=False):
        start = text.find("\n", opening.end())
        found.append((opening[2].lower(), text[start + 1 : closing.start()]))
    return found


def _broken_code(text: str) -> str | None:
    """Return what is wrong with the Python in an answer; other languages are not judged."""
    for language, code in _blocks(text):
        if language not in ("python", "py", "python3") or len(code) > MAX_PARSED_CHARS:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes are the author's business
            try:
                ast.parse(code)
            except SyntaxError as error:
                return f"line {error.lineno}: {error.msg}"
            except (ValueError, RecursionError, MemoryError) as error:
                return type(error).__name__
    return None


def _schema_error(value: Any, schema: Mapping[str, Any]) -> str | None:
    import referencing  # noqa: PLC0415  # as above

    # An empty registry: a schema that refers elsewhere is never fetched.
    validator = _bounded_validator()(schema, registry=referencing.Registry())
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except (referencing.exceptions.Unresolvable, RecursionError) as unusable:
        return f"the schema cannot be applied: {type(unusable).__name__}"
    except _SlowSchema:
        return f"checking took longer than {SCHEMA_TIMEOUT_S:g} s"
    return None if error is None else error.message[:200]


class _SlowSchema(Exception):
    """The time for one answer is over."""


def _bounded_validator() -> Any:
    """Return a validator that gives up in time, whatever the schema refers to and however it repeats itself."""
    import jsonschema  # noqa: PLC0415  # as above

    until_s = time.monotonic() + SCHEMA_TIMEOUT_S

    def in_time(check: Any) -> Any:
        def checked(*given: Any) -> Iterator[Any]:
            if time.monotonic() > until_s:
                raise _SlowSchema
            yield from check(*given) or ()

        return checked

    def matches(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
        if isinstance(instance, str) and _pattern_error(instance, wanted):
            yield jsonschema.ValidationError(f"{instance[:40]!r} does not match {wanted[:80]!r}")

    def differs(_: Any, wanted: bool, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
        """Compare spellings: the library's own way takes the square of the length."""
        if wanted and isinstance(instance, list):
            spelled = {json.dumps(_whole(one), sort_keys=True) for one in instance}
            if len(spelled) < len(instance):
                yield jsonschema.ValidationError("the list has an item twice")

    usual = jsonschema.Draft202012Validator
    own = {**usual.VALIDATORS, "pattern": matches, "uniqueItems": differs}
    extend: Any = jsonschema.validators.extend  # its stub has no types
    return extend(usual, {keyword: in_time(check) for keyword, check in own.items()})


def _whole(value: Any) -> Any:
    """Write whole numbers in one way: to a schema 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {key: _whole(one) for key, one in value.items()} if isinstance(value, dict) else value


def _pattern_error(text: str, pattern: str) -> str | None:
    import regex  # noqa: PLC0415  # as above

    try:
        return (
            None
            if regex.search(pattern, text[:MAX_VERIFIED_CHARS], timeout=PATTERN_TIMEOUT_S)
            else "no match"
        )
    except TimeoutError:
        return f"matching took longer than {PATTERN_TIMEOUT_S:g} s"
    except regex.error as error:
        return str(error)[:200]


def _arithmetic(task: str) -> str | None:
    """Return the value of a task that is nothing but an arithmetic expression."""
    match = _ARITHMETIC.match(task) if len(task) <= 200 else None
    if not match or not _OPERATOR.search(match[1]):
        return None
    plain = match[1].replace("×", "*").replace("÷", "/").replace("−", "-").replace(",", "")
    try:
        value = _value(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError):
        return None
    return format(value.normalize(), "f") if value else "0"


def _value(node: ast.expr) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
    raise ValueError("not plain arithmetic")


def _same_number(answer: str, value: str) -> bool:
    """Tell whether two numbers are the same, as far as the answer is written out."""
    try:
        given, right = Decimal(answer), Decimal(value)
    except InvalidOperation:
        return False
    exponent = given.as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    return given == right or (places > 0 and given == round(right, places))

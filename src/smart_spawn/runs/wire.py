"""Results and errors of steps as JSON, and back: what is read after a crash is equal to what was returned before."""

from __future__ import annotations

from typing import Any

import msgspec

from smart_spawn import errors
from smart_spawn.errors import ProviderError, RunError, SmartSpawnError, StepFailed

MAX_RESULT_BYTES = 20_000_000
"""The longest result of a step, as JSON."""


class _Error(msgspec.Struct, omit_defaults=True):
    kind: str
    message: str
    hint: str = ""
    details: dict[str, Any] = {}
    provider: str = ""
    model: str = ""
    status: int | None = None
    retry_after_s: float | None = None


def to_json(value: object, step: str) -> bytes:
    """Return a result as JSON. Raises StepFailed for what JSON cannot hold, or what is too long."""
    try:
        body = msgspec.json.encode(value, enc_hook=_plain)
    except (TypeError, NotImplementedError, msgspec.MsgspecError) as error:
        raise StepFailed(
            f"step `{step}` returned a `{type(value).__name__}` that JSON cannot hold: {error}",
            hint="return plain values or dataclasses of them",
        ) from None
    if len(body) > MAX_RESULT_BYTES:
        raise StepFailed(
            f"step `{step}` returned {len(body):,} bytes; the limit is {MAX_RESULT_BYTES:,}",
            hint="keep long texts as artifacts",
        )
    return body


def from_json(body: bytes, returns: Any) -> Any:
    """Rebuild a result; `returns` is its type, `None` gives plain JSON."""
    if returns is None:
        return msgspec.json.decode(body)
    return msgspec.json.decode(body, type=returns, dec_hook=_rebuilt)


def plain(value: object) -> Any:
    """Return a value as plain JSON values, errors inside it by their type's name."""
    return msgspec.to_builtins(value, enc_hook=_plain)


def rebuilt(value: Any, returns: Any) -> Any:
    """Rebuild what `plain` made of a value of this type."""
    return msgspec.convert(value, returns, dec_hook=_rebuilt)


def error_to_json(error: SmartSpawnError) -> bytes:
    """Return an error as JSON, its type by name."""
    return msgspec.json.encode(_packed(error), enc_hook=str)


def error_from_json(body: bytes) -> SmartSpawnError:
    """Rebuild an error. A type that this release does not know becomes StepFailed with the same words."""
    return _unpacked(msgspec.json.decode(body, type=_Error))


def one_line(error: SmartSpawnError) -> str:
    """Return what lists show of an error."""
    return f"{type(error).__name__}: {' '.join(error.message.split())}"


def _packed(error: SmartSpawnError) -> _Error:
    provider = error if isinstance(error, ProviderError) else None
    return _Error(
        kind=type(error).__name__,
        message=error.message,
        hint=error.hint,
        details=error.details,
        provider=provider.provider if provider else "",
        model=provider.model if provider else "",
        status=provider.status if provider else None,
        retry_after_s=provider.retry_after_s if provider else None,
    )


def _unpacked(packed: _Error) -> SmartSpawnError:
    kind = getattr(errors, packed.kind, None)
    if isinstance(kind, type) and issubclass(kind, ProviderError):
        return kind(
            packed.message,
            provider=packed.provider,
            model=packed.model,
            status=packed.status,
            retry_after_s=packed.retry_after_s,
            hint=packed.hint,
            details=packed.details,
        )
    if not (isinstance(kind, type) and issubclass(kind, RunError)):
        kind = StepFailed  # others take arguments of their own; inside a run they are a failed step
    return kind(packed.message, hint=packed.hint, details=packed.details)


def _plain(value: object) -> object:
    """Let errors stand inside results, as `Purchased.error` does."""
    if isinstance(value, SmartSpawnError):
        return _packed(value)
    raise NotImplementedError(f"`{type(value).__name__}`")


def _rebuilt(kind: type, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, SmartSpawnError):
        return _unpacked(msgspec.convert(value, _Error))
    raise NotImplementedError(f"`{kind}`")

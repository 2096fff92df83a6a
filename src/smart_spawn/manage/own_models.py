"""Private models: checked, stored, and taking part in the next catalogue at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NotFound
from smart_spawn.manage.bodies import PrivateModelBody
from smart_spawn.model import DeclaredPolicy
from smart_spawn.routing.request import invalid
from smart_spawn.settings import Settings
from smart_spawn.sources.own import OwnModel
from smart_spawn.store import Store

MAX_MODELS = 1_000
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,127}")
ADDRESSES = frozenset({"baseUrl", "base_url", "url", "endpoint", "apiKey", "api_key"})


def checked(
    model_id: str, values: Mapping[str, Any], settings: Settings, catalog: Catalog | None
) -> OwnModel:
    """Check what an owner sent. Raises InvalidRequest, naming the field and what would have been right."""
    if not ID.fullmatch(model_id):
        raise InvalidRequest(
            f"`{model_id[:120]}` is no id for a model", hint="use lower case and one slash: `own/my-model`"
        )
    given = sorted(ADDRESSES & values.keys())
    if given:
        raise InvalidRequest(
            f"`{given[0]}` cannot be set here: an address or key comes from the settings alone",
            hint="set `providers.<name>.base_url` there, and send `provider` with that name",
        )
    try:
        body = PrivateModelBody.model_validate(dict(values))
    except ValidationError as error:
        raise invalid(error, PrivateModelBody) from None
    public = catalog.listing(model_id) if catalog else None
    if public is not None and not public.private:
        raise InvalidRequest(
            f"`{model_id}` is a public model",
            hint=f"choose another id, such as `own/{model_id.partition('/')[2]}`",
        )
    _check_provider(body.provider, settings)
    if body.default_effort is not None and body.default_effort not in body.reasoning_efforts:
        raise InvalidRequest(
            f"`defaultEffort` is `{body.default_effort}`, which is not among `reasoningEfforts`",
            hint="name it in both",
        )
    return _model(model_id, body)


def _check_provider(name: str, settings: Settings) -> None:
    if name in settings.providers:
        return
    known = ", ".join(f"`{each}`" for each in settings.providers)
    raise InvalidRequest(
        f"`{name[:80]}` is no provider of the settings",
        hint=f"one of: {known}"
        if known
        else f"add `[providers.{name[:40]}]` with `base_url` to the settings",
        details={"field": "provider", "valid": list(settings.providers)},
    )


def _model(model_id: str, body: PrivateModelBody) -> OwnModel:
    can = body.capabilities
    return OwnModel(
        id=model_id,
        name=body.name or model_id,
        provider=body.provider,
        prompt_usd_per_mtok=body.pricing.prompt,
        completion_usd_per_mtok=body.pricing.completion,
        cached_input_usd_per_mtok=body.pricing.cached_input,
        context_tokens=body.context_length,
        max_output_tokens=body.max_output_tokens,
        vision=can.vision,
        function_calling=can.function_calling,
        json=can.json_,
        streaming=can.streaming,
        reasoning=can.reasoning,
        efforts=body.reasoning_efforts,
        default_effort=body.default_effort or (body.reasoning_efforts[0] if body.reasoning_efforts else None),
        hugging_face_id=body.hugging_face_id,
        data_policy=DeclaredPolicy(
            trains_on_prompts=body.data_policy.trains_on_prompts,
            retains_prompts=body.data_policy.retains_prompts,
            region=body.data_policy.region,
        ),
    )


def put(store: Store, model: OwnModel, at: datetime) -> bool:
    """Store a private model; tell whether it is new. Raises InvalidRequest when there are too many."""
    known = store.own.models()
    if model.id not in known and len(known) >= MAX_MODELS:
        raise InvalidRequest(f"there are {MAX_MODELS:,} private models already", hint="remove one first")
    store.own.put_model(model, at)
    return model.id not in known


def remove(store: Store, model_id: str) -> None:
    """Remove a private model. Raises NotFound."""
    if not store.own.remove_model(model_id):
        raise unknown(store, model_id)


def unknown(store: Store, model_id: str) -> NotFound:
    """Say that there is no such private model, and which there are."""
    known = ", ".join(f"`{name}`" for name in list(store.own.models())[:10])
    return NotFound(
        f"there is no private model `{model_id[:120]}`",
        hint=f"there are: {known}" if known else "`smart-spawn private-models add` adds one",
    )

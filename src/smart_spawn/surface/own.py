"""Private models and own results as JSON: `/private-models`, `/benchmarks`, and the commands of the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import ValidationError

from smart_spawn.errors import InvalidRequest, NotFound
from smart_spawn.manage import own_models, own_results
from smart_spawn.manage.bodies import BenchmarkBody
from smart_spawn.manage.result_files import read_json_rows, read_rows
from smart_spawn.manage.rows import Row, Rows
from smart_spawn.model import bare_id
from smart_spawn.refresh import apply_own
from smart_spawn.routing.request import invalid
from smart_spawn.sources.own import OwnModel
from smart_spawn.surface.models import usd

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn

LATER = "a refresh is running: the change counts in the catalogue after it"


def _apply(app: SmartSpawn) -> dict[str, Any]:
    """Build the next catalogue from what is held, and serve it."""
    built = apply_own(app.store, app.settings, now=app.now(), serving=app.catalog)
    app.check_for_newer_catalog()
    return {
        "applied": built is not None,
        "version": app.catalog.version,
        **({} if built else {"note": LATER}),
    }


def private_models_json(app: SmartSpawn) -> dict[str, Any]:
    """List the private models."""
    return {"data": [_model_json(app, model) for model in app.store.own.models().values()]}


def private_model_json(app: SmartSpawn, model_id: str) -> dict[str, Any]:
    """Return one private model as it was given. Raises NotFound."""
    known = bare_id(model_id)
    model = app.store.own.models().get(known)
    if model is None:
        raise own_models.unknown(app.store, known)
    return {"data": _model_json(app, model)}


def put_private_model(app: SmartSpawn, model_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Store a private model and let it take part at once. Raises InvalidRequest."""
    known = bare_id(model_id)
    model = own_models.checked(known, values, app.settings, app.catalog)
    added = own_models.put(app.store, model, app.now())
    return {**private_model_json(app, known), "meta": {"added": added, **_apply(app)}}


def remove_private_model(app: SmartSpawn, model_id: str) -> dict[str, Any]:
    """Remove a private model. Raises NotFound."""
    known = bare_id(model_id)
    own_models.remove(app.store, known)
    return {"data": {"removed": known, **_apply(app)}}


def _model_json(app: SmartSpawn, model: OwnModel) -> dict[str, Any]:
    at = app.store.own.updated_at(model.id)
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.provider,
        "pricing": {
            "prompt": usd(model.prompt_usd_per_mtok),
            "completion": usd(model.completion_usd_per_mtok),
            "cachedInput": usd(model.cached_input_usd_per_mtok),
        },
        "contextLength": model.context_tokens,
        "maxOutputTokens": model.max_output_tokens,
        "capabilities": {
            "vision": model.vision,
            "functionCalling": model.function_calling,
            "json": model.json,
            "streaming": model.streaming,
            "reasoning": model.reasoning,
        },
        "reasoningEfforts": list(model.efforts),
        "defaultEffort": model.default_effort,
        "huggingFaceId": model.hugging_face_id,
        "dataPolicy": {
            "trainsOnPrompts": model.data_policy.trains_on_prompts,
            "retainsPrompts": model.data_policy.retains_prompts,
            "region": model.data_policy.region,
        },
        "updatedAt": at.isoformat(timespec="seconds") if at else "",
    }


def boards_json(app: SmartSpawn) -> dict[str, Any]:
    """List the boards with own results, and whether each counts."""
    return {"data": [_board_json(state) for state in own_results.states(app.store, app.catalog)]}


def import_body(app: SmartSpawn, values: Mapping[str, Any]) -> dict[str, Any]:
    """Import what `POST /benchmarks` was sent. Raises InvalidRequest, with every row that cannot be used."""
    try:
        body = BenchmarkBody.model_validate(dict(values))
    except ValidationError as error:
        raise invalid(error, BenchmarkBody) from None
    if (body.results is None) == (body.content is None):
        raise InvalidRequest(
            "the body needs either `results` or `content`",
            hint='for example {"benchmark": "my_eval", "results": [{"model": "own/mine", "value": 71.5}]}',
        )
    options = own_results.Options(
        benchmark=body.benchmark,
        unit=body.unit,
        edition=body.edition,
        higher_is_better=body.higher_is_better,
        categories=body.categories,
    )
    return import_rows(app, _rows_of(body), options, dry_run=body.dry_run)


def _rows_of(body: BenchmarkBody) -> Rows:
    if body.results is not None:
        given = [row.model_dump(exclude_none=True) for row in body.results]
        return read_json_rows([{"model": body.model, **row} if body.model else row for row in given])
    content = body.content.encode() if isinstance(body.content, str) else msgspec.json.encode(body.content)
    return read_rows(content, model=body.model, task=body.task)


def import_rows(
    app: SmartSpawn, rows: Rows, options: own_results.Options, *, dry_run: bool = False
) -> dict[str, Any]:
    """Check every row and, unless it is a rehearsal, store all of them and let them count at once.

    Raises InvalidRequest, with every row that cannot be used; nothing is stored then.
    """
    _one_board(rows, options)
    checked = own_results.check(rows, options, app.catalog, app.store)
    done: dict[str, Any] = {"applied": False, "version": app.catalog.version}
    if not dry_run:
        own_results.keep(app.store, checked, app.now())
        done = _apply(app)
    names = {board.benchmark for board in checked.boards}
    return {
        "data": {
            "dryRun": dry_run,
            "format": rows.format,
            "accepted": len(checked.accepted),
            "rows": [_row_json(each) for each in checked.accepted[:1000]],
            "boards": [
                _board_json(state)
                for state in own_results.states(app.store, app.catalog)
                if state.board.benchmark in names
            ],
            "notes": [*checked.notes, *([done.pop("note")] if "note" in done else [])],
            **done,
        }
    }


def _one_board(rows: Rows, options: own_results.Options) -> None:
    """Refuse one name for the different tasks of a result file: they would overwrite each other."""
    tasks = sorted({row.benchmark for row in rows.rows if row.benchmark})
    if options.benchmark and len(tasks) > 1 and rows.format not in ("csv", "json"):
        raise InvalidRequest(
            f"the file has {len(tasks)} tasks, and one board cannot hold them all",
            hint=f"choose one with `--task`: {', '.join(tasks[:10])}",
        )


def _row_json(each: own_results.Accepted) -> dict[str, Any]:
    row: Row = each.row
    return {
        "place": row.place,
        "publishedName": row.model,
        "model": each.model_id,
        "rule": each.rule,
        "benchmark": each.value.benchmark,
        "edition": each.value.edition or None,
        "value": each.value.value,
    }


def _board_json(state: own_results.BoardState) -> dict[str, Any]:
    board = state.board
    return {
        "benchmark": board.benchmark,
        "edition": board.edition or None,
        "unit": board.unit,
        "higherIsBetter": board.higher_is_better,
        "public": board.public,
        "models": state.models,
        "values": state.values,
        "counts": state.counts,
        "note": state.note,
        "categories": {str(c): w for c, w in board.categories.items()},
    }


def remove_board(app: SmartSpawn, benchmark: str) -> dict[str, Any]:
    """Remove all own results of a board. Raises NotFound."""
    name = own_results.board_name(benchmark)
    gone = app.store.own.remove_board(name)
    if not gone:
        known = ", ".join(f"`{b.benchmark}`" for b in app.store.own.boards()[:10])
        raise NotFound(
            f"there are no own results of `{name}`",
            hint=f"there are: {known}" if known else "none were imported",
        )
    return {"data": {"removed": name, "values": gone, **_apply(app)}}

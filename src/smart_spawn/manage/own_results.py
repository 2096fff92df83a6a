"""Own results: every row checked against models, units and scales, then stored whole or not at all."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import get_args

from rapidfuzz import fuzz, process

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest
from smart_spawn.manage.rows import Problem, Row, Rows
from smart_spawn.matching.index import Match, NameIndex
from smart_spawn.model import Category
from smart_spawn.scoring.scale import LOG_UNITS, MIN_READINGS, Scale, fit_scale
from smart_spawn.sources.base import Unit
from smart_spawn.sources.own import SOURCE, OwnBoard, OwnValue
from smart_spawn.store import Store

MAX_BOARDS = 500
MAX_STORED_VALUES = 500_000
SHOWN_PROBLEMS = 100
UNITS: tuple[Unit, ...] = get_args(Unit)
BoardKey = tuple[str, str]
RESERVED = ("catalog_", "lmarena_", "livebench_", "aa_", "open_llm_", "design_arena_", "aider_")
"""How public boards begin: a name like this that no board has is a slip, not an own board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an import says beside its rows."""

    benchmark: str | None = None
    unit: str | None = None
    edition: str | None = None
    higher_is_better: bool | None = None
    categories: Mapping[Category, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One row and the model that it found."""

    row: Row
    model_id: str
    rule: str
    identity: tuple[object, ...]
    """Model, effort, thinking and date: two rows of one board that share all are one result twice."""
    value: OwnValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An import that can be stored as it is."""

    accepted: tuple[Accepted, ...]
    boards: tuple[OwnBoard, ...]
    notes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Published:
    """A board that some source publishes."""

    unit: str
    higher_is_better: bool = True
    editions: set[str] = field(default_factory=set)
    current: set[str] = field(default_factory=set)
    """Those that are not superseded."""


def board_name(text: str) -> str:
    """Spell a board's name as ours are spelled: lower case, digits, underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:80]


def check(rows: Rows, options: Options, catalog: Catalog, store: Store) -> Checked:
    """Check every row. Raises InvalidRequest with every problem by its place; nothing is stored by this."""
    names = NameIndex.of(catalog.listings)
    boards: dict[BoardKey, OwnBoard] = {}
    problems: list[Problem] = list(rows.problems)
    accepted: list[Accepted] = []
    seen: dict[tuple[object, ...], Accepted] = {}
    public = _published(catalog)
    stored = {(b.benchmark, b.edition): b for b in store.own.boards()}
    for row in rows.rows:
        board = _board(row, options, public, stored)
        if isinstance(board, str):
            problems.append(_problem(row, board))
            continue
        known = boards.setdefault((board.benchmark, board.edition), board)
        found = _accepted(row, known, board, names, options)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        twin = seen.setdefault((board.benchmark, board.edition, *found.identity), found)
        if twin is not found:
            problems.append(_problem(row, f"the same model and board stand in {twin.row.place} already"))
            continue
        accepted.append(found)
    problems += _out_of_scale(accepted, boards, catalog, store)
    _refuse(problems, len(rows.rows) + len(rows.problems))
    if len(boards) + len(stored.keys() - boards.keys()) > MAX_BOARDS:
        raise InvalidRequest(f"that would be more than {MAX_BOARDS} boards", hint="remove one first")
    if len(accepted) + len(store.own.values()) > MAX_STORED_VALUES:
        raise InvalidRequest(
            f"that would be more than {MAX_STORED_VALUES:,} results", hint="remove a board first"
        )
    return Checked(
        accepted=tuple(accepted),
        boards=tuple(boards.values()),
        notes=(*rows.notes, *_notes(boards.values())),
    )


def _problem(row: Row, what: str) -> Problem:
    return Problem(place=row.place, model=row.model[:80], what=what)


def _refuse(problems: Sequence[Problem], total: int) -> None:
    if not total:
        raise InvalidRequest("there are no results in it", hint="a head line alone is not enough")
    if not problems:
        return
    problems = sorted(problems, key=lambda p: [int(n) for n in re.findall(r"\d+", p.place)] or [0])
    first = problems[0]
    raise InvalidRequest(
        f"{len(problems):,} of {total:,} rows cannot be used, so nothing was imported; "
        f"{first.place}: {f'`{first.model}`: ' if first.model else ''}{first.what}",
        hint="correct or remove these rows; `--json` lists them all"
        if len(problems) > 1
        else "correct or remove this row",
        details={
            "problems": [
                {"place": p.place, "model": p.model, "problem": p.what} for p in problems[:SHOWN_PROBLEMS]
            ],
            "count": len(problems),
        },
    )


def _published(catalog: Catalog) -> dict[str, Published]:
    """Gather what public boards there are."""
    found: dict[str, Published] = {}
    for reading in catalog.facts.readings:
        if reading.source != SOURCE:
            board = found.setdefault(reading.benchmark, Published(unit=reading.unit))
            board.editions.add(reading.edition)
            if not reading.superseded:
                board.current.add(reading.edition)
    for scale in catalog.facts.scales:
        if scale.benchmark in found:
            found[scale.benchmark].higher_is_better = scale.higher_is_better
    return found


def _board(
    row: Row, options: Options, public: Mapping[str, Published], stored: Mapping[BoardKey, OwnBoard]
) -> OwnBoard | str:
    """Say which board a row is of, or what is wrong with it."""
    name = board_name(options.benchmark or row.benchmark or "")
    if not name:
        return "it names no board: add a column `benchmark`, or say `--benchmark NAME`"
    edition = row.edition or options.edition
    if name in public:
        return _public_board(name, edition, public[name], row, options)
    if name.startswith(RESERVED):
        near = process.extractOne(name, sorted(public), scorer=fuzz.ratio, score_cutoff=60)
        return f"`{name}` looks like a public board and is none" + (
            f"; did you mean `{near[0]}`?" if near else ""
        )
    before = stored.get((name, edition or ""))
    unit = row.unit or options.unit or (before.unit if before else "percent")
    unit = "percent" if unit == "fraction" else unit
    if unit not in UNITS:
        return f"`{unit[:40]}` is no unit; one of: fraction, {', '.join(UNITS)}"
    if before is not None and before.unit != unit:
        return f"`{name}` is measured in {before.unit}, not in {unit}"
    better = row.higher_is_better if row.higher_is_better is not None else options.higher_is_better
    if better is None:
        better = before.higher_is_better if before else unit not in ("s", "usd")
    categories = options.categories if options.categories else before.categories if before else {}
    return OwnBoard(
        benchmark=name,
        edition=edition or "",
        unit=unit,
        higher_is_better=better,
        categories=categories,
    )


def _public_board(
    name: str, edition: str | None, public: Published, row: Row, options: Options
) -> OwnBoard | str:
    if options.categories:
        return f"`{name}` is a public board: its weights are changed in the settings, `[scoring.weights.<category>]`"
    chosen = edition if edition is not None else max(public.current or public.editions)
    if chosen not in public.editions:
        listed = ", ".join(f"`{e or 'none'}`" for e in sorted(public.editions))
        return f"`{name}` has no edition `{chosen[:40]}`; it has {listed}"
    given = row.unit or options.unit
    if given not in (None, public.unit) and not (given == "fraction" and public.unit == "percent"):
        return f"`{name}` is measured in {public.unit}, not in {given}"
    return OwnBoard(
        benchmark=name,
        edition=chosen,
        unit=public.unit,  # type: ignore[arg-type]  # readings carry the units of measurements
        higher_is_better=public.higher_is_better,
        public=True,
    )


def _accepted(
    row: Row, board: OwnBoard, said: OwnBoard, names: NameIndex, options: Options
) -> Accepted | Problem:
    if (said.unit, said.higher_is_better) != (board.unit, board.higher_is_better):
        return _problem(row, f"`{board.benchmark}` is measured in {board.unit} in the rows before")
    share = 100.0 if (row.unit or options.unit) == "fraction" else 1.0
    value = row.value * share
    if share == 100.0 and not 0 <= row.value <= 1:
        return _problem(row, f"{row.value:g} is no fraction: those are 0 to 1")
    if board.unit == "percent" and not 0 <= value <= 100:
        return _problem(row, f"{value:g} is no percentage: those are 0 to 100")
    if board.unit in LOG_UNITS and value <= 0:
        return _problem(row, f"{value:g} {board.unit} is not above zero")
    low, high = (None if v is None else v * share for v in (row.lower, row.upper))
    if (low is None) != (high is None) or (low is not None and high is not None and not low <= value <= high):
        return _problem(row, "`lower` and `upper` do not stand around `value`")
    found = names.find(row.model, source=SOURCE, benchmark=board.benchmark)
    if not isinstance(found, Match):
        near = f"; the nearest ids are {', '.join(f'`{i}`' for i in found.nearest)}" if found.nearest else ""
        return _problem(row, f"no model is known by this name ({found.reason}){near}")
    return Accepted(
        row=row,
        model_id=found.model_id,
        rule=found.rule,
        identity=(found.model_id, found.effort, found.thinking, found.date),
        value=OwnValue(
            benchmark=board.benchmark,
            edition=board.edition,
            published_name=row.model,
            value=value,
            lower=low,
            upper=high,
            measured_on=row.measured_on,
        ),
    )


def _out_of_scale(
    accepted: Sequence[Accepted],
    boards: Mapping[BoardKey, OwnBoard],
    catalog: Catalog,
    store: Store,
) -> list[Problem]:
    """List rows so far from the others of their board that another unit is likelier than a feat."""
    by_board: dict[tuple[str, str], list[Accepted]] = defaultdict(list)
    for each in accepted:
        by_board[each.value.benchmark, each.value.edition].append(each)
    public = {(s.benchmark, s.edition): s for s in catalog.facts.scales}
    problems = []
    for key, rows in by_board.items():
        board = boards[key]
        scale = public.get(key) if board.public else _own_scale(board, rows, store)
        problems += [
            _problem(each.row, f"{each.value.value:g} is far from all others of `{key[0]}`: another unit?")
            for each in rows
            if scale is not None and scale.suspect(each.value.value)
        ]
        values = [each.value.value for each in rows]
        if board.unit == "percent" and len(rows) >= 2 and max(values) <= 1 and any(v % 1 for v in values):
            problems += [
                _problem(each.row, "a share, not a percentage: say `--unit fraction`") for each in rows
            ]
    return problems


def _own_scale(board: OwnBoard, rows: Sequence[Accepted], store: Store) -> Scale | None:
    new = {each.value.published_name: each.value.value for each in rows}
    held = {
        v.published_name: v.value for v in store.own.values(board.benchmark) if v.edition == board.edition
    }
    return fit_scale(
        list({**held, **new}.values()),
        benchmark=board.benchmark,
        unit=board.unit,
        higher_is_better=board.higher_is_better,
    )


def _notes(boards: Iterable[OwnBoard]) -> list[str]:
    return [
        f"`{b.benchmark}` counts in no category yet: say `--category coding=2`, or set a weight in "
        "`[scoring.weights.<category>]`"
        for b in boards
        if not b.public and not b.categories
    ]


def keep(store: Store, checked: Checked, at: datetime) -> None:
    """Store an import that was checked, in one transaction. Rows without a day are of today."""
    values = [
        v if v.measured_on else replace(v, measured_on=at.date()) for v in (a.value for a in checked.accepted)
    ]
    store.own.put_results(checked.boards, values, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardState:
    """An own board, and whether it counts."""

    board: OwnBoard
    values: int
    models: int
    """Different models that the catalogue holds."""
    counts: bool
    note: str
    """Why it does not count, or what else there is to know."""


def states(store: Store, catalog: Catalog) -> list[BoardState]:
    """Tell of every board with own results whether it has a scale and a weight."""
    scales = {(s.benchmark, s.edition) for s in catalog.facts.scales}
    weighed = {b for row in catalog.facts.weights.values() for b in row}
    models: dict[tuple[str, str], set[str]] = defaultdict(set)
    for reading in catalog.facts.readings:
        if reading.source == SOURCE:
            models[reading.benchmark, reading.edition].add(reading.model_id)
    counted = Counter((v.benchmark, v.edition) for v in store.own.values())
    found = []
    for board in store.own.boards():
        key = (board.benchmark, board.edition)
        note = _note(board, counted[key], scaled=key in scales, weighed=board.benchmark in weighed)
        found.append(
            BoardState(board=board, values=counted[key], models=len(models[key]), counts=not note, note=note)
        )
    return found


def _note(board: OwnBoard, values: int, *, scaled: bool, weighed: bool) -> str:
    if not scaled and board.public:
        return f"the public board has no edition `{board.edition}` any more; import for the current one"
    if not scaled:
        return (
            f"{values} of the {MIN_READINGS} models that a scale needs: it is kept, and counts once more arrive"
            if values < MIN_READINGS
            else "its values are all equal, or fewer than five are of models in the catalogue"
        )
    return "" if weighed else "no category gives it a weight: `[scoring.weights.<category>]` in the settings"

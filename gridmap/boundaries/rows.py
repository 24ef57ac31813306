"""Which column of a file means what: the rows of each level, as they stand in their files.

A file that gridmap wrote has one row per area of any level, with the columns of AREA_COLUMNS, and needs
no word more. Of any other the caller says which columns hold code, name and parent: one file per level, or
one file of the finest level whose columns hold the codes of the levels above (nested codes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.boundaries.files import Frame
    from gridmap.types import Geometries

AREA_COLUMNS: Final = ("code", "name", "level", "kind", "parent", "geometry")
"""The columns of a file of areas, in the order they are written."""

NONE: Final = "-"
"""What a caller writes for a column that a file does not have."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold what, as the caller says it: one entry for all files, or one for each; "-" is none.

    Several codes for a single file are nested codes, widest first; then `levels` and `names` go with the
    codes.
    """

    codes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()


@dataclass
class LevelRows:
    """The rows of one level as they stand in their file; `rows` are their places in it."""

    frame: Frame
    rows: list[int]
    codes: list[str]
    names: list[str | None]
    kinds: list[str | None]
    parents: list[str | None]
    shapes: Geometries = field(default_factory=lambda: np.empty(0, object))


def levels_of(frames: list[Frame], columns: Columns) -> dict[str, LevelRows]:
    """The levels by name, in the order of the files."""
    if len(frames) == 1 and not columns.codes and {"code", "level"} <= frames[0].columns.keys():
        return _own_levels(frames[0])
    if not columns.codes:
        text = "has no columns code and level; say with --code which column holds the codes"
        raise InputError(str(frames[0].path), f"{text} ({_known(frames[0])})")
    if len(frames) == 1 and len(columns.codes) > 1:
        return _nested_levels(frames[0], columns)
    out: dict[str, LevelRows] = {}
    for position, frame in enumerate(frames):
        name = _chosen(columns.levels, position, "level") or frame.path.stem
        if name in out:
            raise InputError(
                "level", f"{name} is the level of two files; give each file its own with --level"
            )
        out[name] = _one_level(frame, columns, position)
    if len(frames) == 1:
        _imply_parents(frames[0], columns, out)
    return out


def _own_levels(frame: Frame) -> dict[str, LevelRows]:
    names = _texts(frame, "level")
    empty = next((row for row, name in enumerate(names) if not name), None)
    if empty is not None:
        text = f"row {empty} (counted from 0) has no level: every area needs one, fill it in"
        raise InputError(str(frame.path), text)
    if len(set(names)) > 1 and "parent" not in frame.columns:
        raise InputError(
            str(frame.path), f"has no column parent ({_known(frame)}); name the parents of its areas"
        )
    whole = _rows(frame, list(range(len(names))), "code", "name", "parent", "kind")
    return {
        str(name): _of_rows(whole, [row for row, other in enumerate(names) if other == name])
        for name in dict.fromkeys(names)
    }


def _nested_levels(frame: Frame, columns: Columns) -> dict[str, LevelRows]:
    """One file of the finest level, with the codes of the levels above in columns of their own."""
    out: dict[str, LevelRows] = {}
    above: str | None = None
    for position, code in enumerate(columns.codes):
        level = _chosen(columns.levels, position, "level") or code
        name = _chosen(columns.names, position, "name") if len(columns.names) > 1 else None
        if position == len(columns.codes) - 1:
            name = name or (columns.names[0] if len(columns.names) == 1 else None)
            out[level] = _rows(frame, list(range(len(frame.shapes))), code, name, above, None)
        else:
            out[level] = _distinct(frame, code, name, above)
        above = code
    return out


def _distinct(frame: Frame, code: str, name: str | None, parent: str | None) -> LevelRows:
    """The areas that a column of codes names, without shapes. One code below two parents is refused."""
    whole = _rows(frame, list(range(len(frame.shapes))), code, name, parent, None)
    first: dict[str, int] = {}
    for row, value in enumerate(whole.codes):
        at = first.setdefault(value, row)
        if whole.parents[at] != whole.parents[row]:
            above = f"{whole.parents[at]} and {whole.parents[row]}"
            text = f"rows {at} and {row} (counted from 0) put {value} below {above}"
            raise InputError(str(frame.path), f"{text}; an area has one parent, correct column {parent}")
    level = _of_rows(whole, list(first.values()))
    level.shapes = np.full(len(first), None, dtype=object)
    return level


def _one_level(frame: Frame, columns: Columns, position: int) -> LevelRows:
    code = _chosen(columns.codes, position, "code")
    if code is None:
        raise InputError("code", f"no column of {frame.path} is named; every file needs its --code")
    name = _chosen(columns.names, position, "name")
    parent = _chosen(columns.parents, position, "parent")
    return _rows(frame, list(range(len(frame.shapes))), code, name, parent, None)


def _imply_parents(frame: Frame, columns: Columns, out: dict[str, LevelRows]) -> None:
    """The level above a single file, as its column of parents names it."""
    parent = _chosen(columns.parents, 0, "parent")
    if parent is not None:
        own = next(iter(out))
        name = parent if parent != own else f"{parent} above"
        level = _distinct(frame, parent, None, None)
        fine = out.pop(own)
        out.update({name: level, own: fine})


def _chosen(options: tuple[str, ...], position: int, name: str) -> str | None:
    """What the caller says for the file or code at a position: the one entry for all, or its own."""
    if not options:
        return None
    if len(options) > 1 and position >= len(options):
        raise InputError(name, f"is given {len(options)} times; give it once, or once for each file or code")
    value = options[0] if len(options) == 1 else options[position]
    return None if value == NONE else value


def _rows(
    frame: Frame, rows: list[int], code: str, name: str | None, parent: str | None, kind: str | None
) -> LevelRows:
    texts = _required(frame, code, "--code")
    empty = next((row for row, value in enumerate(texts) if not value), None)
    if empty is not None:
        text = f"row {empty} (counted from 0) has no code: every area needs one, fill it in"
        raise InputError(str(frame.path), text)
    odd = next((row for row, value in enumerate(texts) if not _is_plain(str(value))), None)
    if odd is not None:
        text = f"row {odd} (counted from 0) has the code {texts[odd]!r}, with a blank at an end, a slash or"
        raise InputError(
            str(frame.path), f"{text} something invisible in it: nobody could ask for it, clean it"
        )
    names, parents, kinds = (_optional(frame, column) for column in (name, parent, kind))
    above = [value or None for value in parents]
    return LevelRows(frame, rows, [str(value) for value in texts], names, kinds, above, frame.shapes)


def _is_plain(code: str) -> bool:
    return code == code.strip() and code.isprintable() and "/" not in code


def _optional(frame: Frame, column: str | None) -> list[str | None]:
    """A column that may be missing under its own name; one that the caller named must be there."""
    if column is None or (column in AREA_COLUMNS and column not in frame.columns):
        return [None] * len(frame.shapes)
    return _required(frame, column, "--name or --parent")


def _of_rows(level: LevelRows, rows: list[int]) -> LevelRows:
    def pick(values: list[Any]) -> list[Any]:
        return [values[row] for row in rows]

    return LevelRows(
        level.frame,
        rows,
        pick(level.codes),
        pick(level.names),
        pick(level.kinds),
        pick(level.parents),
        level.shapes[rows],
    )


def _required(frame: Frame, column: str, option: str) -> list[str | None]:
    if column not in frame.columns:
        text = f"has no column {column!r} ({_known(frame)}); name another with {option}"
        raise InputError(str(frame.path), text)
    return _texts(frame, column)


def _known(frame: Frame) -> str:
    return f"it has {', '.join(frame.columns)}"


def _texts(frame: Frame, column: str) -> list[str | None]:
    """A column as texts, None where there is nothing. Whole numbers are taken as they are written."""
    out: list[str | None] = []
    for row, value in enumerate(frame.columns[column]):
        if value is None or isinstance(value, str):
            out.append(value)
        elif isinstance(value, int | np.integer) and not isinstance(value, bool):
            out.append(str(value))
        else:
            text = f"row {row} (counted from 0) has the {column} {value!r}, which is no text; write the"
            raise InputError(
                str(frame.path), f"{text} column as texts (codes and names are, leading zeros count)"
            )
    return out


def refuse_bad_codes(levels: dict[str, LevelRows]) -> None:
    """Refuse a code that stands twice, at whatever level, with both rows."""
    seen: dict[str, tuple[LevelRows, int]] = {}
    for level in levels.values():
        for row, code in zip(level.rows, level.codes, strict=True):
            if code in seen:
                other, before = seen[code]
                where = f"rows {before} and {row} (counted from 0)"
                if other.frame is not level.frame:
                    where = f"row {row} (counted from 0) and in row {before} of {other.frame.path}"
                text = f"code {code} stands twice, in {where}; give one of them another"
                raise InputError(str(level.frame.path), text)
            seen[code] = (level, row)

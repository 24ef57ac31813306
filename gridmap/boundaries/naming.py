"""Which column of a file is which field: named by the caller, or by having the field's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridmap import crs as datums
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gridmap.boundaries.fields import Kind


def placed(kind: Kind, path: Path, named: dict[str, str], columns: list[str]) -> dict[str, int]:
    """By field the position of its column in the file. InputError where one is missing or stands twice."""
    fields = {field.name: field for field in kind.fields}
    for name in named:
        if name not in fields:
            said = f"{kind.name} have no field {name!r}; their fields are {', '.join(fields)}"
            raise InputError("column", said)
    out: dict[str, int] = {}
    for field in kind.fields:
        column = named.get(field.name)
        if column is None and not (field.by_name and field.name in columns):
            continue
        out[field.name] = _position(path, field.name, column or field.name, columns)
    group = _chosen(kind, path, named, out, columns)
    for field in kind.fields:
        alternative = any(field.name in names for names in kind.either)
        if alternative and field.name not in group:
            out.pop(field.name, None)
        elif field.required and field.name not in out:
            raise _missing(kind, path, (field.name,), columns)
    return out


def _chosen(
    kind: Kind, path: Path, named: dict[str, str], found: dict[str, int], columns: list[str]
) -> tuple[str, ...]:
    """The alternative that a file has as a whole; the one that was named goes first."""
    if not kind.either:
        return ()
    whole = [names for names in kind.either if all(name in found for name in names)]
    if not whole:
        raise _missing(kind, path, kind.either[0], columns)
    asked = [names for names in whole if any(name in named for name in names)]
    if len(asked) > 1:
        said = f"name columns for {' and '.join(asked[0])} or for {' and '.join(asked[1])}, not for both"
        raise InputError("column", said)
    return (asked or whole)[0]


def _missing(kind: Kind, path: Path, names: tuple[str, ...], columns: list[str]) -> InputError:
    lacking = [name for name in names if name not in columns] or list(names)
    option = " ".join(f"--column {name}=COLUMN" for name in lacking)
    helps = "; ".join(f"{name}: {kind.field(name).help}" for name in lacking)
    said = f"has no column {' and '.join(lacking)} ({helps}); it has {', '.join(columns)}"
    return InputError(str(path), f"{said}. Say which one it is with {option}")


def _position(path: Path, field: str, column: str, columns: list[str]) -> int:
    places = [place for place, name in enumerate(columns) if name == column]
    if len(places) == 1:
        return places[0]
    said = f"has {len(places) or 'no'} columns {column!r} for {field}; it has {', '.join(columns)}"
    raise InputError(str(path), f"{said}. Name another with --column {field}=COLUMN, or rename it")


def named_crs(places: Mapping[str, int], crs: str | None) -> str:
    """The datum of a file with places in degrees or metres; empty for lattice units and without any place."""
    if "lon" in places:
        return datums.check_crs(crs)
    if crs and "x" in places:
        raise InputError("crs", "x and y are lattice units, which have no datum to name; leave it out")
    return ""

"""Which columns of a Parquet file hold the places, in which datum: what it states, and what is asked for.

GeoParquet says it in the file's metadata ("geo"), GeoArrow in the field's. Households that gridmap exported
say the datum of their columns in the metadata "crs". A datum is never guessed: where neither file nor caller
names one, the file is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridmap import crs
from gridmap.bulk.question import Columns, Encoding, Points
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.bulk.question import Asked

WITHOUT_EPSG: Final = frozenset({"gcj02", "bd09"})
"""Datums that no file can state; files in them say WGS84, so the caller's word counts."""

ENCODINGS: Final[Mapping[str, Encoding]] = {"wkb": "wkb", "point": "point"}
EXTENSIONS: Final[Mapping[str, Encoding]] = {
    "geoarrow.wkb": "wkb",
    "ogc.wkb": "wkb",
    "geoarrow.point": "point",
}
OTHERS: Final = ("geoarrow.", "ogc.")
"""How the names of GeoArrow's other extension types begin: lines, polygons."""


class Stated(NamedTuple):
    """What a file says of its points: the column, how they are written, and the datum where it says one."""

    column: str
    encoding: Encoding
    crs: str | None


def spot_of(schema: Any, asked: Asked, where: str) -> Columns | Points:
    """Where the places of a file are, by its Arrow schema with metadata and by what the caller asks for.

    Raises InputError naming the file, what is missing or contradicts, and what to type.
    """
    if asked.lon is not None and asked.lat is not None:
        for name in (asked.lon, asked.lat):
            check_column(name, list(schema.names), where)
        stated = _known((schema.metadata or {}).get(b"crs", b"").decode(errors="replace"))
        return Columns(asked.lon, asked.lat, agreed(stated, asked.crs, where))
    points = _stated_points(schema, asked.crs, where)
    if points is None:
        raise InputError(where, f"{no_columns(list(schema.names))}, and it is no GeoParquet file")
    return Points(points.column, points.encoding, agreed(points.crs, asked.crs, where))


def no_columns(columns: list[str]) -> str:
    """Say that the caller must name the columns of the places."""
    return f"name its columns of places with --lon COL and --lat COL; it has {', '.join(columns)}"


def check_column(name: str, columns: list[str], where: str) -> int:
    """The position of a column. InputError: the file has none of this name, or several."""
    places = [place for place, each in enumerate(columns) if each == name]
    if len(places) == 1:
        return places[0]
    text = f"has {len(places) or 'no'} columns {name!r}; it has {', '.join(columns)}"
    raise InputError(where, f"{text}. Name the right one with --lon or --lat, or rename it")


def agreed(stated: str | None, named: str | None, where: str) -> str:
    """The datum of a file: the one that it states, else the one named; InputError when they differ."""
    wanted = None if named is None else crs.check_crs(named)
    if wanted in WITHOUT_EPSG:
        return str(wanted)
    if stated is None:
        if wanted is None:
            text = (
                "states no datum; name it with --crs, for example --crs EPSG:4490 (CGCS2000) or --crs wgs84"
            )
            raise InputError(where, text)
        return wanted
    if wanted is not None and wanted != stated and {wanted, stated} - crs.DEGREES:
        text = f"states {stated}, but --crs says {wanted}; leave --crs out, or correct the file"
        raise InputError(where, text)
    return stated


def _known(name: str) -> str | None:
    """The canonical name of a datum, None for a text that names none."""
    try:
        return crs.check_crs(name)
    except InputError:
        return None


def _stated_points(schema: Any, named: str | None, where: str) -> Stated | None:
    geo = (schema.metadata or {}).get(b"geo")
    if geo is not None:
        return _from_geo(geo, named, where)
    found = [field for field in schema if _extension(field).startswith(OTHERS)]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(field.name for field in found)
        raise InputError(where, f"has several columns of geometries ({names}); leave one alone in the file")
    field = found[0]
    encoding = EXTENSIONS.get(_extension(field))
    if encoding is None:
        raise _no_points(where, field.name, _extension(field))
    facts = _json_object((field.metadata or {}).get(b"ARROW:extension:metadata", b"{}") or b"{}", where)
    return Stated(field.name, encoding, _stated_crs(facts.get("crs"), named, where))


def _extension(field: Any) -> str:
    name: bytes = (field.metadata or {}).get(b"ARROW:extension:name", b"")
    return getattr(field.type, "extension_name", "") or name.decode(errors="replace")


def _from_geo(geo: bytes, named: str | None, where: str) -> Stated:
    facts = _json_object(geo, where)
    columns, primary = facts.get("columns"), facts.get("primary_column")
    column = columns.get(primary) if isinstance(columns, dict) else None
    if not isinstance(primary, str) or not isinstance(column, dict):
        raise InputError(where, 'its metadata "geo" name no column of geometries: write the file anew')
    types = column.get("geometry_types") or []
    encoding = ENCODINGS.get(str(column.get("encoding", "")).lower())
    if encoding is None or (types and not any(str(kind).startswith("Point") for kind in types)):
        raise _no_points(where, primary, ", ".join(map(str, types)) or str(column.get("encoding")))
    stated = "wgs84" if "crs" not in column else _stated_crs(column["crs"], named, where)
    return Stated(primary, encoding, stated)


def _no_points(where: str, column: str, kind: str) -> InputError:
    text = f"its column {column!r} holds {kind}, not points; make points of them, such as their centroids"
    return InputError(where, text)


def _json_object(text: bytes, where: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise InputError(where, "its metadata of geometries cannot be understood: write the file anew")
    return facts


def _stated_crs(value: Any, named: str | None, where: str) -> str | None:
    """The canonical name of a datum as files state it: PROJJSON with an id, or a name; None where none."""
    if value is None:
        return None
    if isinstance(value, dict):
        number = value.get("id")
        text = f"{number.get('authority')}:{number.get('code')}" if isinstance(number, dict) else ""
        shown = value.get("name")
    else:
        text = shown = str(value)
    found = _known(text)
    if found is None and named is None:
        said = f"states the datum {shown!r}, which has no EPSG number that is known here; name it with --crs"
        raise InputError(where, said)
    return found

"""`POST /locate` as JSON: a list of points, or a GeoJSON FeatureCollection of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.errors import InputError
from gridmap.model import NOWHERE
from tiles.web.answers import Answered, Asked
from tiles.web.locate import CRS, read_level
from tiles.web.parameters import quote
from tiles.web.reply import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PIECE: Final = 2000
"""Elements of a long list that are written at once: some milliseconds."""

_MEMBERS: Final = ("crs", "points", "level")

Places = tuple[list[float], list[float], dict[int, str]]


def answer_points(body: bytes, asked: Asked) -> bytes:
    """Answer `{"crs": ..., "points": [[lon, lat], ...]}`; `level` may stand there too.

    Raises InputError for a body that is not that.
    """
    question = read_object(body)
    strange = next((name for name in question if name not in _MEMBERS), None)
    if strange is not None:
        raise InputError(strange[:60], f"is no member here; the body takes {', '.join(_MEMBERS)}")
    points = question.get("points")
    if not isinstance(points, list):
        raise InputError("points", "is a list of [lon, lat]; give one, or an empty list")
    asked = _with(asked, question)
    asked.check_count(len(points))
    found = _answered(_pairs(points), asked)
    edition = asked.snapshot.edition
    results = ({"code": code, "edition": edition.number, "error": error} for code, error in found)
    head = to_json({"edition": edition.number, "proven": edition.proven})[:-1]
    return b'%b,"results":[%b]}' % (head, in_pieces(results))


def answer_features(body: bytes, asked: Asked) -> bytes:
    """Answer a GeoJSON FeatureCollection of points; raises InputError for a body that is not that."""
    collection = read_object(body)
    features = collection.get("features")
    if collection.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise InputError("features", "the body must be a GeoJSON FeatureCollection with a list of features")
    asked.check_count(len(features))
    found = _answered(_places_of(features), asked)
    edition = asked.snapshot.edition.number
    out = []
    for feature, (code, error) in zip(features, found, strict=True):
        whole = feature if isinstance(feature, dict) else {"type": "Feature", "geometry": None}
        properties = whole.get("properties")
        own = properties if isinstance(properties, dict) else {}
        out.append({**whole, "properties": {**own, "code": code, "edition": edition, "error": error}})
    try:
        rest = to_json({name: value for name, value in collection.items() if name != "features"})
        return b'%b,"features":[%b]}' % (rest[:-1], in_pieces(out))
    except ValueError as error:
        raise InputError("features", "NaN and Infinity are no JSON: write null instead") from error


def in_pieces(values: Iterable[object]) -> bytes:
    """The elements of a JSON list, written some at a time.

    The encoder does not let go of the interpreter before it has ended; everybody else would wait for it.
    """
    rest = iter(values)
    return b",".join(to_json(piece)[1:-1] for piece in iter(lambda: list(islice(rest, PIECE)), []))


def _decimal(text: str) -> float:
    """A number of a body. Being Python, it lets other threads in while a long body is parsed."""
    return float(text)


def read_object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object; raises InputError that says where it is none."""
    try:
        value = json.loads(body, parse_float=_decimal)
    except (ValueError, RecursionError) as error:
        raise InputError("body", f"is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError("body", f"is a JSON {type(value).__name__}; send an object")
    return value


def _with(asked: Asked, question: dict[str, Any]) -> Asked:
    """What the body says beside the address; raises InputError when both say it, or nobody."""
    for name, given in (("crs", asked.crs), ("level", asked.depth)):
        value = question.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise InputError(name, f"{quote(json.dumps(value))} is no text; give a name")
        if given:
            raise InputError(name, "stands in the address and in the body: give it once")
    if not asked.crs and not question.get("crs"):
        raise InputError("crs", f"is missing; {CRS.advice}")
    if question.get("level") is not None:
        asked = replace(asked, depth=read_level(asked.snapshot, question["level"]))
    return replace(asked, crs=asked.crs or question["crs"])


def _answered(places: Places, asked: Asked) -> list[tuple[str | None, str | None]]:
    """Code and error of each point."""
    lons, lats, odd = places
    found: Answered = asked.answer(_column(lons), _column(lats))
    errors = {**found.errors, **odd}
    codes = found.codes
    return [
        (None if row == NOWHERE or at in errors else codes[row], errors.get(at))
        for at, row in enumerate(found.rows.tolist())
    ]


def _column(values: list[float]) -> Any:
    """Numbers as an Arrow array; pyarrow's own way would import pandas."""
    import pyarrow as pa

    data = pa.py_buffer(np.array(values, np.float64))
    return pa.Array.from_buffers(pa.float64(), len(values), [None, data])


def _pairs(points: Sequence[Any]) -> Places:
    lons: list[float] = []
    lats: list[float] = []
    odd = {}
    for at, point in enumerate(points):
        lon, lat, why = _pair(point)
        lons.append(lon)
        lats.append(lat)
        if why:
            odd[at] = why
    return lons, lats, odd


def _pair(point: Any) -> tuple[float, float, str]:
    """Two numbers, NaN with a reason where it has none."""
    if not isinstance(point, list) or len(point) != 2:
        return math.nan, math.nan, "point: is no pair [lon, lat]"
    for name, value in zip(("lon", "lat"), point, strict=False):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return math.nan, math.nan, f"{name}: {quote(json.dumps(value, ensure_ascii=False))} is no number"
    try:
        return float(point[0]), float(point[1]), ""
    except OverflowError:
        return math.nan, math.nan, "point: is too large for a number"


def _places_of(features: Sequence[Any]) -> Places:
    points: list[Any] = []
    odd = {}
    for at, feature in enumerate(features):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        point = geometry.get("coordinates") if isinstance(geometry, dict) else None
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind != "Point":
            odd[at] = "geometry: is missing" if kind is None else f"geometry: {quote(str(kind))} is no Point"
        # A third number is the height (RFC 7946, 3.1.1).
        points.append(point[:2] if kind == "Point" and isinstance(point, list) else point)
    lons, lats, wrong = _pairs(points)
    return lons, lats, {**wrong, **odd}

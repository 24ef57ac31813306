"""The one door to geopandas: tables with shapes out of files and into files.

A file gives columns, shapes as they stand in it, and the datum that it states; nothing is repaired here.
What cannot be read is refused with the file, the row (counted from 0, as in a data frame) and what to do.
Which column means what is the business of areas.py.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gridmap import crs
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gridmap.types import Geometries

ATTRIBUTES: Final = "gridmap"
"""Where a GeoParquet file's metadata says whether it is synthetic, and what is known of its outline."""

PARQUET: Final = frozenset({".parquet", ".geoparquet"})
TOPOJSON: Final = ".topojson"
DRIVERS: Final = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".fgb": "FlatGeobuf",
    TOPOJSON: "TopoJSON",
}
"""GDAL's driver by suffix. TopoJSON is read by it and written by topojson.py, from arcs."""

FORMATS: Final = (
    "GeoParquet (.parquet), GeoJSON (.geojson), GeoPackage (.gpkg), Shapefile (.shp), FlatGeobuf (.fgb), "
    "TopoJSON (.topojson)"
)

OWN_COLUMNS: Final = frozenset({"code", "level"})
"""What each area of a file with several levels must say of itself."""

CURVED: Final = ("Curve", "Surface", "CircularString")
"""Words in GDAL's name of a geometry type that is no polygon of straight edges."""

WITHOUT_EPSG: Final = frozenset({"gcj02", "bd09"})
"""Datums that no file can state; files in them say WGS84, so the caller's word counts."""


@dataclass(frozen=True)
class Frame:
    """A file's columns and shapes, row by row.

    `datum` is a name that gridmap.crs knows; `said` is what gridmap wrote into the file. Values and shapes
    are None where there is nothing, and where a shape is empty.
    """

    path: Path
    columns: Mapping[str, list[Any]]
    shapes: Geometries
    datum: str
    said: Mapping[str, Any]


def read_frame(path: Path, datum: str | None = None) -> Frame:
    """Read a file with a column of shapes, in the datum that it states, else in the one named.

    RFC 7946 GeoJSON is WGS84. A datum named against the one that a file states is refused, but for GCJ-02
    and BD-09, which no file can state. Raises InputError naming the file and the remedy.
    """
    frame = _read(path)
    if len(frame) == 0:
        raise InputError(str(path), "has no rows: there is nothing to load")
    geometry = getattr(frame, "_geometry_column_name", None)
    if geometry not in frame.columns:
        raise InputError(str(path), "has no column of geometries; write it anew with the shapes of the areas")
    shapes = np.asarray(frame[geometry].array, dtype=object)
    shapes[shapely.is_missing(shapes) | shapely.is_empty(shapes)] = None
    columns = {str(name): _values(frame[name]) for name in frame.columns if name != geometry}
    said = frame.attrs.get(ATTRIBUTES, {})
    return Frame(path, columns, shapes, _datum(path, frame.crs, datum), said)


def write_frame(
    path: Path, columns: Mapping[str, Sequence[Any]], shapes: Geometries, said: Mapping[str, Any]
) -> None:
    """Write columns and shapes in degrees (WGS84) in the format of the suffix; it appears when it is whole.

    GeoParquet keeps `said` in its metadata. Raises InputError for a suffix that cannot be written.
    """
    import geopandas

    suffix = path.suffix.lower()
    if suffix not in PARQUET and (suffix not in DRIVERS or suffix == TOPOJSON):
        raise InputError(str(path), f"cannot be written; name a file of one of these formats: {FORMATS}")
    frame = geopandas.GeoDataFrame(dict(columns), geometry=list(shapes), crs="OGC:CRS84")
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        if suffix in PARQUET:
            frame.attrs[ATTRIBUTES] = dict(said)
            frame.to_parquet(part, index=False, compression="zstd")
        elif DRIVERS[suffix] == "GeoJSON":
            _write_geojson(frame, part)
        else:
            _write_by_gdal(frame.set_crs("EPSG:4326", allow_override=True), part, DRIVERS[suffix])
        for piece in sorted(part.parent.glob(f"{part.stem}.*")):  # a shapefile is several files
            piece.replace(path.with_name(path.stem + piece.name[len(part.stem) :]))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(str(path), f"cannot be written ({reason}): choose another place") from error
    finally:
        for piece in part.parent.glob(f"{part.stem}.*"):
            piece.unlink()


def _write_geojson(frame: Any, part: Path) -> None:
    """Write RFC 7946 GeoJSON, a feature a line.

    GDAL is not used: it takes 106.3000002 for a rounding error of 106.3, which moves a lattice point.
    """
    columns = {name: _values(frame[name]) for name in frame.columns if name != "geometry"}
    shapes = shapely.to_geojson(np.asarray(frame.geometry.array, dtype=object))
    with part.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[\n')
        for row, shape in enumerate(shapes):
            properties = json.dumps(
                {name: values[row] for name, values in columns.items()}, ensure_ascii=False
            )
            comma = "," if row < len(shapes) - 1 else ""
            file.write(f'{{"type":"Feature","properties":{properties},"geometry":{shape}}}{comma}\n')
        file.write("]}\n")


def _write_by_gdal(frame: Any, part: Path, driver: str) -> None:
    options: Mapping[str, dict[str, Any]] = {
        "GPKG": {"promote_to_multi": True, "layer": "areas"},
        "FlatGeobuf": {"promote_to_multi": True},
        "ESRI Shapefile": {"encoding": "UTF-8"},
    }
    more = dict(options[driver])
    if driver == "FlatGeobuf" and frame.geometry.is_empty.any():
        more["SPATIAL_INDEX"] = "NO"  # its index has no place for areas without a shape
    frame.to_file(part, driver=driver, engine="pyogrio", index=False, **more)


def _read(path: Path) -> Any:
    import geopandas
    import pyogrio

    if not path.is_file():
        raise InputError(str(path), "there is no such file: look at its name and folder")
    suffix = path.suffix.lower()
    if suffix not in PARQUET and suffix not in DRIVERS:
        raise InputError(str(path), f"has a suffix that says no known format; convert it to one of {FORMATS}")
    try:
        if suffix in PARQUET:
            return geopandas.read_parquet(path)
        source = _layer_or_all(path)
        with (
            warnings.catch_warnings()
        ):  # what GDAL grumbles about is looked at below: missing datum, odd rings
            warnings.simplefilter("ignore")
            frame = geopandas.read_file(path, engine="pyogrio", **source)
        if "sql" in source and not set(frame.columns) >= OWN_COLUMNS:
            raise _refused_layers(path, [str(name) for name, _ in pyogrio.list_layers(path)])
        return frame
    except InputError:
        raise
    except Exception as error:
        # Every reader below has exceptions of its own; whatever it was, the file cannot be used.
        text = f"cannot be read as {suffix[1:]} ({error}): write or copy it anew"
        raise InputError(str(path), text) from error


def _layer_or_all(path: Path) -> dict[str, str]:
    """What to read of a file: its one layer with shapes, or all objects of a TopoJSON file, one per level.

    Curves are refused, straight edges would be another border.
    """
    import pyogrio

    shaped = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(shaped) > 1 and path.suffix.lower() == TOPOJSON:
        # One query, because GDAL reads the whole file anew for each layer (3 s for Chongqing).
        quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name, _ in shaped)
        return {"sql": " UNION ALL ".join(f'SELECT * FROM "{name}"' for name in quoted)}
    if len(shaped) != 1:
        raise _refused_layers(path, [name for name, _ in shaped])
    name, kind = shaped[0]
    if any(word in kind for word in CURVED):
        raise InputError(
            str(path), f"its layer {name} holds curves ({kind}); convert them to straight edges first"
        )
    return {"layer": name}


def _refused_layers(path: Path, names: list[str]) -> InputError:
    text = f"has {len(names)} layers with shapes ({', '.join(names) or 'none'})"
    return InputError(str(path), f"{text}; write one alone to a file of its own")


def _values(column: Any) -> list[Any]:
    return [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]


def _datum(path: Path, stated: Any, named: str | None) -> str:
    wanted = None if named is None else crs.check_crs(named)
    if wanted in WITHOUT_EPSG:
        return str(wanted)
    if stated is None:
        if wanted is None:
            text = (
                "states no datum; name it with --crs, for example --crs EPSG:4490 (CGCS2000) or --crs wgs84"
            )
            raise InputError(str(path), text)
        return wanted
    found = _stated_datum(path, stated)
    if wanted is not None and wanted != found and {wanted, found} - crs.DEGREES:
        raise InputError(
            str(path), f"states {found}, but --crs says {wanted}; leave --crs out, or correct the file"
        )
    return found


def _stated_datum(path: Path, stated: Any) -> str:
    authority = stated.to_authority()
    if authority == ("OGC", "CRS84"):
        return "wgs84"
    if authority is None or authority[0] != "EPSG":
        text = f"states the datum {stated.name!r}, which has no EPSG number; reproject it to one that has"
        raise InputError(str(path), text)
    return f"EPSG:{authority[1]}"

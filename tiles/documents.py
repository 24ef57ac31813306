"""TileJSON 3.0: what a map library reads to learn where the tiles are, and what is in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap import crs
from tiles.layers import LAYERS
from tiles.matrices import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.model import Edition
    from gridmap.types import FloatArray
    from tiles.address import Scheme
    from tiles.wanted import TileEngine

SIDES: Final = 9
"""Points on each side of the bounds that are shifted to another datum."""

DIGITS: Final = 6
"""Of degrees: a tenth of a metre is finer than any bounds need, and they are rounded outward."""


def tilejson(
    engine: TileEngine, edition: Edition, layers: Sequence[str], scheme: Scheme, base: str
) -> dict[str, Any]:
    """The TileJSON of some layers in a scheme; `base` is the service's address without a slash at its end.

    `bounds` and `center` are degrees of the scheme's own datum, as `datum` says, because the map that shows
    the tiles takes its own degrees for WGS84. Members beyond the standard: `edition`, `token` (which names
    all that the tiles are made from), `datum`, and `matrix`, the address of the tile matrix set.
    """
    zooms = {name: engine.zooms(name, scheme.name) for name in layers}
    lowest, deepest = min(low for low, _ in zooms.values()), max(high for _, high in zooms.values())
    bounds = bounds_in(engine.bounds, scheme)
    names = ",".join(layers)
    marks = ("proven" if edition.proven else "NOT PROVEN", *(["synthetic"] if edition.synthetic else []))
    return {
        "tilejson": "3.0.0",
        "name": " · ".join(LAYERS[name].title for name in layers),
        "description": f"Edition {edition.number}, {', '.join(marks)}. {scheme.title}.",
        "version": f"{engine.edition}.0.0",
        "attribution": "",
        # Of y the standard knows two ways; where a scheme has its own, `matrix` says it.
        "scheme": "tms" if scheme.rows == "flipped" else "xyz",
        "tiles": [f"{base}/tiles/{engine.token}/{names}/{scheme.name}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": lowest,
        "maxzoom": deepest,
        "bounds": bounds,
        "center": center_of(bounds, lowest, deepest),
        "vector_layers": [
            {
                "id": name,
                "description": LAYERS[name].title,
                "minzoom": zooms[name][0],
                "maxzoom": zooms[name][1],
                "fields": dict(LAYERS[name].fields),
            }
            for name in layers
        ],
        "edition": engine.edition,
        "token": engine.token,
        "datum": scheme.plane.datum,
        "matrix": f"{base}/tileMatrixSets/{identifier(scheme)}",
    }


def limits_of(
    bounds: tuple[float, float, float, float], scheme: Scheme, lowest: int, deepest: int
) -> list[dict[str, Any]]:
    """The first and last row and column at each zoom that hold a box (WGS84 degrees), as OGC's limits."""
    lons, lats = _ring(bounds)
    xs, ys = scheme.plane.project(lons, lats)
    told = []
    for z in range(lowest, deepest + 1):
        columns, rows = scheme.squares(z)
        ends = []
        for values, known in ((xs, columns), (ys, rows)):
            low, high = math.floor(values.min() * 2**z), math.floor(values.max() * 2**z)
            ends += [min(max(each, known.start), known.stop - 1) for each in (low, high)]
        numbers = [scheme.tile(z, ends[0], row).y for row in ends[2:]]
        told.append(
            {
                "tileMatrix": str(z),
                "minTileRow": min(numbers),
                "maxTileRow": max(numbers),
                "minTileCol": ends[0],
                "maxTileCol": ends[1],
            }
        )
    return told


def bounds_in(bounds: tuple[float, float, float, float], scheme: Scheme) -> list[float]:
    """West, south, east, north in the datum of a scheme, of a box in WGS84 degrees; rounded outward."""
    xs, ys = crs.from_lonlat(*_ring(bounds), scheme.plane.datum)
    scale = 10**DIGITS
    return [
        math.floor(float(xs.min()) * scale) / scale,
        math.floor(float(ys.min()) * scale) / scale,
        math.ceil(float(xs.max()) * scale) / scale,
        math.ceil(float(ys.max()) * scale) / scale,
    ]


def _ring(bounds: tuple[float, float, float, float]) -> tuple[FloatArray, FloatArray]:
    """Points on the sides of a box."""
    west, south, east, north = bounds
    lons, lats = np.linspace(west, east, SIDES), np.linspace(south, north, SIDES)
    return (
        np.concatenate([lons, lons, np.full(SIDES, west), np.full(SIDES, east)]),
        np.concatenate([np.full(SIDES, south), np.full(SIDES, north), lats, lats]),
    )


def center_of(bounds: Sequence[float], lowest: int, deepest: int) -> list[float]:
    """The middle of some bounds, and the zoom at which a map of three tiles' width shows them."""
    west, south, east, north = bounds
    width = max(east - west, 2 * (north - south), 1e-6)  # a degree of latitude is about two of longitude's
    zoom = math.floor(math.log2(3 * 360 / width))
    return [
        round((west + east) / 2, DIGITS),
        round((south + north) / 2, DIGITS),
        min(max(zoom, lowest), deepest),
    ]

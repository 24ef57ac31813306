"""Map styles: how the tiles look in MapLibre, and in whatever else reads its style specification (v8).

A style names nothing outside the service: sources by their TileJSON, letters from the fonts of the machine
that draws (so there is no `glyphs`), no pictures. From far to near it shows districts, towns, communities,
grids, buildings that stand up, households where they are asked for by name, and devices; each from the zoom
on where the engine serves it.

Sources, whose names pages may rely on: `areas` (district, town, community, grid, label), `buildings`,
`households` (household), `things` (device, resource). Within one they share a request; they are apart because
not everybody may read all of them, and because a source ends at one zoom, beyond which its last tiles are
drawn larger.

Feature-state, which pages set to make it live, on the features of `district town community grid building`:

    hover, chosen   true: the pointer is on it; it was chosen
    value           a number from 0 to 1: its place in the colour ramp (from `/values/{layer}/{metric}`)

Ids are whole numbers, so that needs no `promoteId`. Left out: borders as dashes (both neighbours draw them,
and two dashed lines out of step are a full one), one label layer for all levels (sizes and zooms differ too
much), icons from a sprite (a character in a circle says more, and needs no file).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiles.address import SCHEMES
from tiles.documents import bounds_in, center_of
from tiles.palettes import PALETTES
from tiles.style_layers import drawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.model import Edition
    from tiles.palettes import Palette
    from tiles.wanted import TileEngine

    Json = dict[str, Any]

XYZ: Final = "xyz"
"""The one scheme that MapLibre draws: its camera knows Web Mercator alone."""

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "areas": ("district", "town", "community", "grid", "label"),
    "buildings": ("building",),
    "households": ("household",),
    "things": ("device", "resource"),
}
"""The layers of each source."""


def style(
    engine: TileEngine,
    edition: Edition,
    theme: str,
    base: str,
    layers: Sequence[str],
    *,
    pinned: bool = False,
) -> Json:
    """The style of a theme ("dark", "light") for some layers of an engine; `base` has no slash at its end.

    A style that is `pinned` stays with the edition; another one shows the current one whenever it is loaded.
    """
    palette = PALETTES[theme]
    zooms = {name: engine.zooms(name, XYZ) for name in layers}
    lowest = {name: low for name, (low, _) in zooms.items()}
    bounds = bounds_in(engine.bounds, SCHEMES[XYZ])
    *center, zoom = center_of(bounds, min(lowest.values()), max(high for _, high in zooms.values()))
    return {
        "version": 8,
        "name": f"网格地图 gridmap {theme}",
        "metadata": {
            "gridmap:edition": engine.edition,
            "gridmap:token": engine.token,
            "gridmap:proven": edition.proven,
            "gridmap:synthetic": edition.synthetic,
        },
        "center": center,
        "zoom": zoom,
        "light": {"anchor": "viewport", "position": [1.3, 210, 35], "intensity": palette.shade},
        "sky": _sky(palette),
        "sources": _sources(zooms, base, f"?edition={engine.edition}" if pinned else ""),
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": palette.ground}},
            *drawn(palette, lowest),
        ],
    }


def _sources(zooms: Mapping[str, tuple[int, int]], base: str, query: str) -> Json:
    """The sources of some layers; one ends where the first of its layers ends."""
    found = {}
    for source, held in SOURCES.items():
        names = [name for name in held if name in zooms]
        if names:
            found[source] = {
                "type": "vector",
                "url": f"{base}/tiles/{','.join(names)}.json{query}",
                "maxzoom": min(zooms[name][1] for name in names),
            }
    return found


def _sky(palette: Palette) -> Json:
    above, horizon = palette.sky
    return {
        "sky-color": above,
        "horizon-color": horizon,
        "fog-color": palette.ground,
        "sky-horizon-blend": 0.6,
        "horizon-fog-blend": 0.7,
        "fog-ground-blend": 0.75,
    }

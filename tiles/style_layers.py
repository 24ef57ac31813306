"""The layers of a map style, from the ground up: fills, borders, buildings, things, names.

`tiles.styles` says what a style is and which feature-state pages may set; here it is drawn. Expressions are
those of the MapLibre Style Specification: lists whose first word says what is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tiles.palettes import Palette

    Json = dict[str, Any]
    Zooms = Mapping[str, int]

FONTS: Final = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "sans-serif"]
"""Names of fonts that machines with macOS, Windows, Linux have; the last is any."""

SIGNS: Final = {
    "sos": "救",
    "smoke": "烟",
    "gas": "气",
    "electric": "电",
    "water": "水",
    "slope": "坡",
    "lift": "梯",
    "manhole": "井",
    "door": "门",
    "camera": "摄",
}
"""The character that stands for a kind of device; where several stand in one place, the first is on top."""

NEAR: Final = 15.5
"""The zoom from which on buildings and things are drawn: from farther away they are noise over the grids."""

NUMBERED: Final = "第"
"""What the number of a grid begins with, inside its name (民生路社区第8网格)."""

TAILS: Final = ("居民委员会", "村民委员会")
"""What every community's full name ends with, and its label leaves out."""


def drawn(palette: Palette, lowest: Zooms) -> list[Json]:
    """The layers of a style for some layers of the tiles, given by the lowest zoom of each."""
    return [
        *_fills(palette, lowest),
        *_lines(palette, lowest),
        *_buildings(palette, lowest),
        *_households(palette, lowest),
        *_things(palette, lowest),
        *_labels(palette, lowest),
    ]


# --- expressions


def _by_zoom(*stops: Any) -> list[Any]:
    """A value that grows with the zoom: zoom, value, zoom, value ..."""
    return ["interpolate", ["linear"], ["zoom"], *stops]


def _is(state: str) -> list[Any]:
    return ["boolean", ["feature-state", state], False]


_HAS_VALUE: Final = ["==", ["typeof", ["feature-state", "value"]], "number"]


def _ramp(palette: Palette) -> list[Any]:
    """The colour of a value."""
    last = len(palette.ramp) - 1
    stops = [each for step, colour in enumerate(palette.ramp) for each in (step / last, colour)]
    return ["interpolate", ["linear"], ["number", ["feature-state", "value"], 0], *stops]


def _by_kind(values: Mapping[str, Any], other: Any) -> list[Any]:
    """A value by the property `kind`."""
    return ["match", ["get", "kind"], *(each for pair in values.items() for each in pair), other]


# --- layers


def _layer(name: str, kind: str, source: str, level: str, low: float, high: float | None = None) -> Json:
    """The frame of a style layer; `high` is where it ends, None for never."""
    ends = {} if high is None else {"maxzoom": high}
    return {"id": name, "type": kind, "source": source, "source-layer": level, "minzoom": low, **ends}


def _fills(palette: Palette, lowest: Zooms) -> list[Json]:
    """What lies under the lines: the city's ground, and a fill of each level for its feature-state."""
    special = ["==", ["get", "kind"], "exclusive"]
    plain = {"grid": ["case", special, palette.exclusive, palette.glow]}
    opacity = {"grid": ["case", special, 0.3, palette.grid_fill]}
    found = []
    # A fill that shows nothing without state costs time too: it ends where a finer level has taken over.
    for level, high in {"district": None, "town": 13.0, "community": 15.0, "grid": None}.items():
        if level not in lowest:
            continue
        touched = ["any", _is("chosen"), _is("hover")]
        # A value keeps its colour when it is chosen, and becomes stronger.
        colour = [
            "case",
            _HAS_VALUE,
            _ramp(palette),
            _is("chosen"),
            palette.glow,
            _is("hover"),
            palette.hover,
        ]
        strength = ["case", _HAS_VALUE, ["case", touched, 0.95, 0.75], touched, 0.4]
        found.append(
            {
                **_layer(f"{level}-fill", "fill", "areas", level, lowest[level], high),
                "paint": {
                    "fill-color": [*colour, plain.get(level, palette.city)],
                    "fill-opacity": 1.0 if level == "district" else [*strength, opacity.get(level, 0.0)],
                    # The edges of the ground would shine through between neighbours.
                    "fill-antialias": level != "district",
                },
            }
        )
    return found


def _lines(palette: Palette, lowest: Zooms) -> list[Json]:
    """The borders, thin ones first, so that those of wider areas lie on them."""
    widths = {
        "grid": (10, 0.25, 13, 0.5, 16, 1.1, 19, 2.0),
        "community": (8, 0.3, 12, 0.7, 16, 1.8, 19, 3.0),
        "town": (6, 0.3, 10, 0.9, 14, 1.8, 19, 3.5),
        "district": (4, 0.7, 8, 1.2, 12, 2.0, 19, 4.0),
    }
    opacities = {
        "grid": (10, 0.15, 13, 0.4, 16, 0.7),
        "community": (8, 0.25, 12, 0.7),
        "town": (6, 0.12, 9, 0.5, 11, 0.8),
        "district": (4, 0.95),
    }
    found = []
    for level, stops in widths.items():
        if level not in lowest:
            continue
        if level in {"district", "town"}:
            found.append(_glow(palette, level, lowest[level]))
        found.append(
            {
                **_layer(f"{level}-line", "line", "areas", level, lowest[level]),
                "layout": {"line-join": "round"},
                "paint": {
                    "line-color": ["case", _is("chosen"), palette.chosen, palette.lines[level]],
                    "line-width": _by_zoom(*_or_chosen(3.0, stops)),
                    "line-opacity": _by_zoom(*_or_chosen(1.0, opacities[level])),
                },
            }
        )
    return found


def _or_chosen(chosen: float, stops: Sequence[float]) -> list[Any]:
    """Zooms and values as they are, but for what is chosen; the zoom must be asked outermost."""
    return [each if at % 2 == 0 else ["case", _is("chosen"), chosen, each] for at, each in enumerate(stops)]


def _glow(palette: Palette, level: str, low: int) -> Json:
    """A wide soft line under a border: light that comes from it."""
    wide = {"district": _by_zoom(4, 3, 8, 7, 14, 12), "town": _by_zoom(9, 2, 12, 5, 16, 8)}[level]
    return {
        **_layer(f"{level}-glow", "line", "areas", level, low),
        "layout": {"line-join": "round"},
        "paint": {
            "line-color": palette.glow,
            "line-width": wide,
            "line-blur": wide,
            "line-opacity": {"district": 0.55, "town": _by_zoom(9, 0, 13, 0.25)}[level],
        },
    }


def _buildings(palette: Palette, lowest: Zooms) -> list[Json]:
    if "building" not in lowest:
        return []
    steps = (0, 25, 60, 120)
    ramp = [each for pair in zip(steps, palette.walls, strict=True) for each in pair]
    by_height = ["interpolate", ["linear"], ["number", ["get", "height"], 0], *ramp]
    state = [_is("chosen"), palette.chosen, _is("hover"), palette.hover, _HAS_VALUE, _ramp(palette)]
    return [
        {
            **_layer("building", "fill-extrusion", "buildings", "building", max(lowest["building"], NEAR)),
            "paint": {
                "fill-extrusion-color": ["case", *state, _by_kind(palette.uses, by_height)],
                "fill-extrusion-height": ["number", ["get", "height"], 3],
                "fill-extrusion-opacity": _by_zoom(NEAR, 0, NEAR + 0.4, 0.9),
                "fill-extrusion-vertical-gradient": True,
            },
        }
    ]


def _households(palette: Palette, lowest: Zooms) -> list[Json]:
    if "household" not in lowest:
        return []
    return [
        {
            **_layer("household", "circle", "households", "household", lowest["household"]),
            "paint": {
                "circle-color": ["case", _is("chosen"), palette.chosen, palette.labels["grid"]],
                "circle-radius": _by_zoom(17, 1.2, 18, 2.2, 20, 5),
                "circle-stroke-color": palette.rim,
                "circle-stroke-width": _by_zoom(17, 0.3, 20, 1),
                "circle-pitch-alignment": "viewport",
            },
        }
    ]


def _things(palette: Palette, lowest: Zooms) -> list[Json]:
    found = []
    colours = {"device": _by_kind(palette.devices, palette.other), "resource": palette.resource}
    for layer, colour in colours.items():
        if layer not in lowest:
            continue
        found.append(
            {
                **_layer(layer, "circle", "things", layer, max(lowest[layer], NEAR)),
                "layout": {
                    "circle-sort-key": _by_kind({kind: -rank for rank, kind in enumerate(SIGNS)}, -99)
                },
                "paint": {
                    "circle-color": ["case", _is("chosen"), palette.chosen, colour],
                    "circle-radius": _by_zoom(15.5, 2.4, 17, 5, 18, 9, 19, 11),
                    "circle-stroke-color": palette.rim,
                    "circle-stroke-width": _by_zoom(15.5, 0.6, 17, 1.2),
                    "circle-pitch-alignment": "viewport",
                },
            }
        )
    if "device" in lowest:
        found.append(_signs(palette, lowest["device"]))
    return found


def _signs(palette: Palette, low: int) -> Json:
    """A character on each device, where there is room for it."""
    return {
        **_layer("device-sign", "symbol", "things", "device", max(low, 17.5)),
        "layout": {
            "text-field": _by_kind(SIGNS, ""),
            "text-font": FONTS,
            "text-size": _by_zoom(17.5, 10.5, 19, 15),
            "text-padding": 0,
            "symbol-sort-key": _by_kind({kind: rank for rank, kind in enumerate(SIGNS)}, len(SIGNS)),
        },
        "paint": {"text-color": palette.mark},
    }


def _labels(palette: Palette, lowest: Zooms) -> list[Json]:
    """Names. Of two that would collide the one of the wider area is drawn: its layer is placed first."""
    if "label" not in lowest:
        return []
    shown = {"grid": (14.5, None), "community": (12.0, None), "town": (9.0, 15.0), "district": (5.0, 12.0)}
    names = {"community": _short_name(), "grid": _grid_name()}
    sizes = {
        "grid": _by_zoom(14.5, 9.5, 18, 14),
        "community": _by_zoom(12, 10, 16, 15),
        "town": _by_zoom(9, 10, 13, 16),
        "district": _by_zoom(5, 10, 7, 12.5, 9, 16, 12, 22),
    }
    return [
        {
            **_layer(f"{level}-label", "symbol", "areas", "label", max(lowest["label"], low), high),
            "filter": ["==", ["get", "level"], level],
            "layout": {
                "text-field": names.get(level, ["get", "name"]),
                "text-font": FONTS,
                "text-size": sizes[level],
                "text-max-width": 5 if level == "district" else 7,
                "text-variable-anchor": ["center", "top", "bottom", "left", "right"],
                "text-radial-offset": 0.4,
                "text-padding": 4,
                "text-letter-spacing": 0.12 if level == "district" else 0.03,
            },
            "paint": {
                "text-color": palette.labels[level],
                "text-halo-color": palette.halo,
                "text-halo-width": 1.4,
                "text-halo-blur": 0.4,
            },
        }
        for level, (low, high) in shown.items()
    ]


def _short_name() -> list[Any]:
    """A community's name without what all of them end with."""
    name = ["get", "name"]
    cases = [
        each for tail in TAILS for each in (["in", tail, name], ["slice", name, 0, ["index-of", tail, name]])
    ]
    return ["case", *cases, name]


def _grid_name() -> list[Any]:
    """A grid's name: from far its number alone, for its community's name stands there; both from near."""
    name = ["get", "name"]
    begin = ["index-of", NUMBERED, name]
    number, whole = ["slice", name, begin], ["slice", name, 0, begin]
    numbered = [">", begin, 0]
    return [
        "step",
        ["zoom"],
        ["case", numbered, number, name],
        16.5,
        ["case", numbered, ["concat", whole, "\n", number], name],
    ]

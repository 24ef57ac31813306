"""What a listener asked for: kinds, areas, a box, classes.

Each that is given narrows: an item must fit all of them. What has no area fits no area, what has no place no
box, what has no class no class; an edition concerns everybody, because every page draws by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gridmap.errors import InputError
from tiles.web.live.items import EVERYWHERE, KINDS
from tiles.web.parameters import Parameter, quote, read_decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tiles.web.live.items import LiveItem

Box = tuple[float, float, float, float]

MOST: Final = 200
"""Areas, or classes, of one listener; a listener of more wants everything."""

_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": MOST}

PARAMETERS: Final = (
    Parameter(
        "kinds",
        {"type": "string", "examples": ["event,order"]},
        f"What to tell, with commas: some of {', '.join(KINDS)}. All of them without it.",
        f"give some of {','.join(KINDS)}",
    ),
    Parameter(
        "area",
        _TEXTS,
        "Only what lies in this area: its code, of any level. May be given several times.",
        "give the code of an area; GET /areas lists them",
    ),
    Parameter(
        "bbox",
        {"type": "string", "examples": ["106.5,29.5,106.6,29.6"]},
        "Only what lies in this box: west,south,east,north in degrees (WGS84), its border included.",
        "give west,south,east,north in degrees",
    ),
    Parameter(
        "class",
        _TEXTS,
        "Only events and orders of this class. May be given several times.",
        "give the name of a class, such as 城市管理",
    ),
    Parameter(
        "since",
        {"type": "string", "examples": ["0"]},
        "The last `id` that came: what follows it is told first. A `Last-Event-ID` header goes before it.",
        "give the last id that came",
    ),
    Parameter("lastEventId", {"type": "string"}, "Another name of `since`.", "give the last id that came"),
)
"""What `GET /live` may be asked with."""

RESUMING: Final = ("since", "lastEventId")
_ADVICE: Final = {parameter.name: parameter.advice for parameter in PARAMETERS}
_SEVERAL: Final = frozenset({"area", "class"})


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listener wants; listeners that want the same share their bytes."""

    kinds: frozenset[str] = frozenset(KINDS)
    areas: frozenset[str] = frozenset()
    bbox: Box | None = None
    classes: frozenset[str] = frozenset()

    def takes(self, item: LiveItem) -> bool:
        """Whether an item is wanted."""
        areas = self.areas
        if areas and item.kind != EVERYWHERE and areas.isdisjoint(item.codes):
            return False
        return self.takes_here(item)

    def takes_here(self, item: LiveItem) -> bool:
        """Whether an item is wanted that lies in one of the areas."""
        if item.kind not in self.kinds:
            return False
        if item.kind == EVERYWHERE:
            return True
        if self.classes and item.class_ not in self.classes:
            return False
        if self.bbox is None:
            return True
        west, south, east, north = self.bbox
        lon, lat = item.lon, item.lat
        return lon is not None and lat is not None and west <= lon <= east and south <= lat <= north


def read_filter(given: Iterable[tuple[str, str]], has_area: Callable[[str], bool]) -> Filter:
    """Check what a listener asks for; `has_area` knows the codes. Raises InputError that says what to do."""
    values: dict[str, list[str]] = {}
    for name, value in given:
        if name not in _ADVICE:
            raise InputError(name[:60], f"is not a parameter here; this address takes {', '.join(_ADVICE)}")
        if name in values and name not in _SEVERAL:
            raise InputError(name, "came more than once; give it once")
        if not value.strip() and name not in RESUMING:
            raise InputError(name, f"came empty; {_ADVICE[name]}")
        values.setdefault(name, []).append(value)
    for name in _SEVERAL:
        if len(values.get(name, ())) > MOST:
            raise InputError(name, f"came {len(values[name])} times; give at most {MOST}, or none for all")
    for code in values.get("area", ()):
        if not has_area(code):
            raise InputError("area", f"{quote(code)} is no area of this edition; GET /areas lists them")
    return Filter(
        _read_kinds(values.get("kinds")),
        frozenset(values.get("area", ())),
        _read_box(values["bbox"][0]) if "bbox" in values else None,
        frozenset(values.get("class", ())),
    )


def _read_kinds(given: Sequence[str] | None) -> frozenset[str]:
    if given is None:
        return frozenset(KINDS)
    kinds = given[0].split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise InputError("kinds", f"{quote(kind)} is not known; give some of {','.join(KINDS)}")
    return frozenset(kinds)


def _read_box(text: str) -> Box:
    parts = text.split(",")
    if len(parts) != 4:
        raise InputError("bbox", f"{quote(text)} has not four numbers; {_ADVICE['bbox']}")
    west, south, east, north = (read_decimal("bbox", part) for part in parts)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("bbox", f"{quote(text)} is no box; {_ADVICE['bbox']}, west and south first")
    return west, south, east, north

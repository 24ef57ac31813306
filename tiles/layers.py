"""The layers of the tiles: what is drawn, from which zoom on, and what each feature says."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

BUDGET: Final = 500_000
"""Bytes of a layer's largest tile, not compressed, at the zooms where it is served."""

DEEPEST: Final = 18
"""The deepest zoom that is stated, where a scheme has it; maps draw deeper ones from its tiles."""

PERSONAL: Final = "households"
"""The gate of layers that are about people's homes: in no archive, in no folder of tiles, in no style unless
they are named."""

LABELS: Final = {"district": 0, "town": 8, "community": 11, "grid": 13}
"""The zoom from which on the areas of a level have a label."""


@dataclass(frozen=True)
class Layer:
    """A layer: `lowest` is the zoom below which it is never served, even where it would be small enough.

    `gate` is what it discloses (`tiles.web.gate`); `fields` are the properties, each with its description.
    """

    name: str
    title: str
    geometry: Literal["polygon", "point"]
    gate: str
    lowest: int
    fields: Mapping[str, str]


_AREA: Final = {"code": "permanent code", "name": "name", "kind": "basic or exclusive grid, street, town ..."}
_THING: Final = {"code": "permanent code", "kind": "what it is"}
_LABEL: Final = {**_AREA, "level": "district, town, community or grid"}
_HOUSEHOLD: Final = {
    "code": "code of the building, unit, floor and room",
    "unit": "staircase",
    "floor": "floor, negative below ground",
    "room": "number of the flat, 0 where it is not known",
}
"""Neither who lives there nor how many: of fewer than five that is nobody's business."""

_BUILDING: Final = {**_THING, "name": "what people call it", "height": "metres above ground"}

LAYERS: Final[Mapping[str, Layer]] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            Layer("district", "区县 districts", "polygon", "areas", 0, _AREA),
            Layer("town", "乡镇街道 streets and towns", "polygon", "areas", 4, _AREA),
            Layer("community", "村社区 communities and villages", "polygon", "areas", 7, _AREA),
            Layer("grid", "网格 grids", "polygon", "areas", 10, _AREA),
            Layer("label", "注记 a point inside every area", "point", "areas", 0, _LABEL),
            Layer("building", "建筑 buildings", "polygon", "areas", 14, _BUILDING),
            Layer("household", "住户 households", "point", "households", 17, _HOUSEHOLD),
            Layer("device", "设备 devices", "point", "things", 11, _THING),
            Layer("resource", "资源 resources", "point", "things", 11, _THING),
        )
    }
)
"""The layers by name, in the order in which they are listed."""

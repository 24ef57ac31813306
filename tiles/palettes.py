"""Palettes: the colours of a map style, dark for walls of screens, light for offices.

The dark one is what the field calls holographic: navy ground, cyan lines that glow, soft fills. Colours of
kinds keep their meaning in both; no two that stand side by side differ in hue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Palette:
    """The colours of a style. `lines` and `labels` go by level; `ramp` runs from few to many.

    `grid_fill` is how opaque a grid is, `shade` how much darker the walls of a building are that the light
    does not meet; both from 0 to 1.
    """

    ground: str
    city: str
    hover: str
    chosen: str
    glow: str
    lines: Mapping[str, str]
    exclusive: str
    labels: Mapping[str, str]
    halo: str
    ramp: tuple[str, ...]
    walls: tuple[str, ...]
    uses: Mapping[str, str]
    devices: Mapping[str, str]
    other: str
    rim: str
    mark: str
    resource: str
    sky: tuple[str, str]
    grid_fill: float
    shade: float


_DEVICES: Final = {
    "camera": "#3aa0ff",
    "door": "#2bd576",
    "electric": "#ffd21e",
    "gas": "#ff9f1a",
    "lift": "#8f8bff",
    "manhole": "#93a7bd",
    "slope": "#c98b5a",
    "smoke": "#ff6b6b",
    "sos": "#ff4fa3",
    "water": "#2fd3e8",
}

DARK: Final = Palette(
    ground="#050f22",
    city="#0a2044",
    hover="#2f7fd6",
    chosen="#ffd166",
    glow="#19d7ff",
    lines={"district": "#7ff0ff", "town": "#35b9e6", "community": "#2a86bd", "grid": "#19d7ff"},
    exclusive="#ffd166",
    labels={"district": "#f2fbff", "town": "#cfe8ff", "community": "#a3d3f5", "grid": "#8fd8f2"},
    halo="#04101f",
    ramp=("#0d3b66", "#12608f", "#1493b0", "#2cc5a8", "#b6e36b", "#ffd166"),
    walls=("#123f70", "#1a62a6", "#268fd6", "#3cc6f7"),
    uses={
        "school": "#2bb3a3",
        "hospital": "#c9657e",
        "market": "#c79a3b",
        "public": "#4fb86b",
    },
    devices=_DEVICES,
    other="#cfe8ff",
    rim="#04101f",
    mark="#04101f",
    resource="#2bd576",
    sky=("#050f22", "#123a6b"),
    grid_fill=0.07,
    shade=0.25,
)

LIGHT: Final = Palette(
    ground="#e9eef4",
    city="#fbfcfe",
    hover="#8cc4ff",
    chosen="#ffb300",
    glow="#4d8fd6",
    lines={"district": "#1c4f91", "town": "#3b78ba", "community": "#6f9fce", "grid": "#5d8fc4"},
    exclusive="#c77d00",
    labels={"district": "#0b2a55", "town": "#173e73", "community": "#2d5587", "grid": "#3d618c"},
    halo="#ffffff",
    ramp=("#e3f0fb", "#b5d7f0", "#7db7de", "#4590c4", "#1f68a8", "#0b3f7a"),
    walls=("#d3ddea", "#c6d5e9", "#b0c8e7", "#98b8e2"),
    uses={
        "school": "#9fd6cd",
        "hospital": "#eab3c0",
        "market": "#ecd09a",
        "public": "#b3dcb9",
    },
    devices=MappingProxyType(
        {
            **_DEVICES,
            "door": "#16a34a",
            "electric": "#d9a900",
            "gas": "#e8820c",
            "manhole": "#64748b",
            "water": "#0891b2",
        }
    ),
    other="#475569",
    rim="#ffffff",
    mark="#ffffff",
    resource="#15803d",
    sky=("#dfe9f5", "#ffffff"),
    grid_fill=0.10,
    shade=0.12,
)

PALETTES: Final[Mapping[str, Palette]] = MappingProxyType({"dark": DARK, "light": LIGHT})
"""The palettes by the name of their style."""

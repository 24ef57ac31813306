"""What the routes of tiles share: the gallery, the maker, and the replies that are ready to be sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gridmap.errors import InputError
from gridmap.settings import TILE_CACHE_MB, TILE_FOLDER_MB
from tiles.address import SCHEMES, Tile
from tiles.cache import ByteCache
from tiles.folder import TileFolder
from tiles.layers import LAYERS
from tiles.making import Maker
from tiles.web import problems
from tiles.web.parameters import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tiles.address import Scheme
    from tiles.wanted import TileEngine, TileGallery

Ready = tuple[str, int, bytes]
"""A reply of a tile as it is kept: the layers of the gate that it discloses, by comma; the size of the body;
and what goes over the wire behind the first two lines (status and date), which ends with the body.

A plain tuple of plain values: the garbage collector forgets such tuples. Of half a million objects a full
collection would take 0.1 s, in which nobody is answered.
"""

PLANS: Final = 4096
"""Plans that are remembered: more than the useful sets of layers, schemes and editions together."""


@dataclass(frozen=True)
class Plan:
    """Which layers a request names, and which of them are served at a zoom: those of `by_zoom`."""

    text: str
    layers: tuple[str, ...]
    scheme: Scheme
    by_zoom: Mapping[int, tuple[str, ...]]
    gates: str
    """The layers of the gate that such a tile discloses, by comma."""

    @property
    def zooms(self) -> tuple[int, int]:
        """The lowest and the deepest zoom at which one of the layers is served."""
        return min(self.by_zoom), max(self.by_zoom)

    def check(self, tile: Tile) -> None:
        """Refuse what is no address: a zoom that is not served (404), a square that there is not (400)."""
        lowest, deepest = self.zooms
        if not lowest <= tile.z <= deepest:
            text = f"{self.text} has zooms {lowest} to {deepest} in {self.scheme.name}, not {tile.z}."
            raise problems.Refusal(problems.NO_TILE, text, zooms=[lowest, deepest])
        if not self.scheme.holds(tile):
            columns, rows = self.scheme.squares(tile.z)
            text = (
                f"{tile.x}/{tile.y} is no square of {self.scheme.name} at zoom {tile.z}, "
                f"which has {len(columns):,} columns and {len(rows):,} rows"
            )
            raise InputError("x" if tile.x not in columns else "y", text)


@dataclass(frozen=True)
class Tiling:
    """Shared by the loop and the workers."""

    gallery: TileGallery
    maker: Maker = field(default_factory=Maker)
    ready: ByteCache[Ready] = field(default_factory=lambda: ByteCache(0))
    _plans: dict[tuple[str, str, str], Plan] = field(default_factory=dict)

    def plan(self, engine: TileEngine, layers: str, scheme: str) -> Plan:
        """What a request for some layers, by comma, means in an edition; refusals as `read_layers` has them.

        A layer that this city has not is refused too (404).
        """
        key = (engine.token, layers, scheme)
        plan = self._plans.get(key)
        if plan is None:
            plan = _plan(engine, layers, read_scheme(scheme))
            if len(self._plans) >= PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan


@dataclass(frozen=True)
class Upkeep:
    """How many megabytes of tiles are kept in memory (None: as the setting says), and in which folder."""

    cache_mb: int | None = None
    folder: Path | None = None

    def tiling(self, gallery: TileGallery) -> Tiling:
        """What the routes of tiles share. InputError naming a setting that is no number."""
        megabytes = TILE_CACHE_MB.number(0) if self.cache_mb is None else self.cache_mb
        folder = None if self.folder is None else TileFolder(self.folder, TILE_FOLDER_MB.number() << 20)
        return Tiling(gallery, Maker(folder), ByteCache(megabytes << 20))


def read_layers(text: str) -> tuple[str, ...]:
    """The names of layers, by comma. Refuses an unknown one (404); InputError for one that comes twice."""
    names = tuple(text.split(","))
    for name in names:
        if name not in LAYERS:
            known = ", ".join(LAYERS)
            raise problems.Refusal(problems.NO_TILE, f"{quote(name)} is no layer; there are {known}.")
    if len(set(names)) < len(names):
        raise InputError("layers", f"{quote(text)} names a layer twice; name each once")
    return names


def read_scheme(name: str) -> Scheme:
    """The scheme of a name. Refuses one that is unknown (404)."""
    if name not in SCHEMES:
        known = ", ".join(SCHEMES)
        raise problems.Refusal(problems.NO_TILE, f"{quote(name)} is no scheme of tiles; there are {known}.")
    return SCHEMES[name]


def engine_of(gallery: TileGallery, token: str) -> TileEngine:
    """The engine of a token. Refuses one that nothing here has (404), and names the current one."""
    engine = gallery.of(token)
    if engine is None:
        current = gallery.current().token
        text = f"Nothing here has the token {quote(token)}; the current one is {current}."
        raise problems.Refusal(problems.NO_TILE, text, token=current)
    return engine


def _plan(engine: TileEngine, text: str, scheme: Scheme) -> Plan:
    layers = read_layers(text)
    for name in layers:
        if name not in engine.layers:
            known = ", ".join(engine.layers)
            text = f"Edition {engine.edition} has no layer {name}; it has {known}."
            raise problems.Refusal(problems.NO_TILE, text)
    zooms = {name: engine.zooms(name, scheme.name) for name in layers}
    lowest, deepest = min(low for low, _ in zooms.values()), max(high for _, high in zooms.values())
    by_zoom = {
        z: tuple(name for name in layers if zooms[name][0] <= z <= zooms[name][1])
        for z in range(lowest, deepest + 1)
    }
    gates = ",".join(sorted({LAYERS[name].gate for name in layers}))
    return Plan(text, layers, scheme, by_zoom, gates)

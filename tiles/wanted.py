"""What the tile service wants of an engine, and of the gallery that holds the engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class TileEngine(Protocol):
    """Makes the tiles of one edition; immutable, shared by threads (`tiles.engine`)."""

    @property
    def edition(self) -> int:
        """The number of the edition."""

    @property
    def token(self) -> str:
        """Names every input of the tiles: "12-9f3ac1b2" is edition 12 and a hash."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that this city has."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of everything, in WGS84 degrees."""

    def zooms(self, layer: str, scheme: str) -> tuple[int, int]:
        """The lowest and the deepest zoom at which a layer is served."""

    def tile(self, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        """The tile of some layers; empty when nothing is there."""


class TileGallery(Protocol):
    """Holds the engine of the current edition, and makes those of past ones when they are asked for."""

    def current(self) -> TileEngine:
        """The engine of the current edition; never waits."""

    def of(self, token: str) -> TileEngine | None:
        """The engine of a token, None for a token that nothing here has; may take seconds."""

    def of_edition(self, number: int) -> TileEngine:
        """The engine of an edition; may take seconds. Raises NotFoundError for a number that is not there."""

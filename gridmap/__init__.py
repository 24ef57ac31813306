"""gridmap: what is true of a city of grids. `gridmap.GridIndex` is the lookup, for use without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridmap.index.index import GridIndex

__all__ = ["GridIndex"]


def __getattr__(name: str) -> object:
    """Load the index when it is asked for: numba takes a second, and most commands do not need it."""
    if name == "GridIndex":
        from gridmap.index.index import GridIndex

        return GridIndex
    raise AttributeError(f"module 'gridmap' has no attribute {name!r}")

"""The encoder's door: a rung and what its features say become the bytes of a layer, in any thread."""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tiles.kernels.encode import POINT, POLYGON, encode_layer
from tiles.kernels.parts import Attributes, Rung, Scratch, table_of

if TYPE_CHECKING:
    from gridmap.types import Int64Array

FIRST_BYTES: Final = 1 << 20
"""Bytes of a thread's scratch at first: twice the largest tile that is served."""


class Window(NamedTuple):
    """A square of a plane: its corner, its side, and how far beyond it is drawn, all in units of the tile."""

    left: int
    top: int
    extent: int
    buffer: int


class Drawn:
    """A rung and its attributes, ready for the encoder; keeps alive what the encoder reads."""

    def __init__(self, rung: Rung, attributes: Attributes, *, points: bool = False) -> None:
        self.rung = rung
        self.attributes = attributes
        self._kind = POINT if points else POLYGON
        self._tables = table_of(rung), table_of(attributes)
        self._addresses = tuple(table.ctypes.data for table in self._tables)
        # A point of a ring takes two bytes at least.
        self._points = int(np.diff(rung.places).max(initial=0)) // 2 + 2
        self._values = max(len(attributes.value_places) - 1, len(rung.rows))

    def encode(self, window: Window, shift: int = 0) -> bytes:
        """The layer's message in a window, empty when nothing is in it.

        The rung is coarser than the window by `shift` bits (finer where negative: points only).
        """
        desk = _desk(self._points, self._values)
        while True:
            begin, end = encode_layer(
                self._addresses[0],
                self._addresses[1],
                desk.address,
                self._kind,
                shift,
                window.left,
                window.top,
                window.extent,
                window.buffer,
            )
            if begin >= 0:
                return desk.scratch.out[begin:end].tobytes()
            desk = _wider(desk, end)


class _Desk:
    """A thread's scratch; one for larger features or more values takes its place."""

    def __init__(self, size: int, points: int, values: int) -> None:
        self.size, self.points, self.values = size, points, values
        room = 3 * points + 64

        def numbers(count: int) -> Int64Array:
            return np.empty(count, np.int64)

        self.scratch = Scratch(
            found=numbers(values + 1),
            out=np.empty(size, np.uint8),
            side=np.empty(size, np.uint8),
            stamps=np.zeros(values + 1, np.int64),
            numbers=np.empty(values + 1, np.int32),
            tick=np.zeros(1, np.int64),
            xs=numbers(room),
            ys=numbers(room),
            ends=numbers(room),
            chain_xs=numbers(room),
            chain_ys=numbers(room),
            bounds=np.empty((room, 2), np.int64),
            ways=np.empty((room, 2)),
            order=numbers(room),
            used=np.empty(room, np.bool_),
            on_sides=numbers(room),
            cut_xs=numbers(room),
            cut_ys=numbers(room),
            cut_ends=numbers(room),
            areas=numbers(room),
        )
        self.table = table_of(self.scratch)
        self.address = self.table.ctypes.data


_THREAD: Final = local()


def _desk(points: int, values: int) -> _Desk:
    """The scratch of this thread, for features of so many points and so many of them or of shared values."""
    desk: _Desk | None = getattr(_THREAD, "desk", None)
    if desk is None or desk.points < points or desk.values < values:
        size = FIRST_BYTES if desk is None else desk.size
        before = (0, 0) if desk is None else (desk.points, desk.values)
        desk = _THREAD.desk = _Desk(size, max(points, before[0]), max(values, before[1]))
    return desk


def _wider(desk: _Desk, needed: int) -> _Desk:
    _THREAD.desk = _Desk(max(2 * desk.size, needed), desk.points, desk.values)
    return _THREAD.desk  # type: ignore[no-any-return]

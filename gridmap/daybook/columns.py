"""Columns that grow: one array for each field, and room for more lines than there are.

A million lines as objects are half a gigabyte, as columns some tens of megabytes, and a sum over them takes
a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike

    from gridmap.types import AnyArray

LEAST: Final = 1_024
"""Lines that there is room for at least."""


class Columns:
    """Arrays of one length by name; a line is a position in all of them."""

    def __init__(self, kinds: Mapping[str, DTypeLike]) -> None:
        """No lines yet; `kinds` says of each column what its numbers are."""
        self._room: dict[str, AnyArray] = {name: np.zeros(LEAST, kind) for name, kind in kinds.items()}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> AnyArray:
        """A column as far as there are lines; writing into it changes the lines."""
        return self._room[name][: self._count]

    def grow(self, count: int) -> None:
        """Add lines that are 0 in every column."""
        self._count += count
        for name, column in self._room.items():
            if self._count > len(column):
                wider = np.zeros(max(self._count, 2 * len(column)), column.dtype)
                wider[: len(column)] = column
                self._room[name] = wider

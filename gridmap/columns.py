"""Columns of numbers that a caller hands in, checked once at the door.

Every function that takes coordinates from outside asks here, so that all of them refuse the same things
with the same words. Bad input is normal: each refusal names the column, the first bad position and its
value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridmap.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gridmap.types import FloatArray


def pair(names: tuple[str, str], xs: ArrayLike, ys: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Two columns of one length as float64; the same memory when they are that already.

    Raises InputError under the name of the column that is not flat, holds no numbers, has masked values or
    is shorter.
    """
    first, second = column(names[0], xs), column(names[1], ys)
    if first.size != second.size:
        raise InputError(names[1], f"{second.size} values beside {first.size} {names[0]}: give pairs.")
    return first, second


def column(name: str, values: ArrayLike) -> FloatArray:
    """The values as one flat float64 column, or an InputError that says what they are instead."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(name, "some values are masked (missing): leave those points out.")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(name, "rows of different lengths: give a flat list of numbers.") from error
    if array.ndim != 1:
        raise InputError(name, f"an array of shape {array.shape}: give a flat one, a value for each point.")
    if array.size and array.dtype.kind not in "fiu":
        raise InputError(name, f"values of type {array.dtype}: give numbers.")
    return array.astype(np.float64, copy=False)


def check_within(name: str, values: FloatArray, largest: float, otherwise: str) -> None:
    """Refuse values that are NaN or not within -largest to largest.

    Raises InputError with the first bad position; `otherwise` says what the value is (``no finite number``).
    """
    # NaN spreads through min and max and fails both comparisons: one pass each, no temporary array.
    if not values.size or (values.min() >= -largest and values.max() <= largest):
        return
    first = int(np.argmin(np.abs(values) <= largest))
    raise InputError(name, f"number {first} (counted from 0) is {values[first]}: {otherwise}.")

"""Sharing out whole numbers so that they sum exactly: the method of largest remainders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gridmap.types import AnyArray, Int64Array


def apportion(total: int, weights: AnyArray, least: AnyArray | int = 0) -> Int64Array:
    """Share a whole number out in proportion to weights, so that the shares sum to it exactly.

    Takes the `total`, the `weights` (not negative) and the `least` that each entry gets; gives int64 shares.
    Ties go to the earlier entry. `total` must be at least the sum of `least`, and some weight above 0.
    """
    shares = np.broadcast_to(np.asarray(least, dtype=np.int64), np.shape(weights)).copy()
    exact = np.asarray(weights, dtype=np.float64) * (total / np.sum(weights))
    missing = np.maximum(exact - shares, 0.0)
    rest = total - int(shares.sum())
    missing *= rest / missing.sum() if missing.sum() > 0 else 0.0
    whole = np.floor(missing).astype(np.int64)
    short = rest - int(whole.sum())
    order = np.argsort(-(missing - whole), kind="stable")
    whole[order[:short]] += 1
    return np.asarray(shares + whole, dtype=np.int64)

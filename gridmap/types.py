"""Names for the arrays that everything here is made of."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

BoolArray: TypeAlias = NDArray[np.bool_]
Int32Array: TypeAlias = NDArray[np.int32]
Int64Array: TypeAlias = NDArray[np.int64]
UInt8Array: TypeAlias = NDArray[np.uint8]
UInt32Array: TypeAlias = NDArray[np.uint32]
UInt64Array: TypeAlias = NDArray[np.uint64]
FloatArray: TypeAlias = NDArray[np.float64]
Geometries: TypeAlias = NDArray[np.object_]
"""Shapely geometries. In lattice units unless the name says degrees."""
AnyArray: TypeAlias = NDArray[Any]

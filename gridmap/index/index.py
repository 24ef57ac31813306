"""GridIndex: which row covers a point. One rule: the smallest row of those that cover it, borders included.

Theory of operation. The plane is cut into cells, small where there is much border. Most cells lie in one
polygon and hold its row. A cell on a border holds a few half-planes in whole numbers; what they leave in
doubt (points within millimetres of a line) is decided by exact integer arithmetic over the edges nearby. So
every answer is exact, on edges and corners too. gridmap.kernels holds the details: `walk` the exact rule,
`halfplanes` and `cells` what is built, `lookup` how it is read.

Left out. A raster of one cell size: falls off where a wide box holds dense towns. Candidate polygons with a
ring test each, 25 times slower at borders in a sketch. Half-planes in float32: 20 bytes instead of 16. Cells
of 8 and 16 bits with a table per block: less memory, one more dependent read. An R-tree over polygons, as
every library has: 100 times slower.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import shapely

from gridmap import lattice
from gridmap.columns import pair
from gridmap.errors import InputError
from gridmap.index import artefact
from gridmap.index.parts import HOT, Parts, Wild
from gridmap.kernels import exact, lookup
from gridmap.kernels.jit import in_threads
from gridmap.kernels.nearest import nearest_edge
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from gridmap.coverage.arcs import Coverage
    from gridmap.types import FloatArray, Int32Array

SAMPLES: Final = 16_384
"""Points tried in the circle of an uncertain fix: a share is right to about 0.001, in under a millisecond."""

GOLDEN: Final = np.pi * (3 - np.sqrt(5))
"""The angle between two points of a sunflower, which fill a circle evenly (Vogel 1979)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a point has its row.

    `edge_m` is the distance to the nearest border in metres (inf without any), `on_border` says that the
    point, rounded to the lattice, lies on one; `rivals` are the other rows that cover it, which lost because
    they are larger; `nearest` is the row, or beyond all of them the nearest one (NOWHERE without any).
    """

    row: int
    on_border: bool
    edge_m: float
    rivals: tuple[int, ...]
    nearest: int


class GridIndex:
    """Answers "which row?" for points. Immutable, safe to share between threads, can be mapped from a file.

    Rows number the polygons as they were given; `codes` names them where codes were.
    """

    def __init__(self, parts: Parts, codes: Sequence[str] | None, path: Path | None = None) -> None:
        """Serve the parts of an index; `build`, `from_coverage` and `open` make them."""
        self.parts: Final = parts
        self.codes: Final = None if codes is None else tuple(codes)
        self._path = path
        self._table = artefact.address_table(parts)
        self._address: int = self._table.ctypes.data

    @classmethod
    def build(
        cls,
        geometries: Iterable[shapely.Geometry | None],
        codes: Sequence[str] | None = None,
        *,
        invalid: Literal["refuse", "evenodd"] = "refuse",
        budget_mb: int | None = None,
        threads: int | None = None,
        old: GridIndex | None = None,
    ) -> Self:
        """Build from polygons and multipolygons in degrees, in any order, a partition or not.

        Corners are rounded to the lattice. None and empty polygons own nothing. `invalid="evenodd"` keeps
        polygons that are not valid: a point is in when a ray to it crosses the rings an odd number of times.
        What lookups read takes about `budget_mb` at most, whatever the extent (None: 10 kB a polygon up to
        256 MB, and 1 kB a polygon where that is more); `threads` is all cores when None. With `old`, the
        index of nearly the same polygons, only the windows in which they differ are built; the result is the
        same, byte for byte.

        Raises InputError naming the rows of invalid polygons, other types, coordinates that are no degrees;
        codes of another number or not unique; a budget that is too small.
        """
        from gridmap.index.geometries import edges_of_geometries

        shapes = np.array(list(geometries), dtype=object)
        _check_codes(codes, len(shapes))
        edges, single, wild = edges_of_geometries(shapes, keep_invalid=invalid == "evenodd")
        return cls(_build(edges, len(shapes), single, wild, budget_mb, threads, old), codes)

    @classmethod
    def from_coverage(
        cls,
        coverage: Coverage,
        codes: Sequence[str] | None = None,
        *,
        proven: bool = False,
        budget_mb: int | None = None,
        threads: int | None = None,
        old: GridIndex | None = None,
    ) -> Self:
        """Build from the coverage of an edition; rows are its faces.

        `proven` spares looking for overlaps. With `old`, the index of nearly the same coverage, only the
        windows in which borders or rows differ are built; the result is the same, byte for byte.
        """
        from gridmap.index.geometries import edges_of_coverage

        _check_codes(codes, coverage.faces)
        edges, single, wild = edges_of_coverage(coverage, proven=proven)
        return cls(_build(edges, coverage.faces, single, wild, budget_mb, threads, old), codes)

    def save(self, path: Path | str) -> None:
        """Write the index to a file, whole or not at all."""
        artefact.save(Path(path), self.parts, self.codes)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Map an index from its file, which must stay as it is.

        Looks at magic word, format, sizes and the header's checksum only; `verify` reads all. Raises
        FileNotFoundError, DamageError.
        """
        parts, codes = artefact.load(Path(path))
        return cls(parts, codes, Path(path))

    def verify(self) -> None:
        """Compare every part of the file that the index was opened from with its checksum.

        Raises DamageError. An index that was built here has no file and nothing to compare.
        """
        if self._path is not None:
            artefact.verify(self._path)

    @property
    def nbytes(self) -> int:
        """Bytes of what lookups read; what only explanations and rebuilding need is not counted."""
        return sum(getattr(self.parts, name).nbytes for name in HOT)

    def __len__(self) -> int:
        """How many polygons were given."""
        return self.parts.faces

    def locate(self, lon: float, lat: float) -> int:
        """The smallest row that covers a place in degrees; NOWHERE where there is none, or for NaN."""
        return lookup.locate_one(self._address, lon, lat)

    def locate_many(self, lons: ArrayLike, lats: ArrayLike, threads: int = 1) -> Int32Array:
        """The smallest covering row of each place in degrees, (n,) int32, in order; NOWHERE and NaN as above.

        Raises InputError ("lons", "lats") for what is no pair of columns of numbers.
        """
        longitudes, latitudes = pair(("lons", "lats"), lons, lats)
        return self._many(lookup.locate_degrees, _flat(longitudes), _flat(latitudes), threads)

    def at(self, x: int, y: int) -> int:
        """The smallest row that covers the lattice point (x, y), or NOWHERE."""
        return lookup.locate_one_unit(self._address, x, y)

    def at_many(self, xs: Int32Array, ys: Int32Array, threads: int = 1) -> Int32Array:
        """The smallest covering row of each lattice point, NOWHERE where there is none; (n,), in order."""
        return self._many(
            lookup.locate_units,
            np.ascontiguousarray(xs, np.int32),
            np.ascontiguousarray(ys, np.int32),
            threads,
        )

    def covering(self, x: int, y: int) -> tuple[int, ...]:
        """All rows that cover a lattice point, the smallest first: one, but for borders and overlaps."""
        rows = []
        row = exact.next_row(self._address, x, y, -1)
        while row != NOWHERE:
            rows.append(row)
            row = exact.next_row(self._address, x, y, row)
        return tuple(rows)

    def explain(self, lon: float, lat: float) -> Explanation:
        """Why a place in degrees has its row. Raises InputError as `lattice.point_to_lattice`."""
        x, y = lattice.point_to_lattice(lon, lat)
        rows = self.covering(x, y)
        edge_m, nearest = self._nearest(x, y)
        row = rows[0] if rows else NOWHERE
        return Explanation(row, edge_m == 0.0, edge_m, rows[1:], row if rows else nearest)

    def candidates(self, lon: float, lat: float, accuracy_m: float) -> list[tuple[int, float]]:
        """The rows within a circle around an uncertain fix, with their shares of it, the largest first.

        `accuracy_m` is the radius in metres. Shares add up to 1; NOWHERE stands for what nobody covers.
        Raises InputError for what is no place or no radius.
        """
        lattice.point_to_lattice(lon, lat)
        if not 0 < accuracy_m <= LARGEST_ACCURACY_M:
            text = f"{accuracy_m} is no radius in metres; give more than 0 and at most {LARGEST_ACCURACY_M:,}"
            raise InputError("accuracy_m", text)
        number = np.arange(SAMPLES)
        radius = accuracy_m * np.sqrt((number + 0.5) / SAMPLES)
        east, north = lattice.metres_per_degree(lat)
        lons = lon + radius * np.cos(GOLDEN * number) / east
        lats = lat + radius * np.sin(GOLDEN * number) / north
        rows, counts = np.unique(self.locate_many(lons, lats), return_counts=True)
        order = np.lexsort((rows, -counts))
        return [(int(rows[i]), float(counts[i] / SAMPLES)) for i in order]

    def _many(self, kernel: Any, one: Any, other: Any, threads: int) -> Int32Array:
        out = np.empty(len(one), np.int32)
        in_threads(kernel, [one, other, out], threads, shared=(self._address,))
        return out

    def _nearest(self, x: int, y: int) -> tuple[float, int]:
        """The distance to the nearest border, and the smaller row beside it."""
        from gridmap.index.geometries import nearest_wild

        metres, edge = nearest_edge(self._address, x, y)
        row = NOWHERE
        if edge >= 0:
            row = min(int(face) for face in self.parts.edges[edge, 4:] if face != NOWHERE)
        return min((metres, row), nearest_wild(self.parts.wild, x, y))


LARGEST_ACCURACY_M: Final = 100_000
"""A fix that is worse names a province, no grid; and the circle is drawn on a plane."""


def _build(
    edges: Int32Array,
    faces: int,
    single: bool,
    wild: Wild,
    budget_mb: int | None,
    threads: int | None,
    old: GridIndex | None,
) -> Parts:
    from gridmap.index.build import build  # its kernels are needed only here

    parts = None if old is None else old.parts
    return build(edges, faces, single=single, wild=wild, budget_mb=budget_mb, threads=threads, old=parts)


def _flat(values: FloatArray) -> FloatArray:
    return np.require(values, np.float64, ["C", "A"])


def _check_codes(codes: Sequence[str] | None, count: int) -> None:
    if codes is None:
        return
    if len(codes) != count:
        raise InputError("codes", f"{len(codes):,} for {count:,} polygons: give one each")
    if len(set(codes)) != count:
        twice = Counter(codes).most_common(1)[0][0]
        raise InputError("codes", f"{twice!r} stands twice: each polygon needs its own")

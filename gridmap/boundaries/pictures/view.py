"""A window of the city around a finding: the areas with their codes, and the defect itself in colour.

Theory of operation. A window around the place is cut out of the areas (of the finest level that is not too
dense there). The areas that the finding names get a tint each, the others stay white, where nobody is stays
the colour of the sheet: so a gap is seen as a gap. The defect's own shape is found anew inside the window
(what nobody covers, or what two of the named areas share) and painted over; where it is too small to be
seen, or has no shape, a ring shows the place. Codes are written where they fit, those that are named first;
no two texts overlap, because each is measured before the next is placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.boundaries.pictures.plane import METRES_PER_UNIT, drawn_path
from gridmap.boundaries.pictures.style import INK, LAND, MUTED, TINT_INKS, TINTS, fonts, mark_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    from gridmap.boundaries.pictures.plane import Plane
    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding
    from gridmap.types import Geometries, Int64Array

MOST_IN_WINDOW: Final = 150
"""Areas in a window; where there are more the level above is drawn."""
MOST_CODES: Final = 40
SMALLEST_M: Final = 6.0
"""Half the width of the smallest window."""
SEEN_PX: Final = 14.0
"""A defect smaller than this gets a ring around it."""
NEAR_M: Final = 3 * METRES_PER_UNIT
"""The place of a finding lies in its shape, but for rounding."""
UNCOVERED: Final = frozenset({"gap", "missing_grid", "hole_without_filler"})
COVERED_TWICE: Final = frozenset({"overlap", "duplicate", "stray_part"})
BROKEN: Final = UNCOVERED | COVERED_TWICE
"""Rules about places; the others are about whole areas, which are painted thinner."""


@dataclass(frozen=True)
class View:
    """What is in a window, in metres: areas of one level, cut, and the parents that the finding names.

    `named` says for each piece which of the finding's codes it has, -1 for none of them. `city` is the
    window, or what of it the outlines given for the city hold.
    """

    place: shapely.Point
    city: shapely.Geometry
    codes: list[str]
    pieces: Geometries
    named: list[int]
    parents: Geometries


class Window:
    """Cuts windows out of a city; holds the trees of its areas."""

    def __init__(self, partition: Partition, plane: Plane) -> None:
        self._partition = partition
        self._plane = plane
        self._trees: dict[int, shapely.STRtree] = {}

    def cut(self, finding: Finding, axes: Axes) -> View:
        """Cut the window of a finding that has a place, and set the axes to it."""
        assert finding.lon is not None
        assert finding.lat is not None
        place = self._plane.place(finding.lon, finding.lat)
        frame = axes.get_window_extent()
        reach = self._half_width(finding) * np.array([frame.width, frame.height])
        reach /= min(frame.width, frame.height)
        axes.set_xlim(place[0] - reach[0], place[0] + reach[0])
        axes.set_ylim(place[1] - reach[1], place[1] + reach[1])
        window = shapely.box(*(place - reach), *(place + reach))
        depth, rows = self._areas_in(window)
        table = self._partition.levels[depth]
        pieces = self._cut(self._partition.polygons_at(depth)[rows], window)
        keep = shapely.area(pieces) > 0
        codes = [table.codes[row] for row in rows[keep]]
        named = [finding.codes.index(code) if code in finding.codes else -1 for code in codes]
        city = window if self._outline is None else shapely.intersection(window, self._outline)
        return View(shapely.Point(place), city, codes, pieces[keep], named, self._parents(finding, codes))

    @cached_property
    def _outline(self) -> shapely.Geometry | None:
        """The outlines given for the widest level, None where there are none but what the grids make."""
        if self._partition.levels[0].level not in self._partition.given:
            return None
        return shapely.union_all(shapely.make_valid(self._plane.flat(self._partition.outlines_at(0))))

    def _cut(self, shapes: Geometries, window: shapely.Polygon) -> Geometries:
        flat = self._plane.flat(shapes)
        bad = ~shapely.is_valid(flat)
        flat[bad] = shapely.make_valid(flat[bad])
        pieces = [areal(piece) for piece in shapely.intersection(flat, window)]
        out = np.empty(len(pieces), dtype=object)
        out[:] = pieces
        return out

    def _parents(self, finding: Finding, drawn: Sequence[str]) -> Geometries:
        """The outlines of the areas above the finest level that a finding names."""
        found = [
            self._partition.outlines_at(depth)[table.row_of[code]]
            for depth, table in enumerate(self._partition.levels[:-1])
            for code in finding.codes
            if code in table.row_of and code not in drawn
        ]
        return self._plane.flat(np.array(found, dtype=object))

    def _half_width(self, finding: Finding) -> float:
        """Half of a window in metres: the defect with some of the areas around it."""
        sizes = [self._width_m(code) for code in finding.codes[:6]]
        around = 0.42 * min((size for size in sizes if size > 0), default=0.0)
        return max(1.3 * float(np.sqrt(max(finding.size_m2, 0.0))), around, SMALLEST_M)

    def _width_m(self, code: str) -> float:
        table = self._partition.finest
        if code not in table.row_of:
            return 0.0
        row = table.row_of[code]
        shapes = self._partition.polygons_at(len(self._partition.levels) - 1)[row : row + 1]
        return float(np.sqrt(abs(shapely.area(self._plane.flat(shapes))[0])))

    def _areas_in(self, window: shapely.Polygon) -> tuple[int, Int64Array]:
        """The finest level that has few enough areas in a window, and their rows."""
        lattice = shapely.transform(window, self._plane.units)
        for depth in range(len(self._partition.levels) - 1, -1, -1):
            if depth not in self._trees:
                self._trees[depth] = shapely.STRtree(self._partition.polygons_at(depth))
            rows = np.sort(self._trees[depth].query(lattice))
            if len(rows) <= MOST_IN_WINDOW:
                break
        return depth, rows


def draw_view(axes: Axes, view: View, finding: Finding, pixel_m: float, bar: Bbox) -> None:
    """Draw a window: areas, the defect, parents, codes; no code is written over the box `bar` in pixels."""
    _draw_areas(axes, view)
    taken = [bar]
    if _draw_defect(axes, view, finding, pixel_m):
        taken.append(_box_around(axes, view.place, SEEN_PX))
    _write_codes(axes, view, taken, pixel_m)


def areal(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a shape, without the points and lines that a cut leaves."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]))


def defect_shape(view: View, finding: Finding) -> shapely.Geometry | None:
    """The shape of a defect inside its window, in metres; None where it has none that can be drawn."""
    mine = [piece for piece, named in zip(view.pieces, view.named, strict=True) if named >= 0]
    if finding.rule in UNCOVERED:
        found = shapely.difference(view.city, shapely.union_all(view.pieces))
    elif finding.rule == "wrong_parent":
        found = shapely.union_all(view.pieces[np.array(view.named, np.int64) == 0])
    elif finding.rule in COVERED_TWICE and len(mine) > 1:
        found = shapely.union_all([shapely.intersection(one, other) for one, other in combinations(mine, 2)])
    else:
        return None
    near = [part for part in shapely.get_parts(areal(found)) if shapely.dwithin(part, view.place, NEAR_M)]
    # What is much larger than the finding says is the world outside of a city whose outline is not known.
    seen = [part for part in near if part.area <= 1.5 * finding.size_m2 + NEAR_M**2]
    return shapely.MultiPolygon(seen) if seen else None


def _draw_areas(axes: Axes, view: View) -> None:
    from matplotlib.patches import PathPatch

    for piece, named in zip(view.pieces, view.named, strict=True):
        fill = LAND if named < 0 else TINTS[named % len(TINTS)]
        axes.add_artist(PathPatch(drawn_path(piece), fc=fill, ec="none", zorder=1))
    for piece, named in zip(view.pieces, view.named, strict=True):
        ink, width = ("#7fa6c9", 0.7) if named < 0 else (TINT_INKS[named % len(TINT_INKS)], 1.1)
        axes.add_artist(PathPatch(drawn_path(piece), fc="none", ec=ink, lw=width, zorder=2 + (named >= 0)))
    for parent in view.parents:
        style = {"fc": "none", "ec": INK, "lw": 1.5, "ls": (0, (5, 3)), "zorder": 5}
        axes.add_artist(PathPatch(drawn_path(parent), **style))


def _draw_defect(axes: Axes, view: View, finding: Finding, pixel_m: float) -> bool:
    """Paint the defect; put a ring around its place where nothing large enough would be seen: then True."""
    from matplotlib.patches import PathPatch

    colour = mark_of(finding.rule).colour
    shape = defect_shape(view, finding)
    if shape is not None:
        style = {
            "fc": colour,
            "ec": colour,
            "lw": 1.0,
            "alpha": 0.72 if finding.rule in BROKEN else 0.35,
            "zorder": 4,
        }
        axes.add_artist(PathPatch(drawn_path(shape), **style))
        if float(np.ptp(np.reshape(shapely.bounds(shape), (2, 2)), axis=0).min()) >= SEEN_PX * pixel_m:
            return False
    x, y = view.place.x, view.place.y
    axes.scatter([x], [y], s=230, facecolors="none", edgecolors="white", linewidths=3.4, zorder=6)
    axes.scatter([x], [y], s=230, facecolors="none", edgecolors=colour, linewidths=1.8, zorder=6.1)
    axes.scatter([x], [y], s=9, c=colour, zorder=6.2, linewidths=0)
    return True


def _box_around(axes: Axes, place: shapely.Point, reach_px: float) -> Bbox:
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform((place.x, place.y))
    return Bbox([[x - reach_px, y - reach_px], [x + reach_px, y + reach_px]])


def _write_codes(axes: Axes, view: View, taken: list[Bbox], pixel_m: float) -> None:
    """Write the codes into their areas, those that are named first, then the widest; none over another."""
    sizes = shapely.area(view.pieces)
    order = sorted(range(len(view.codes)), key=lambda i: (view.named[i] < 0, -float(sizes[i])))
    frame = axes.get_window_extent()
    for i in order[:MOST_CODES]:
        named, piece = view.named[i], view.pieces[i]
        if named < 0 and sizes[i] < (60 * pixel_m) ** 2:
            continue
        middle = shapely.get_coordinates(shapely.maximum_inscribed_circle(piece, pixel_m * 4))[0]
        text = _code(axes, view.codes[i], named)
        steps = (0, 18, -18, 34, -34, 52, -52) if named >= 0 else (0, 14, -14)
        for step in steps:
            text.set_position((middle[0], middle[1] + step * pixel_m))
            box = _kept_inside(text, frame, pixel_m)
            if box is not None and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
        else:
            text.remove()


def _code(axes: Axes, code: str, named: int) -> Text:
    from matplotlib.patheffects import withStroke

    text = axes.text(
        0,
        0,
        code,
        size=6.4 if named < 0 else 7.6,
        color=MUTED if named < 0 else TINT_INKS[named % len(TINT_INKS)],
        weight="normal" if named < 0 else "bold",
        ha="center",
        va="center",
        zorder=7,
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
    )
    return fonts().set_on(text)


def _kept_inside(text: Text, frame: Bbox, pixel_m: float) -> Bbox | None:
    """Move a text sideways into the frame; its box with a little air, None when it cannot be inside."""
    box = text.get_window_extent().padded(5.0, 2.0)
    if box.width > frame.width - 6 or box.y0 < frame.y0 + 3 or box.y1 > frame.y1 - 3:
        return None
    aside = max(frame.x0 + 3 - box.x0, 0.0) - max(box.x1 - frame.x1 + 3, 0.0)
    text.set_x(text.get_position()[0] + aside * pixel_m)
    return box.translated(aside, 0.0)

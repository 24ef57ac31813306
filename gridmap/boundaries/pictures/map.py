"""The map on the left of a picture of findings: the city, its borders, a mark for each finding."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.boundaries.pictures.plane import OUTER, border_depths, border_lines, drawn_path, whole_city
from gridmap.boundaries.pictures.style import (
    BORDERS,
    INK,
    LAND,
    MUTED,
    NAVY,
    RULE_LINE,
    SEA,
    fonts,
    mark_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from gridmap.boundaries.pictures.plane import Plane
    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding
    from gridmap.types import FloatArray

MOST_AREAS: Final = 3000
"""A level with more areas than this would turn the map grey."""
FINEST_PX: Final = 0.4
"""Bends of lines below this many pixels are left out."""
BADGE_PX: Final = 13.0
"""Radius of the numbers beside the marks."""


def draw_map(
    figure: Figure,
    box: tuple[float, float, float, float],
    partition: Partition,
    plane: Plane,
    findings: Sequence[Finding],
    near: Sequence[Finding],
) -> None:
    """Draw the whole city into a part of the figure; `near` are the findings that get numbers."""
    from matplotlib.patches import PathPatch

    axes = _axes(figure, box, _extent(partition, plane, findings))
    pixel_m = _metres_per_pixel(axes)
    city = whole_city(partition, plane, pixel_m * FINEST_PX)
    axes.add_artist(PathPatch(drawn_path(city), fc=LAND, ec="none", zorder=1))
    _draw_borders(axes, partition, plane, pixel_m)
    _draw_marks(axes, plane, findings)
    _draw_badges(axes, plane, findings, near)
    scale_bar(axes, pixel_m)


def scale_bar(axes: Axes, pixel_m: float) -> Bbox:
    """Draw a line of a round length, with its words, in the lower left corner; gives their box in pixels."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    west, east = axes.get_xlim()
    south, _ = axes.get_ylim()
    length = _round_length((east - west) * 0.22)
    words = f"{length:g} m" if length < 1000 else f"{length / 1000:g} km"
    words = words if length >= 1 else f"{length * 100:g} cm"
    x, y = west + 14 * pixel_m, south + 14 * pixel_m
    halo = [withStroke(linewidth=2.5, foreground="white")]
    (bar,) = axes.plot(
        [x, x + length], [y, y], color=INK, lw=2, solid_capstyle="butt", zorder=8, path_effects=halo
    )
    text = axes.text(x, y + 7 * pixel_m, words, size=7.5, color=INK, va="bottom", zorder=8, path_effects=halo)
    fonts().set_on(text)
    return Bbox.union([bar.get_window_extent(), text.get_window_extent()]).padded(4.0)


def _round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... that is not longer."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest))


def _extent(partition: Partition, plane: Plane, findings: Sequence[Finding]) -> FloatArray:
    """West, south, east, north in metres of the city and of the findings, which may lie outside of it."""
    coverage = partition.coverage
    points = [plane.place(f.lon, f.lat) for f in findings if f.lon is not None and f.lat is not None]
    corners = np.array(points).reshape(-1, 2)
    if len(coverage):
        ends = [[coverage.xs.min(), coverage.ys.min()], [coverage.xs.max(), coverage.ys.max()]]
        corners = np.concatenate([corners, plane.metres(np.array(ends))])
    if not len(corners):
        return np.array([-1.0, -1.0, 1.0, 1.0])
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _axes(figure: Figure, box: tuple[float, float, float, float], extent: FloatArray) -> Axes:
    """Axes in metres that fill the box, with the extent in the middle and a margin around it."""
    axes = figure.add_axes(box, facecolor=SEA)
    width, height = figure.get_size_inches() * (box[2], box[3])
    middle = (extent[:2] + extent[2:]) / 2
    spread = np.maximum((extent[2:] - extent[:2]) * 1.07, 1.0)
    metres_per_inch = max(spread[0] / width, spread[1] / height)
    half_x, half_y = metres_per_inch * width / 2, metres_per_inch * height / 2
    axes.set_xlim(middle[0] - half_x, middle[0] + half_x)
    axes.set_ylim(middle[1] - half_y, middle[1] + half_y)
    bare(axes)
    return axes


def bare(axes: Axes) -> None:
    """Take ticks away and make the frame quiet."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(RULE_LINE)
        spine.set_linewidth(0.8)


def _metres_per_pixel(axes: Axes) -> float:
    west, east = axes.get_xlim()
    return float((east - west) / axes.get_window_extent().width)


def _draw_borders(axes: Axes, partition: Partition, plane: Plane, pixel_m: float) -> None:
    """The borders of every level that is not too dense, the widest on top."""
    from matplotlib.collections import LineCollection

    depths = border_depths(partition)
    for depth in range(len(partition.levels) - 1, OUTER - 1, -1):
        if depth > 0 and len(partition.levels[depth]) > MOST_AREAS:
            continue
        colour, width = BORDERS[min(max(depth, 0), len(BORDERS) - 1)]
        lines = border_lines(partition, plane, depths == depth, pixel_m * FINEST_PX)
        axes.add_collection(
            LineCollection(lines, colors=colour, linewidths=width, zorder=4 - depth * 0.3), autolim=False
        )


def _draw_marks(axes: Axes, plane: Plane, findings: Sequence[Finding]) -> None:
    """A mark at each finding's place, rare rules above frequent ones, smaller where there are many."""
    by_rule: dict[str, list[FloatArray]] = defaultdict(list)
    for finding in findings:
        if finding.lon is not None and finding.lat is not None:
            by_rule[finding.rule].append(plane.place(finding.lon, finding.lat))
    size = float(np.clip(1500 / max(len(findings), 1) ** 0.75, 9, 85))
    for height, rule in enumerate(sorted(by_rule, key=lambda rule: -len(by_rule[rule]))):
        mark, points = mark_of(rule), np.array(by_rule[rule])
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=size,
            c=mark.colour,
            marker=mark.shape,
            edgecolors="white",
            linewidths=0.7 if size > 20 else 0.25,
            zorder=6 + height * 0.01,
        )


def _draw_badges(axes: Axes, plane: Plane, findings: Sequence[Finding], near: Sequence[Finding]) -> None:
    """The numbers of the pictures beside the map, near their marks but on none of them."""
    marks = [plane.place(f.lon, f.lat) for f in findings if f.lon is not None and f.lat is not None]
    if not near:
        return
    taken = axes.transData.transform(np.array(marks))
    frame = axes.get_window_extent()
    low, high = np.array([frame.x0, frame.y0]), np.array([frame.x1, frame.y1])
    for number, finding in enumerate(near, 1):
        assert finding.lon is not None  # `choose` takes only those that have a place
        assert finding.lat is not None
        at = axes.transData.transform(plane.place(finding.lon, finding.lat))
        spot = _free_spot(at, taken, low + BADGE_PX * 1.4, high - BADGE_PX * 1.4)
        taken = np.concatenate([taken, [spot]])
        to = axes.transData.inverted().transform(spot)
        _badge(axes, axes.transData.inverted().transform(at), to, number)


def _badge(axes: Axes, at: FloatArray, to: FloatArray, number: int) -> None:
    disc = {"boxstyle": "circle,pad=0.28", "fc": NAVY, "ec": "white", "lw": 0.9}
    leader = {"arrowstyle": "-", "color": MUTED, "lw": 0.9, "shrinkB": 4}
    text = axes.annotate(
        str(number),
        tuple(at),
        xytext=tuple(to),
        size=9,
        color="white",
        weight="bold",
        ha="center",
        va="center",
        bbox=disc,
        arrowprops=leader,
        zorder=9,
    )
    fonts().set_on(text)


def _free_spot(at: FloatArray, taken: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """A point in pixels near a mark, within the frame and as far as need be from marks and other numbers."""
    turns = np.radians(np.arange(45, 405, 30))
    round_about = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    spots = np.concatenate([at + radius * round_about for radius in (30, 42, 58, 80, 110)])
    room = np.sqrt(((spots[:, None] - taken[None]) ** 2).sum(axis=2)).min(axis=1)
    inside = ((spots >= low) & (spots <= high)).all(axis=1)
    room = np.where(inside, room, -1.0)
    good = np.flatnonzero(room >= 2 * BADGE_PX)
    return np.asarray(spots[good[0]] if len(good) else spots[room.argmax()])

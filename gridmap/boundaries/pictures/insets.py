"""The largest findings from near by: a picture each, with a heading and the finding's own sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.boundaries.pictures.map import bare, scale_bar
from gridmap.boundaries.pictures.style import INK, MUTED, NAVY, SEA, fonts, mark_of, size_words
from gridmap.boundaries.pictures.view import Window, draw_view
from gridmap.boundaries.report import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from gridmap.boundaries.pictures.plane import Plane
    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding

    Box = tuple[float, float, float, float]

MOST: Final = 6
"""Findings that are drawn from near by."""
COLUMNS: Final = (1, 1, 1, 2, 2, 2, 2)
"""Columns for each number of pictures."""
CAPTION_LINES: Final = 3
METRES_PER_DEGREE: Final = 111_000.0


def choose(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that get a picture: the largest that have a place, and each place once."""
    out: list[Finding] = []
    for finding in sorted(findings, key=lambda f: -f.size_m2):
        if finding.lon is not None and not any(_same_place(finding, other) for other in out):
            out.append(finding)
        if len(out) == MOST:
            break
    return out


def _same_place(one: Finding, other: Finding) -> bool:
    """Whether a picture of the one shows the other too."""
    if set(one.codes) == set(other.codes):
        return True
    assert one.lon is not None
    assert one.lat is not None
    assert other.lon is not None
    assert other.lat is not None
    apart = np.hypot((one.lon - other.lon) * np.cos(np.radians(one.lat)), one.lat - other.lat)
    return bool(apart * METRES_PER_DEGREE < 0.4 * np.sqrt(max(one.size_m2, other.size_m2)))


class Insets:
    """Draws findings from near by; holds what six pictures need as well as one."""

    def __init__(self, figure: Figure, partition: Partition, plane: Plane) -> None:
        self._figure = figure
        self._window = Window(partition, plane)
        self._places = Places(partition)

    def draw(self, box: Box, near: Sequence[Finding]) -> None:
        """Draw findings into a part of the figure, in the order of their numbers."""
        columns = COLUMNS[len(near)]
        rows = -(-len(near) // columns)
        gap_x, gap_y = 0.014, 0.014
        width = (box[2] - gap_x * (columns - 1)) / columns
        height = (box[3] - gap_y * (rows - 1)) / max(rows, 1)
        for number, finding in enumerate(near):
            row, column = divmod(number, columns)
            left = box[0] + column * (width + gap_x)
            top = box[1] + box[3] - row * (height + gap_y)
            self._draw_one((left, top - height, width, height), number + 1, finding)

    def _draw_one(self, box: Box, number: int, finding: Finding) -> None:
        left, bottom, width, height = box
        head, foot = 0.03, 0.053
        axes = self._figure.add_axes((left, bottom + foot, width, height - head - foot), facecolor=SEA)
        bare(axes)
        self._heading(left, bottom + height - head / 2, width, number, finding)
        self._caption(left, bottom + foot - 0.006, axes, finding)
        view = self._window.cut(finding, axes)
        pixel_m = float(np.diff(axes.get_xlim())[0] / axes.get_window_extent().width)
        draw_view(axes, view, finding, pixel_m, scale_bar(axes, pixel_m))

    def _heading(self, x: float, y: float, width: float, number: int, finding: Finding) -> None:
        """The number, the rule, the size, and as many of the names around as there is room for."""
        mark = mark_of(finding.rule)
        disc = {"boxstyle": "circle,pad=0.28", "fc": NAVY, "ec": "none"}
        style = {"va": "center", "weight": "bold"}
        self._text(x + 0.007, y, str(number), size=9, color="white", ha="center", bbox=disc, **style)
        words = " · ".join(word for word in (mark.words, size_words(finding.size_m2)) if word)
        said = self._text(x + 0.0175, y, words, size=10, color=mark.colour, **style)
        room = (x + width) * self._figure.bbox.width - said.get_window_extent().x1
        self._where(x + width, y, room - 12, finding)

    def _where(self, x: float, y: float, room_px: float, finding: Finding) -> None:
        names = [_short(fonts().printable(name)) for name in self._places.within(finding.codes).split(" ")]
        for first in range(len(names)):
            text = self._text(x, y, " ".join(names[first:]), size=8, color=MUTED, ha="right", va="center")
            if text.get_window_extent().width <= room_px:
                return
            text.remove()

    def _caption(self, x: float, y: float, axes: Axes, finding: Finding) -> None:
        """The finding's sentence under its picture, cut after the last line that there is room for."""
        text = self._text(x, y, "", size=7.8, color=INK, va="top", linespacing=1.25)
        width = axes.get_window_extent().width
        lines = list(_wrapped(text, fonts().printable(finding.text), width))
        if len(lines) > CAPTION_LINES:
            lines = [*lines[: CAPTION_LINES - 1], lines[CAPTION_LINES - 1][:-2] + "…"]
        text.set_text("\n".join(lines))
        fonts().set_on(text)

    def _text(self, x: float, y: float, words: str, **style: Any) -> Text:
        return fonts().set_on(self._figure.text(x, y, words, **style))


def _short(name: str) -> str:
    """A community's name as people say it: without the words for its committee."""
    for committee in ("村民委员会", "居民委员会"):
        name = name.removesuffix(committee) or name
    return name


def _wrapped(text: Text, words: str, width_px: float) -> Iterator[str]:
    """Break words into lines that are as wide as they may be; `text` is what they are measured with."""
    line = ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        text.set_text(longer)
        fonts().set_on(text)
        if line and text.get_window_extent().width > width_px:
            yield line
            longer = word
        line = longer
    yield line

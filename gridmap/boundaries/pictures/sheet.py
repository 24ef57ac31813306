"""Findings as a picture: the whole city with a mark for each, and the largest ones from near by.

A sheet for somebody who is tired: the headline says proven or not, the map says where and how many, the
pictures beside it say what is wrong and with which codes. Nothing of matplotlib's global state is used, so
threads may draw, and no display is needed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from gridmap.boundaries.pictures.insets import Insets, choose
from gridmap.boundaries.pictures.map import draw_map
from gridmap.boundaries.pictures.plane import plane_of
from gridmap.boundaries.pictures.style import (
    CARD,
    CYAN,
    GREEN,
    INK,
    MUTED,
    NAVY,
    PALE,
    PAPER,
    RED,
    RULE_LINE,
    check_matplotlib,
    fonts,
    mark_of,
    plural,
    size_words,
)
from gridmap.boundaries.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition, Finding

WIDTH_IN: Final = 16.0
HEIGHT_IN: Final = 10.0
DPI: Final = 150
"""2,400 x 1,500 pixels: sharp on a screen and on a sheet of A4."""

HEADER: Final = 0.092
"""Share of the height that the headline takes."""
LEGEND_COLUMNS: Final = 4
KEY: Final = """1, 2 ...: the largest, from near by
dashed: areas above that are named
ring: the place of what is small"""

Box = tuple[float, float, float, float]
"""Left, bottom, width, height in shares of the figure."""


def draw_findings(
    partition: Partition,
    findings: Sequence[Finding],
    path: Path,
    *,
    edition: Edition | None = None,
    title: str = "",
) -> None:
    """Draw a city and its findings as a PNG of 2,400 x 1,500 pixels; 65,000 grids take about three seconds.

    `edition` is named in the headline; without one the headline says that nothing was published. `title` is
    the name of the city, else that of its widest area. The file appears when it is whole.

    Raises MissingExtraError when matplotlib is not installed, InputError where nothing can be written.
    """
    check_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    plane = plane_of(partition)
    _headline(figure, partition, findings, edition, title)
    near = choose(findings)
    if findings:
        left: Box = (0.014, 0.155, 0.536 if near else 0.972, 1 - HEADER - 0.155 - 0.018)
        draw_map(figure, left, partition, plane, findings, near)
        _legend(figure, (0.014, 0.02, left[2], 0.125), findings)
        Insets(figure, partition, plane).draw((0.562, 0.02, 0.424, 1 - HEADER - 0.038), near)
    else:
        draw_map(figure, (0.014, 0.085, 0.972, 1 - HEADER - 0.103), partition, plane, (), ())
        _calm_line(figure, partition)
    with whole_file(path) as part:
        figure.savefig(part, format="png", facecolor=PAPER, metadata={"Software": None})


def _headline(
    figure: Figure, partition: Partition, findings: Sequence[Finding], edition: Edition | None, title: str
) -> None:
    """A navy band: the city, the edition, what was counted, and whether it is proven."""
    from matplotlib.patches import Rectangle

    band = Rectangle((0, 1 - HEADER), 1, HEADER, transform=figure.transFigure, color=NAVY, lw=0)
    line = Rectangle((0, 1 - HEADER - 0.003), 1, 0.003, transform=figure.transFigure, color=CYAN, lw=0)
    figure.add_artist(band)
    figure.add_artist(line)
    widest = partition.levels[0]
    name = fonts().printable(title or (widest.names[0] if len(widest) == 1 else ""))
    state = "not published" if edition is None else f"edition {edition.number}"
    head = f"Boundary check · {name} · {state}" if name else f"Boundary check · {state}"
    counts = ", ".join(plural(len(table), table.level) for table in partition.levels)
    if edition is not None:
        counts += f"  ·  checksum {edition.checksum[:12]}  ·  {edition.effective_at:%Y-%m-%d %H:%M} UTC"
        counts += "  ·  synthetic city" if edition.synthetic else ""
    _text(figure, 0.018, 1 - HEADER * 0.42, _cut(head, 70), size=20, color="white", weight="bold")
    _text(figure, 0.018, 1 - HEADER * 0.78, _cut(counts, 150), size=10.5, color=PALE)
    words, colour = ("PROVEN", GREEN) if not findings else ("NOT PROVEN", RED)
    pill = {"boxstyle": "round,pad=0.5,rounding_size=0.6", "fc": colour, "ec": "none"}
    _text(
        figure, 0.978, 1 - HEADER * 0.42, words, size=16, color="white", weight="bold", ha="right", bbox=pill
    )
    said = plural(len(findings), "finding") if findings else "every point is in exactly one grid"
    _text(figure, 0.982, 1 - HEADER * 0.82, said, size=10.5, color=PALE, ha="right")


def _legend(figure: Figure, box: Box, findings: Sequence[Finding]) -> None:
    """The rules that are broken: mark, words, how often, and how large together; the frequent first."""
    from matplotlib.lines import Line2D

    _card(figure, box)
    counts = Counter(finding.rule for finding in findings)
    rules = sorted(counts, key=lambda rule: (-counts[rule], rule))
    columns = max(1, min(LEGEND_COLUMNS, round(box[2] / 0.134)))
    lines = 3
    for place, rule in enumerate(rules[: columns * lines]):
        column, line = divmod(place, lines)
        x = box[0] + 0.014 + column * (box[2] - 0.012) / columns
        y = box[1] + box[3] - 0.027 - line * 0.036
        mark = mark_of(rule)
        dot = Line2D([x], [y], marker=mark.shape, color=mark.colour, ms=9, mec="white", mew=0.8, ls="none")
        dot.set_transform(figure.transFigure)
        figure.add_artist(dot)
        size = sum(finding.size_m2 for finding in findings if finding.rule == rule)
        placeless = sum(finding.lon is None for finding in findings if finding.rule == rule)
        said = [size_words(size), f"{placeless:,} without a place" if placeless else ""]
        words = ", ".join(word for word in said if word)
        _text(
            figure,
            x + 0.011,
            y + 0.008,
            f"{counts[rule]:,}  {mark.words}",
            size=9.5,
            color=INK,
            weight="bold",
        )
        _text(figure, x + 0.011, y - 0.008, words, size=8, color=MUTED)
    if len(rules) <= (columns - 1) * lines:
        right = box[0] + box[2] - 0.012
        _text(figure, right, box[1] + box[3] / 2, KEY, size=8, color=MUTED, ha="right", linespacing=1.5)


def _calm_line(figure: Figure, partition: Partition) -> None:
    finest = partition.finest.level
    said = f"Proven: every point of the city is in exactly one {finest}, at every level. Nothing to do."
    _text(figure, 0.5, 0.042, said, size=14, color=GREEN, weight="bold", ha="center")


def _card(figure: Figure, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    card = FancyBboxPatch(
        box[:2],
        box[2],
        box[3],
        boxstyle="round,pad=0,rounding_size=0.006",
        transform=figure.transFigure,
        fc=CARD,
        ec=RULE_LINE,
        lw=0.8,
        mutation_aspect=WIDTH_IN / HEIGHT_IN,
    )
    figure.add_artist(card)


def _text(figure: Figure, x: float, y: float, words: str, **style: Any) -> None:
    fonts().set_on(figure.text(x, y, words, va="center", **style))


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"

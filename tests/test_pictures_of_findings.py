"""Pictures of findings: always a whole PNG, never a warning, nothing written over something else."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import planted
import pytest
import random_city
import shapely
import town

from gridmap.boundaries.pictures import insets, sheet, style, view
from gridmap.boundaries.pictures import map as city_map
from gridmap.boundaries.pictures.plane import OUTER, border_depths, drawn_path, plane_of, whole_city
from gridmap.boundaries.pictures.sheet import draw_findings
from gridmap.coverage.partition import partition_of
from gridmap.coverage.proof import examine
from gridmap.errors import InputError, MissingExtraError
from gridmap.lookup import read_edition
from gridmap.model import Finding
from gridmap.store.home import Home

pytest.importorskip("matplotlib", reason="pictures need matplotlib: pip install 'gridmap[pictures]'")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from gridmap.coverage.partition import Partition

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, every chunk of which is checked."""
    data = path.read_bytes()
    assert data.startswith(SIGNATURE)
    at = len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        at += length + 12
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def damaged_town() -> Partition:
    """Toytown without its school, with one grid grown over another, which lost its enclave."""
    grids = town.grid_polygons()
    grids[2] = None
    grids[4] = town.lattice_polygon([(2, 0), (4, 0), (4.6, 1), (3.9, 2), (2, 2)])
    return partition_of(town.tables(), {"grid": grids})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were drawn."""
    from matplotlib.figure import Figure

    found: list[Figure] = []
    keep = Figure.savefig

    def savefig(figure: Figure, *args: Any, **options: Any) -> None:
        found.append(figure)
        keep(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


def words(figure: Figure) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def boxes(figure: Figure) -> Iterator[tuple[str, Any]]:
    """Every written text with its box in pixels, without the numbers in discs, whose box is the disc's."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text() and text.get_visible() and not text.get_text().isdigit():
            yield text.get_text(), text.get_window_extent()


def assert_nothing_overlaps(figure: Figure) -> None:
    found = list(boxes(figure))
    for place, (text, box) in enumerate(found):
        for other, its in found[:place]:
            assert not box.padded(-1).overlaps(its.padded(-1)), (text, other)
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.width, text
        assert 0 <= box.y0 <= box.y1 <= figure.bbox.height, text


def test_a_proven_town_is_a_calm_picture(tmp_path: Path, drawn: list[Figure]) -> None:
    draw_findings(town.toytown(), (), tmp_path / "town.png")
    assert size_of(tmp_path / "town.png") == (2400, 1500)
    said = words(drawn[0])
    assert "PROVEN" in said
    assert "NOT PROVEN" not in said
    assert "1 district, 2 towns, 3 communities, 9 grids" in said
    assert any(text.startswith("Proven: every point of the city is in exactly one grid") for text in said)
    assert_nothing_overlaps(drawn[0])


def test_a_damaged_town_says_what_is_wrong_and_where(tmp_path: Path, drawn: list[Figure]) -> None:
    partition = damaged_town()
    found = examine(partition).findings
    draw_findings(partition, found, tmp_path / "town.png", title="Toytown")
    said = words(drawn[0])
    assert {"NOT PROVEN", f"{len(found)} findings", "Boundary check · Toytown · not published"} <= set(said)
    assert "2  unfilled hole" in said
    assert "500999001001001" in said
    assert any("is filled by nothing" in text for text in said)
    assert_nothing_overlaps(drawn[0])


@pytest.mark.parametrize("planter", [*planted.PLANTERS, *planted.OUTSIDE], ids=lambda each: each.__name__)
def test_every_defect_can_be_drawn(planter: planted.Planter, tmp_path: Path, drawn: list[Figure]) -> None:
    for seed in range(20):
        plant = planter(random_city.random_city(seed), np.random.default_rng(seed), True)
        if plant is not None:
            break
    assert plant is not None
    partition = plant.areas.partition()
    found = examine(partition).findings
    draw_findings(partition, found, tmp_path / "city.png")
    assert size_of(tmp_path / "city.png") == (2400, 1500)
    assert "NOT PROVEN" in words(drawn[0])
    assert_nothing_overlaps(drawn[0])


def test_a_defect_is_painted_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shape in the window has the size that the finding says, unless it is longer than the window."""
    sizes: dict[str, float] = {}
    keep = view.defect_shape

    def noted(seen: view.View, finding: Finding) -> Any:
        shape = keep(seen, finding)
        sizes[finding.rule] = 0.0 if shape is None else float(shapely.area(shape)) / finding.size_m2
        return shape

    monkeypatch.setattr(view, "defect_shape", noted)
    partition = damaged_town()
    draw_findings(partition, examine(partition).findings, tmp_path / "town.png")
    assert sizes["hole_without_filler"] == pytest.approx(1, abs=0.01)
    assert 0.7 < sizes["overlap"] < 1.01


def test_yuzhong_with_its_edition(yuzhong: Path, tmp_path: Path, drawn: list[Figure]) -> None:
    with Home.open(yuzhong).store() as store:
        edition, partition = read_edition(store, yuzhong)
    grids = partition.polygons_at(3).copy()
    grids[100:700:60] = grids[101:701:60]
    broken = partition_of(partition.levels, {"grid": grids, "district": partition.polygons_at(0)})
    found = examine(broken).findings
    draw_findings(broken, found, tmp_path / "yuzhong.png", edition=edition)
    said = words(drawn[0])
    assert any("edition 1" in text for text in said)
    assert any(edition.checksum[:12] in text and "synthetic city" in text for text in said)
    assert_nothing_overlaps(drawn[0])


def test_the_same_findings_give_the_same_bytes(tmp_path: Path) -> None:
    partition = damaged_town()
    found = examine(partition).findings
    for name in ("one.png", "two.png"):
        draw_findings(partition, found, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_strange_texts_and_rules_do_no_harm(tmp_path: Path, drawn: list[Figure]) -> None:
    strange = "pay $5 or $x_1$ \U0001f937 \u0e01\u0e02 \\frac a_b^c %"
    found = [
        Finding("a_rule_of_tomorrow", "grid", ("no such code",), 106.501, 29.501, 5.0, strange * 20),
        Finding("gap", "village", (), None, None, 0.0, strange),
        Finding("gap", "grid", (), 120.0, 10.0, 1e12, "far away"),
    ]
    draw_findings(town.toytown(), found, tmp_path / "x.png", title=strange * 9)
    assert size_of(tmp_path / "x.png") == (2400, 1500)
    assert "1  a rule of tomorrow" in words(drawn[0])
    assert "1e+06 km², 1 without a place" in words(drawn[0]) or "1,000,000 km², 1 without a place" in words(
        drawn[0]
    )


def test_findings_without_any_place_and_an_empty_city(tmp_path: Path, drawn: list[Figure]) -> None:
    grids = np.full(9, None, dtype=object)
    partition = partition_of(town.tables(), {"grid": grids})
    found = [f for f in examine(partition).findings if f.lon is None]
    draw_findings(partition, found, tmp_path / "empty.png")
    assert f"{len(found)}  no shape" in words(drawn[0]) or "NOT PROVEN" in words(drawn[0])


def test_without_a_chinese_font_names_are_left_out(
    tmp_path: Path, drawn: list[Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    latin = style.fonts_of((style.LATIN_FONT,))
    for module in (sheet, city_map, insets, view):
        monkeypatch.setattr(module, "fonts", lambda: latin)
    partition = damaged_town()
    draw_findings(partition, examine(partition).findings, tmp_path / "town.png")
    assert all(ord(c) < 0x2E80 for text in words(drawn[0]) for c in text)
    assert "Boundary check · not published" in words(drawn[0])


def test_without_matplotlib_the_line_to_type_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gridmap\[pictures\]'"):
        draw_findings(town.toytown(), (), tmp_path / "x.png")


def test_nothing_is_left_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        draw_findings(town.toytown(), (), tmp_path / "none" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_drawing_needs_no_global_state_and_the_module_no_matplotlib() -> None:
    code = (
        "import sys; from gridmap.boundaries.pictures import sheet; assert 'matplotlib' not in sys.modules;"
        "import town; sheet.draw_findings(town.toytown(), (), __import__('pathlib').Path(sys.argv[1]));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parent), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, "/dev/null/x.png"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=Path(__file__).parents[1],
    )
    assert "cannot be written" in done.stderr  # everything before that went well


def test_borders_know_their_level() -> None:
    partition = town.toytown()
    depths = border_depths(partition)
    coverage = partition.coverage
    for arc, depth in enumerate(depths):
        left, right = int(coverage.left[arc]), int(coverage.right[arc])
        if left < 0 or right < 0:
            assert depth == OUTER
            continue
        chains = [[rows[side] for rows in partition.ancestors] for side in (left, right)]
        differ = [level for level, pair in enumerate(zip(*chains, strict=True)) if pair[0] != pair[1]]
        assert depth == differ[0]


def test_the_whole_city_is_filled_also_where_grids_overlap() -> None:
    for partition in (town.toytown(), damaged_town()):
        plane = plane_of(partition)
        shapes = whole_city(partition, plane, 0.01)
        expected = shapely.union_all(plane.flat(partition.polygons_at(3)))
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(expected), rel=1e-6)
        path = drawn_path(shapes)
        inside = shapely.point_on_surface(expected)
        assert path.contains_point((inside.x, inside.y))


def test_the_largest_are_chosen_and_each_place_once() -> None:
    def at(size: float, lon: float, code: str) -> Finding:
        return Finding("gap", "grid", (code,), lon, 29.5, size, "")

    some = [at(1, 106.1, "a"), at(9, 106.2, "b"), at(8, 106.2, "c"), at(7, 106.3, "b"), at(5, 106.4, "d")]
    assert [f.size_m2 for f in insets.choose(some)] == [9, 5, 1]
    many = [at(n, 100 + n / 10, str(n)) for n in range(30)]
    assert [f.size_m2 for f in insets.choose(many)] == [29, 28, 27, 26, 25, 24]
    assert insets.choose([replace(some[0], lon=None, lat=None)]) == []


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, ""),
        (0.001, "10 cm²"),
        (0.5, "0.5 m²"),
        (999, "999 m²"),
        (5432.1, "5,432 m²"),
        (25_000, "0.025 km²"),
        (8.24e10, "82,400 km²"),
    ],
)
def test_sizes_in_words(size: float, said: str) -> None:
    assert style.size_words(size) == said

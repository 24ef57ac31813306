"""The command line: what it prints, with which exit code; the three ways to break an exported city."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely
from click.testing import CliRunner, Result

from gridmap.cli import EXIT_CODES, main
from gridmap.cli_options import read_schemes
from gridmap.errors import GridmapError, InputError
from gridmap.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def checked(home: Path, exit_code: int) -> Any:
    done = run("check", "--home", home, "--json")
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def exported(yuzhong: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out.parquet"
    done = run("export", "--home", yuzhong, out)
    assert done.exit_code == 0, done.output
    return out


def test_check_proves_yuzhong(yuzhong: Path) -> None:
    document = checked(yuzhong, 0)
    assert set(document) == {"edition", "checksum", "proven", "counts", "findings", "notes"}
    assert document["counts"] == {"district": 1, "town": 11, "community": 80, "grid": 879}
    assert (document["edition"], document["proven"], document["findings"]) == (1, True, [])
    assert any("ynthetic" in note for note in document["notes"])


def test_building_the_same_city_again_does_nothing_and_another_is_refused(yuzhong: Path) -> None:
    again = run("city", "chongqing", "--home", yuzhong, "--districts", "500103")
    assert again.exit_code == 0
    assert "is there already" in again.output
    other = run("city", "chongqing", "--home", yuzhong, "--districts", "500103,500112")
    assert other.exit_code == 3
    assert "holds another city already (Chongqing, districts 500103" in other.output


def test_an_export_has_a_row_per_area_sorted_by_code(exported: Path) -> None:
    frame = geopandas.read_parquet(exported)
    assert list(frame.columns) == ["code", "name", "level", "kind", "parent", "geometry"]
    assert len(frame) == 1 + 11 + 80 + 879
    assert list(frame.code) == sorted(frame.code)
    assert frame.geometry.is_valid.all()
    assert set(frame.kind) >= {"district", "street", "residents", "basic", "exclusive"}


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojson", ".fgb", ".shp", ".topojson"])
def test_out_and_in_again_is_the_same_edition(yuzhong: Path, tmp_path: Path, suffix: str) -> None:
    out, datum = tmp_path / f"city{suffix}", ["--crs", "epsg:4490"] if suffix == ".topojson" else []
    done = run("export", "--home", yuzhong, out)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{out}: 971 areas of edition 1, checksum ")
    assert done.stdout.count("\n") == 1
    assert [line.split()[1] for line in done.stderr.splitlines()] == ["reading", *["tracing"] * 4, "writing"]
    done = run("load", out, "--home", tmp_path / "new", *datum)
    assert done.exit_code == 0, done.output
    assert checked(tmp_path / "new", 0)["checksum"] == checked(yuzhong, 0)["checksum"]
    with Home.open(tmp_path / "new").store() as store:
        edition = store.current()
        assert edition is not None
        assert edition.synthetic
        notes = store.proof(edition.number)["notes"]
    assert any("ynthetic" in note for note in notes) == (suffix == ".parquet")  # others have no place for it


def test_topojson_says_which_datum_it_lacks(yuzhong: Path, tmp_path: Path) -> None:
    assert run("export", "--home", yuzhong, tmp_path / "city.topojson").exit_code == 0
    done = run("load", tmp_path / "city.topojson", "--home", tmp_path / "new")
    assert done.exit_code == 2
    assert "name it with --crs, for example --crs EPSG:4490" in done.stderr


def test_grids_without_the_areas_that_they_name_are_noted(yuzhong: Path, tmp_path: Path) -> None:
    assert run("export", "--home", yuzhong, tmp_path / "grids.parquet", "--level", "grid").exit_code == 0
    done = run("load", tmp_path / "grids.parquet", "--home", tmp_path / "new")
    assert done.exit_code == 0, done.output
    note = "no level lies above grid: the parents that its areas name (500103001"
    assert note in done.stderr
    assert any(note in said for said in checked(tmp_path / "new", 0)["notes"])


def test_a_district_that_there_is_none_of_makes_no_home(tmp_path: Path) -> None:
    done = run("city", "chongqing", "--home", tmp_path / "home", "--districts", "999999")
    assert done.exit_code == 2
    assert "999999 is no district of Chongqing" in done.stderr
    assert not (tmp_path / "home").exists()


def move_one_corner(frame: Any) -> tuple[Any, set[str]]:
    """Move one inner corner of one grid by one lattice unit."""
    row = next(i for i in frame.index if frame.level[i] == "grid" and frame.kind[i] == "basic")
    shapes = np.array(frame.geometry.array, dtype=object)
    xy = shapely.get_coordinates(shapes[row])
    corner = xy[3]
    step = np.array([1e-7, 0])
    shapes[row] = shapely.transform(
        shapes[row], lambda xy: np.where((xy == corner).all(axis=1)[:, None], xy + step, xy)
    )
    return frame.set_geometry(geopandas.GeoSeries(shapes, crs=frame.crs)), {frame.code[row]}


def delete_a_filler(frame: Any) -> tuple[Any, set[str]]:
    """Take away a grid that fills a hole of another one."""
    grids = frame[frame.level == "grid"]
    for row, shape in zip(grids.index, grids.geometry, strict=True):
        around = grids[(grids.geometry.touches(shape)) & (grids.index != row)]
        if len(around) == 1:
            return frame.drop(index=row), {around.code.iloc[0]}
    raise AssertionError("this city has no hole with one filler")


def swap_two_codes(frame: Any) -> tuple[Any, set[str]]:
    """Swap the codes of two neighbours in different communities."""
    grids = frame[frame.level == "grid"]
    for row, shape, parent in zip(grids.index, grids.geometry, grids.parent, strict=True):
        around = grids[grids.geometry.touches(shape) & (grids.parent != parent)]
        if len(around):
            other = around.index[0]
            codes = frame.code[row], frame.code[other]
            frame.loc[row, "code"], frame.loc[other, "code"] = codes[1], codes[0]
            return frame, set(codes)
    raise AssertionError("this city has one community")


def swap_two_shapes(frame: Any) -> tuple[Any, set[str]]:
    """Swap codes and parents of two neighbours in different communities: their shapes change places."""
    frame, codes = swap_two_codes(frame)
    for row in frame.index[frame.code.isin(codes)]:
        frame.loc[row, "parent"] = frame.code[row][:-3]
    return frame, codes


@pytest.mark.parametrize("damage", [move_one_corner, delete_a_filler, swap_two_codes, swap_two_shapes])
def test_a_damaged_export_is_refused_or_kept_unproven(
    exported: Path, tmp_path: Path, damage: Callable[[Any], tuple[Any, set[str]]]
) -> None:
    frame, codes = damage(geopandas.read_parquet(exported))
    frame.to_parquet(tmp_path / "bad.parquet", index=False)
    refused = run("load", tmp_path / "bad.parquet", "--home", tmp_path / "home")
    assert refused.exit_code == 1, refused.output
    assert not (tmp_path / "home").exists()
    kept = run("load", tmp_path / "bad.parquet", "--home", tmp_path / "home", "--keep")
    assert kept.exit_code == 0, kept.output
    document = checked(tmp_path / "home", 1)
    assert not document["proven"]
    named = {code for finding in document["findings"] for code in finding["codes"]}
    assert codes <= named
    assert codes & {code for code in named if code in refused.output}
    for finding in document["findings"]:
        assert set(finding) == {"rule", "level", "codes", "lon", "lat", "size_m2", "text"}
        assert 106.4 < finding["lon"] < 106.7
        assert 29.4 < finding["lat"] < 29.7


def test_errors_are_sentences_with_exit_codes(tmp_path: Path) -> None:
    missing = run("check", "--home", tmp_path / "nowhere")
    assert missing.exit_code == 3
    assert missing.stderr.startswith("gridmap: ")
    assert run("load", tmp_path / "none.parquet", "--home", tmp_path / "h").exit_code == 2
    assert not (tmp_path / "h").exists()


def test_every_error_of_ours_has_an_exit_code() -> None:
    own = {each for each in GridmapError.__subclasses__() if each.__module__ == "gridmap.errors"}
    assert own == {kind for kind, _ in EXIT_CODES}


@pytest.mark.parametrize("verb", ["assign", "check", "city", "export", "load", "serve", "status"])
def test_every_verb_explains_itself(verb: str) -> None:
    assert len(run(verb, "--help").output) > 200


def test_check_for_a_person_ends_with_the_verdict(yuzhong: Path) -> None:
    assert run("check", "--home", yuzhong).output.splitlines()[-1].startswith("proven: ")


def test_schemes_are_read_from_pairs() -> None:
    found = read_schemes(["police=/srv/police", "court=postgresql://me@there/court"])
    assert str(found["police"].home) == "/srv/police"
    assert found["court"].url == "postgresql://me@there/court"
    for pair in ("police", "=x", "police=", "governance=x"):
        with pytest.raises(InputError, match="NAME=PLACE"):
            read_schemes([pair])
    with pytest.raises(InputError, match="NAME=PLACE"):
        read_schemes(["police=a", "police=b"])

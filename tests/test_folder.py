"""The folder of tiles: whole files or none, below its limit, shared, and never the reason for a failure."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tiles.folder import LEFT, TileFolder

if TYPE_CHECKING:
    from pathlib import Path

NAME = "7-0123456789/grid,town/bd09/14/3/-5.gzip"


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_what_was_put_comes_back_and_the_file_is_named_by_it(tmp_path: Path) -> None:
    folder = TileFolder(tmp_path / "new" / "folder", 1 << 20)
    assert folder.get(NAME) is None
    for body in (b"tile", b"", bytes(range(256)) * 100):
        folder.put(NAME, body)
        assert folder.get(NAME) == body
        assert TileFolder(tmp_path / "new" / "folder", 1 << 20).get(NAME) == body
    assert files(tmp_path) == [tmp_path / "new" / "folder" / f"{NAME}.tile"]


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-1], lambda _: b"", lambda whole: whole[:20] + b"x" + whole[21:]]
)
def test_a_file_that_is_not_whole_is_not_believed(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    folder = TileFolder(tmp_path, 1 << 20)
    folder.put(NAME, b"a tile with some bytes")
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]  # one of the lambdas above
    assert folder.get(NAME) is None
    assert "damaged" in caplog.text
    assert files(tmp_path) == []
    folder.put(NAME, b"made anew")
    assert folder.get(NAME) == b"made anew"


def test_it_stays_below_its_limit_and_keeps_what_was_read_last(tmp_path: Path) -> None:
    folder = TileFolder(tmp_path, 40_000)
    for number in range(30):
        folder.put(f"7-00/grid/xyz/14/{number}/0.gzip", bytes(1000))
        age = time.time() - 10_000 + 100 * number
        os.utime(tmp_path / f"7-00/grid/xyz/14/{number}/0.gzip.tile", (age, age))
    assert folder.get("7-00/grid/xyz/14/0/0.gzip")  # read: it is the newest now
    strange = tmp_path / "7-00" / "grid" / "notes.txt"
    strange.write_bytes(bytes(100_000))
    for number in range(30, 45):
        folder.put(f"7-00/grid/xyz/14/{number}/0.gzip", bytes(1000))
        held = sum(path.stat().st_size for path in files(tmp_path) if path.suffix == ".tile")
        assert held <= 40_000
    assert strange.exists()
    assert folder.get("7-00/grid/xyz/14/0/0.gzip")
    assert folder.get("7-00/grid/xyz/14/44/0.gzip")
    assert folder.get("7-00/grid/xyz/14/1/0.gzip") is None
    assert not (tmp_path / "7-00/grid/xyz/14/1").exists()
    assert 0.5 < LEFT < 1


def test_a_new_process_counts_what_is_there(tmp_path: Path) -> None:
    for number in range(10):
        TileFolder(tmp_path, 1 << 20).put(f"7-00/grid/xyz/14/{number}/0.br", bytes(1000))
    TileFolder(tmp_path, 5000).put("7-00/grid/xyz/14/10/0.br", bytes(1000))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 5000


def test_part_files_of_killed_writers_are_swept_when_they_are_old(tmp_path: Path) -> None:
    (tmp_path / "7-00").mkdir()
    old, new = (tmp_path / "7-00" / f".part-{digit * 16}" for digit in "ab")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    TileFolder(tmp_path, 1 << 20).put(NAME, b"tile")
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_is_told_once_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = TileFolder(tmp_path / "file", 1 << 20)
    for _ in range(3):
        folder.put(NAME, b"tile")
        assert folder.get(NAME) is None
    assert caplog.text.count("cannot be kept there") == 1


def test_threads_and_processes_may_share_it(tmp_path: Path) -> None:
    folders = [TileFolder(tmp_path, 30_000) for _ in range(3)]

    def use(number: int) -> None:
        folder = folders[number % 3]
        for turn in range(150):
            name = f"7-00/grid/xyz/14/{(turn * 7 + number) % 40}/0.gzip"
            body = name.encode() * 30
            found = folder.get(name)
            assert found in (None, body)
            folder.put(name, body)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(6)))
    assert not [path for path in files(tmp_path) if path.name.startswith(".part")]

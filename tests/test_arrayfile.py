"""Arrays in a mapped file: whole or refused, and refused with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gridmap.arrayfile import Kind, open_arrays, save_arrays, verify_arrays
from gridmap.errors import DamageError

if TYPE_CHECKING:
    from pathlib import Path

KIND = Kind("sample", b"GRIDMAP-SAMPLE", 3, page=64)
ARRAYS: dict[str, Any] = {
    "a": np.arange(10, dtype=np.int64),
    "none": np.empty((0, 4), np.int32),
    "b": np.eye(3, dtype=np.float32),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "folder" / "sample"
    save_arrays(file, KIND, {"what": 7}, ARRAYS)
    return file


@pytest.mark.parametrize("mode", ["r", "c"])
def test_what_was_saved_comes_back_mapped(path: Path, mode: str) -> None:
    facts, arrays = open_arrays(path, KIND, mode)  # type: ignore[arg-type]
    assert facts == {"what": 7}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert np.array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].flags.writeable == (mode == "c")
    verify_arrays(path, KIND)


def test_the_same_arrays_give_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    save_arrays(path, KIND, {"what": 7}, ARRAYS)
    assert path.read_bytes() == before


def test_arrays_begin_at_pages(path: Path) -> None:
    _, arrays = open_arrays(path, KIND)
    assert all(array.ctypes.data % 64 == 0 for array in arrays.values() if array.size)


def test_a_file_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_arrays(tmp_path / "nothing", KIND)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Kind("other", b"OTHER", 3), "is no other of gridmap"),
        (Kind("sample", b"GRIDMAP-SAMPLE", 4), "has format 3"),
    ],
)
def test_another_kind_or_format_is_refused(path: Path, kind: Kind, what: str) -> None:
    with pytest.raises(DamageError, match=what):
        open_arrays(path, kind)


@pytest.mark.parametrize(("place", "what"), [(40, "header is damaged"), (80, "header is damaged")])
def test_a_damaged_header_is_refused(path: Path, place: int, what: str) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamageError, match=what):
        open_arrays(path, KIND)


def test_a_file_cut_short_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(DamageError, match="cut short"):
        open_arrays(path, KIND)


def test_a_flipped_bit_in_an_array_is_found_by_reading_all(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-60] ^= 1  # in the last array, before its padding
    path.write_bytes(data)
    open_arrays(path, KIND)
    with pytest.raises(DamageError, match="b is damaged: remove the file"):
        verify_arrays(path, KIND)

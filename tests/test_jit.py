"""The compiled-loop policy: where kernels are kept, what they are given, how they share the cores."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gridmap.kernels import jit

PACKAGE_ROOT = Path(jit.__file__).parents[2]


@jit.inline_kernel
def _twice(value: float) -> float:
    return value * 2


@jit.kernel
def _fill_twice(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(values.size):
        out[i] = _twice(values[i])


@jit.kernel
def _fill_ratio(values: NDArray[np.float64], out: NDArray[np.float64], divisor: float) -> None:
    for i in range(values.size):
        out[i] = values[i] / divisor


def test_a_kernel_is_compiled_and_without_the_lock() -> None:
    values = np.arange(10.0)
    out = np.empty_like(values)
    _fill_twice(values, out)
    assert np.array_equal(out, values * 2)
    assert _fill_twice.signatures  # type: ignore[attr-defined]  # the compiled function has them, the plain one not
    assert _fill_twice.targetoptions["nogil"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("rows", [0, 1, 10, jit.SMALLEST_SLICE * 3 + 7])
@pytest.mark.parametrize("threads", [None, 1, 2, 5])
def test_every_row_is_done_once(rows: int, threads: int | None) -> None:
    values = np.arange(rows, dtype=np.float64)
    out = np.full(rows, -1.0)
    jit.in_threads(_fill_twice, [values, out], threads)
    assert np.array_equal(out, values * 2)


def test_shared_arguments_go_to_every_slice_and_zero_divides_as_in_numpy() -> None:
    values = np.ones(jit.SMALLEST_SLICE * 2)
    out = np.empty_like(values)
    jit.in_threads(_fill_ratio, [values, out], 2, shared=(0.0,))
    assert np.all(np.isposinf(out))


def test_slices_really_run_on_several_threads() -> None:
    meeting = threading.Barrier(2, timeout=20)
    seen: set[int] = set()

    def note(values: NDArray[np.float64]) -> None:
        if values[0] in (0, jit.SMALLEST_SLICE):
            meeting.wait()  # passes only when two slices are in work at once
        seen.add(threading.get_ident())

    rows = np.arange(jit.SMALLEST_SLICE * 2)
    starts = rows // (rows.size // (2 * jit.SLICES_PER_THREAD)) % 2 * jit.SMALLEST_SLICE
    jit.in_threads(note, [starts], 2)
    assert len(seen) == 2
    assert threading.get_ident() not in seen


def test_few_rows_stay_in_the_calling_thread() -> None:
    seen: list[int] = []
    jit.in_threads(lambda _values: seen.append(threading.get_ident()), [np.zeros(5)], 8)
    assert seen == [threading.get_ident()]


def test_an_exception_of_a_slice_is_seen() -> None:
    def fail(values: NDArray[np.float64]) -> None:
        if values[-1] == jit.SMALLEST_SLICE * 2 - 1:
            raise RuntimeError("the last slice")

    with pytest.raises(RuntimeError, match="the last slice"):
        jit.in_threads(fail, [np.arange(jit.SMALLEST_SLICE * 2)], 2)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        np.arange(6, dtype=np.int16)[::2],
        np.asfortranarray(np.ones((3, 4))),
        np.arange(3.0).astype(">f8"),
        np.frombuffer(np.arange(3.0).tobytes()),
    ],
)
def test_plain_gives_one_signature(values: NDArray[np.float64]) -> None:
    found = jit.plain(values, np.float64)
    assert found.dtype == np.float64
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    assert found.flags.aligned
    assert found.flags.writeable
    assert np.array_equal(found, values)


def test_plain_copies_only_when_it_must() -> None:
    values = np.arange(3.0)
    assert jit.plain(values, np.float64) is values


def test_the_cache_folder_is_the_first_that_can_be_written(tmp_path: Path) -> None:
    named, home = tmp_path / "named", tmp_path / "home"
    assert jit.cache_folder({"NUMBA_CACHE_DIR": str(named), "XDG_CACHE_HOME": str(home)}) == named
    assert jit.cache_folder({"XDG_CACHE_HOME": str(home)}).is_relative_to(home / "gridmap" / "numba")
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is wanted")
    assert jit.cache_folder({"NUMBA_CACHE_DIR": str(blocked), "XDG_CACHE_HOME": str(home)}).is_relative_to(
        home
    )


def test_a_common_temporary_folder_is_used_only_when_it_is_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is wanted")
    monkeypatch.setattr(Path, "home", lambda: blocked)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {"XDG_CACHE_HOME": str(blocked)}
    ours = jit.cache_folder(environment)
    assert ours.parent == tmp_path
    assert jit.cache_folder(environment) == ours
    assert not stat.S_IMODE(ours.stat().st_mode) & 0o077
    ours.chmod(0o777)
    private = jit.cache_folder(environment)
    assert private != ours
    assert not stat.S_IMODE(private.stat().st_mode) & 0o077


def test_kernels_are_kept_and_loaded_again(tmp_path: Path) -> None:
    """A second process finds the machine code of the first, and an unwritable home does no harm."""
    text = (
        "import numpy as np; from gridmap.kernels import datum as d\n"
        "a = np.zeros(1); d.bd_from_gcj(a, a.copy(), a.copy(), a.copy())\n"
        "print(sum(d.bd_from_gcj.stats.cache_hits.values()))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "HOME": "/nonexistent"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", text],
            env=environment,
            cwd=PACKAGE_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert runs == ["0", "1"]
    assert list((tmp_path / "kernels").rglob("*.nbc"))

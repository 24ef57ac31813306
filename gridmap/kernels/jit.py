"""The one door to numba, and the one policy for every compiled loop.

Theory of operation. A *kernel* is a plain function over arrays, compiled on its first call and kept on
disk, so that the second process loads it in milliseconds. The policy, the same for all of them:

- **Compiled without the interpreter lock** (`nogil`): the server's threads go on while a kernel runs.
- **A cache folder known to be writable.** numba's `cache=True` raises while modules are imported when
  neither the package's folder nor the home cache can be written (a container, another user's install), so
  NUMBA_CACHE_DIR is set before numba is imported. A folder that the user named there wins if it can be
  written. The cache holds pickles, so a folder in the common temporary directory is used only when it
  belongs to this user and nobody else may write to it.
- **A changed callee must not survive in a cache.** numba looks only at the file of the outer kernel. The
  default folder therefore carries a digest of all sources in KERNEL_FOLDERS, and a kernel calls only kernels
  that are there.
- **No fast mathematics.** Sums and products stay in the order they are written and are not fused, so a
  kernel made of `+ - * / sqrt` alone gives the same bits on every machine. Division by zero gives inf or
  nan, as in NumPy: a check in each division costs the vector unit.
- **Normalised signatures.** Strided and read-only arrays are new types to numba and cost seconds of
  compiling each: `plain` gives one type. A large memory map is opened with mode "c" (copy on write:
  writable by flag, pages still shared).
- **Threads, never `prange`.** Parallel work is the same serial kernel over slices in a thread pool
  (`in_threads`). numba's own threading layers were refused: `workqueue` aborts the process when two threads
  call at once, OpenMP dies silently in a forked worker, TBB is one more thing to install. The pool lives
  for one call (0.5 ms), so no thread is lost in a fork.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

P = ParamSpec("P")
R = TypeVar("R")
Scalar = TypeVar("Scalar", bound=np.generic)

KERNEL_FOLDERS: Final = ("gridmap/kernels", "tiles/kernels")
"""Where kernels are, seen from the folder that holds the packages."""

SMALLEST_SLICE: Final = 65_536
"""Rows for each thread at least: starting them takes up to 0.5 ms, as long as the fastest kernel here."""

SLICES_PER_THREAD: Final = 4
"""More slices than threads, so that a core that is taken away for a moment does not hold up the end."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """The folder where compiled kernels are kept: the first of the usual places that can be written.

    Order: NUMBA_CACHE_DIR as it stands, XDG_CACHE_HOME, ~/.cache, the common temporary directory when the
    folder there is ours alone, and at last a fresh private folder (then every process compiles for itself).
    """
    for folder, private in _candidates(environment):
        if _can_write(folder) and (not private or _is_ours_alone(folder)):
            return folder
    return Path(tempfile.mkdtemp(prefix="gridmap-numba-"))


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    named = environment.get("NUMBA_CACHE_DIR")
    if named:
        yield Path(named), False
    leaf = Path("gridmap", "numba", _digest_of_sources())
    cache_home = environment.get("XDG_CACHE_HOME")
    if cache_home:
        yield Path(cache_home) / leaf, False
    with contextlib.suppress(RuntimeError):  # a user without a home directory
        yield Path.home() / ".cache" / leaf, False
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"gridmap-numba-{user}", True


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for folder in KERNEL_FOLDERS:
        for source in sorted((Path(__file__).parents[2] / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _is_ours_alone(folder: Path) -> bool:
    if not hasattr(os, "getuid"):
        return True
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o022


os.environ["NUMBA_CACHE_DIR"] = str(cache_folder(os.environ))

import numba  # noqa: E402 (the cache folder must be known first)
from llvmlite import ir  # noqa: E402
from numba.core import cgutils  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

# Somebody may have imported numba before us; then it has already read its environment.
numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]  # type: ignore[attr-defined]  # filled when imported

_POLICY: Final[dict[str, Any]] = {
    "nogil": True,
    "cache": True,
    "boundscheck": False,
    "fastmath": False,
    "error_model": "numpy",
}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop over arrays under the house policy; it is called like the function it was."""
    return cast("Callable[P, R]", numba.njit(**_POLICY)(function))


def declared_kernel(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a loop for one signature, at import or from the cache, so that no request ever waits for it.

    Arguments of other types are refused instead of compiled for. An array type that is declared read-only
    (`Array(float64, 1, "C", readonly=True)`) takes writable arrays too.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        return cast("Callable[P, R]", numba.njit(signature, **_POLICY)(function))

    return declare


def inline_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a helper into every kernel that calls it: a call per point that is not is ten times slower."""
    return cast("Callable[P, R]", numba.njit(inline="always", **_POLICY)(function))


def plain(values: ArrayLike, dtype: type[Scalar]) -> NDArray[Scalar]:
    """The same values as one contiguous, aligned, writable array of `dtype`; copied only if need be."""
    return np.require(np.asarray(values), dtype=dtype, requirements=["C", "A", "W"])


def usable_cores() -> int:
    """How many cores this process may use: a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(
    function: Callable[..., object],
    arrays: Sequence[NDArray[Any]],
    threads: int | None = None,
    shared: Sequence[object] = (),
    smallest: int = SMALLEST_SLICE,
) -> None:
    """Run a serial kernel over equal slices of some arrays, on several threads at once.

    `function(*slices, *shared)` sees the same rows of every array of `arrays` (all of one length), and
    `shared` as it is. Rows must not depend on each other. `threads` is the number of usable cores when
    None; fewer than two times `smallest` rows run in the calling thread. An exception of a slice is raised
    here after the others have ended.
    """
    rows = len(arrays[0])
    threads = min(threads or usable_cores(), max(1, rows // smallest))
    if threads == 1:
        function(*arrays, *shared)
        return
    bounds = np.linspace(0, rows, threads * SLICES_PER_THREAD + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(threads) as pool:
        tasks = [
            pool.submit(function, *(array[start:stop] for array in arrays), *shared)
            for start, stop in itertools.pairwise(bounds)
        ]
    for task in tasks:
        task.result()


_insert: Final[Any] = cgutils.get_or_insert_function
_raw_memcpy: Final[Any] = cgutils.raw_memcpy
_carray: Final[Any] = numba.carray  # type: ignore[attr-defined]  # numba exports it without saying so


@intrinsic
def _pointer(_context: Any, address: Any) -> Any:
    """Turn an address into a pointer."""

    def generate(_cg: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return numba.types.voidptr(address), generate


@inline_kernel
def array_at(address: int, length: int, dtype: type[Scalar]) -> NDArray[Scalar]:
    """In a kernel: the array of some length that begins at an address. Whoever gives it keeps it alive."""
    return _carray(_pointer(address), length, dtype)


@intrinsic
def prefetch(_context: Any, address: Any) -> Any:
    """In a kernel: ask for the cache line at an address, to be read soon. Any address is harmless."""

    def generate(_cg: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        fetch = _insert(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [builder.inttoptr(arguments[0], pointer), word(0), word(3), word(1)])

    return numba.types.void(address), generate


@intrinsic
def copy_bytes(_context: Any, there: Any, here: Any, count: Any) -> Any:
    """In a kernel: copy bytes from one address to another; they must not overlap."""

    def generate(cg: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(address, pointer) for address in arguments[:2])
        _raw_memcpy(builder, target, source, arguments[2], 1)
        return cg.get_dummy_value()

    return numba.types.void(there, here, count), generate

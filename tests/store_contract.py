"""What every store must keep to: stores under test, builders, the oracle of the register, racers, killers.

The tests themselves are in `test_store.py`; they run once for each entry of STORES.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import tempfile
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import event

from gridmap.errors import ConflictError, GridmapError
from gridmap.model import Area
from gridmap.store.blobs import FolderBlobs
from gridmap.store.database import sqlite_url
from gridmap.store.editions import EditionDraft
from gridmap.store.home import Home
from gridmap.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.queues import SimpleQueue
    from multiprocessing.synchronize import Barrier

MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)


class StoreSpec(Protocol):
    """A store that any process can open, by values alone."""

    def open(self) -> Store: ...

    def copy(self, name: str) -> StoreSpec: ...


@dataclass(frozen=True)
class SqliteSpec:
    """A SQLite file and a folder of blobs."""

    folder: str

    def open(self) -> Store:
        root = Path(self.folder)
        root.mkdir(exist_ok=True)
        return Store.open(sqlite_url(root / "city.sqlite"), FolderBlobs(root / "blobs"))

    def copy(self, name: str) -> SqliteSpec:
        """The same store a second time; only while nobody writes."""
        target = f"{self.folder}-{name}"
        shutil.copytree(self.folder, target)
        return SqliteSpec(target)


STORES: dict[str, Callable[[Path], StoreSpec]] = {"sqlite": lambda folder: SqliteSpec(str(folder / "store"))}
"""Every kind of store, by name: each makes a new empty one with the help of a folder of its own."""


def area(code: str, name: str = "", parent: str | None = None) -> Area:
    return Area(code, name or f"网格{code}", "grid", "basic", parent)


def draft(base: int | None, areas: Sequence[Area] = (), body: bytes = b"body", **others: Any) -> EditionDraft:
    given: dict[str, Any] = {
        "checksum": f"sum-{base}",
        "proven": True,
        "proof": {"rules": ["closed"], "名": 1.5},
        "synthetic": True,
        "author": "planner",
        "reason": "a story",
        "effective_at": MAY_DAY,
    }
    return EditionDraft(base=base, areas=areas, body=body, **(given | others))


def replay(editions: Sequence[Sequence[Area]]) -> set[tuple[Area, int, int | None]]:
    """The register as it must be, slowly: each area with the runs of editions that hold it (last or None)."""
    rows = set()
    for found in {area for areas in editions for area in areas}:
        holding = [number for number, areas in enumerate(editions, start=1) if found in areas]
        for number in holding:
            if number - 1 in holding:
                continue
            last = number
            while last + 1 in holding:
                last += 1
            rows.add((found, number, None if last == len(editions) else last))
    return rows


def race(spec: StoreSpec, author: str, start: Barrier, results: SimpleQueue[str]) -> None:
    """Publish on base 1 at the same moment as the others, in a process of its own; tell how it ended."""
    try:
        with spec.open() as store:
            start.wait()
            store.publish(draft(1, [area(author)], author=author, body=author.encode()))
        results.put(f"won {author}")
    except ConflictError:
        results.put("lost")
    except Exception as error:
        results.put(f"failed {error!r}")


def open_at_once(spec: StoreSpec, start: Barrier, results: SimpleQueue[str]) -> None:
    """Open a store that does not exist yet at the same moment as the others; tell how it ended."""
    try:
        start.wait()
        with spec.open() as store:
            results.put(f"open {store.current()}")
    except Exception as error:
        results.put(f"failed {error!r}")


def read_without_rights(root: str, results: SimpleQueue[list[str]]) -> None:
    """Read a home as a user who may not write it, in a process of its own; tell what was seen."""
    with tempfile.TemporaryDirectory() as other:
        _see(Home.create(f"{other}/home"))  # all is imported now: somebody else may not see this Python
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)  # root may write anything, nobody may not
        try:
            results.put(_see(Home.open(root)))
        except GridmapError as error:
            results.put([str(error)])
        except BaseException:
            results.put([traceback.format_exc()])
        os._exit(0)  # nobody may not tidy up what root has made


def _see(home: Home) -> list[str]:
    import pyarrow as pa  # slow to import, and the other workers do without

    with home.store() as store:
        if not home.read_only:
            store.publish(draft(None))
            store.put_columns("households", pa.table({"code": []}), synthetic=True)
        current = store.current()
        assert current is not None
        sizes = (
            current.number,
            len(store.areas(1)),
            len(store.body(1)),
            store.columns("households").num_rows,
        )
        store.verify()
        seen = [f"read only: {home.read_only}", " ".join(map(str, sizes))]
        try:
            store.publish(draft(1))
        except GridmapError as error:
            seen.append(str(error))
        return seen


def kill_at_steps(specs: Sequence[StoreSpec], wanted: EditionDraft) -> None:
    """Publish on each store in a process that kills itself before its step 1, 2, 3 ...

    A step is a sync, a rename, a statement or a commit. One process forks them all: a start of Python costs
    more than a publish.
    """
    for point, spec in enumerate(specs, start=1):
        _in_fork(_publish_armed, spec, wanted, point)


def kill_at_times(specs: Sequence[StoreSpec], wanted: EditionDraft, longest_s: float, seed: int) -> None:
    """Publish on each store in a process that an alarm ends at a random moment, also inside the database."""
    moments = random.Random(seed)
    for spec in specs:
        _in_fork(_publish_timed, spec, wanted, moments.uniform(0.001, longest_s))


def _in_fork(work: Callable[..., None], *arguments: object) -> None:
    child = os.fork()
    if not child:
        work(*arguments)
        os._exit(0)
    os.waitpid(child, 0)


def _publish_armed(spec: StoreSpec, wanted: EditionDraft, point: int) -> None:
    steps = itertools.count(1)

    def step(*_ignored: object) -> None:
        if next(steps) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    store = spec.open()
    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    for name in ("fsync", "replace"):
        setattr(os, name, _stepping(getattr(os, name), step))
    store.publish(wanted)
    store.close()


def _stepping(call: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def stepped(*arguments: Any) -> Any:
        step()
        return call(*arguments)

    return stepped


def _publish_timed(spec: StoreSpec, wanted: EditionDraft, after_s: float) -> None:
    store = spec.open()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    store.publish(wanted)
    store.close()

"""What every store must keep to: stores under test, builders, the oracle of the register, racers, killers.

The tests themselves are in `test_store.py`; they run once for each entry of STORES.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cluster
from sqlalchemy import event

from gridmap.errors import ConflictError, GridmapError
from gridmap.model import Area
from gridmap.store import schema
from gridmap.store.address import open_store
from gridmap.store.blobs import FolderBlobs
from gridmap.store.editions import EditionDraft
from gridmap.store.home import Home
from gridmap.store.projection import SRID
from gridmap.store.sqlite import sqlite_url
from gridmap.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from multiprocessing.queues import SimpleQueue
    from multiprocessing.synchronize import Barrier, Event

MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)


class StoreSpec(Protocol):
    """A store that any process can open, by values alone."""

    def open(self) -> Store: ...

    def copy(self, name: str) -> StoreSpec:
        """The same store a second time; only while nobody has it open."""

    def spoil(self, key: str) -> None:
        """Flip a bit of a blob where it is kept."""

    def lose(self, key: str) -> None:
        """Remove a blob from where it is kept."""

    def full_disk(self) -> AbstractContextManager[None]:
        """Inside the `with` block, the disk has no room for the rows of many areas."""

    def remove(self) -> None:
        """Remove the store and its copies."""


@dataclass(frozen=True)
class SqliteSpec:
    """A SQLite file and a folder of blobs."""

    folder: str

    def open(self) -> Store:
        root = Path(self.folder)
        root.mkdir(exist_ok=True)
        return Store.open(sqlite_url(root / "city.sqlite"), FolderBlobs(root / "blobs"))

    def copy(self, name: str) -> SqliteSpec:
        target = f"{self.folder}-{name}"
        shutil.copytree(self.folder, target)
        return SqliteSpec(target)

    def spoil(self, key: str) -> None:
        whole = self._blob(key).read_bytes()
        self._blob(key).write_bytes(whole[:9] + bytes([whole[9] ^ 1]) + whole[10:])

    def lose(self, key: str) -> None:
        self._blob(key).unlink()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def remove(self) -> None:
        """Its folder goes with the folder of the test."""

    def _blob(self, key: str) -> Path:
        return Path(self.folder, "blobs", key[:2], key)


@dataclass(frozen=True)
class PostgresSpec:
    """A database of the throw-away cluster, with its blobs; `folder` is the cache of its files."""

    url: str
    folder: str

    @classmethod
    def make(cls, template: str, folder: str) -> PostgresSpec:
        return cls(cluster.running().url(cluster.make_database(template)), folder)

    @property
    def database(self) -> str:
        return self.url.rpartition("/")[2]

    def open(self) -> Store:
        return open_store(self.url, cache=Path(self.folder))

    def copy(self, name: str) -> PostgresSpec:
        return PostgresSpec.make(self.database, f"{self.folder}-{name}")

    def spoil(self, key: str) -> None:
        flip = "UPDATE blob_chunks SET data = set_byte(data, 9, get_byte(data, 9) # 1)"
        self._run(f"{flip} WHERE key = '{key}' AND place = 0")

    def lose(self, key: str) -> None:
        self._run(*(f"DELETE FROM {table} WHERE key = '{key}'" for table in ("blob_chunks", "blobs")))

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """The server itself must live, so it only says what it says then."""
        said = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';"
        self._run(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {said} END $$",
            "CREATE TRIGGER refuse AFTER INSERT ON areas EXECUTE FUNCTION refuse()",
        )
        yield
        self._run("DROP FUNCTION refuse CASCADE")

    def remove(self) -> None:
        cluster.drop_database(self.database)

    def _run(self, *statements: str) -> None:
        cluster.running().run(*statements, database=self.database)
        shutil.rmtree(self.folder, ignore_errors=True)


def make_sqlite(folder: Path, *, empty: bool = False) -> StoreSpec:  # noqa: ARG001 # a file is made in no time
    """A new store in a file that does not exist yet."""
    return SqliteSpec(str(folder / "store"))


def make_postgres(folder: Path, *, empty: bool = False) -> StoreSpec:
    """A new store in a database of its own; an empty one has no tables yet."""
    cluster.need()
    return PostgresSpec.make("template0" if empty else _template(), str(folder / "cache"))


@cache
def _template() -> str:
    """A database with the tables of a store: copying it takes a third of the time of making them."""
    spec = PostgresSpec.make("template0", tempfile.gettempdir())
    spec.open().close()
    # Half of a database with PostGIS are 8,500 reference systems, of which we use one.
    others = f"DELETE FROM spatial_ref_sys WHERE srid <> {SRID}"
    cluster.running().run(others, "VACUUM FULL", database=spec.database)
    return spec.database


STORES: dict[str, Callable[..., StoreSpec]] = {"sqlite": make_sqlite, "postgresql": make_postgres}
"""Every kind of store, by name: each makes a new one without editions, with the help of a folder."""


@contextmanager
def new_store(kind: str, folder: Path, *, empty: bool = False) -> Iterator[StoreSpec]:
    """A new store of a kind, removed in the end."""
    spec = STORES[kind](folder, empty=empty)
    try:
        yield spec
    finally:
        spec.remove()


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


def _import_late_ones() -> None:
    """Import what a publish imports when it needs it: forks of this process would each pay for it again."""
    for name in ("psycopg", "gridmap.coverage.canonical", "gridmap.coverage.rings"):
        importlib.import_module(name)


def race_of(count: int, spec: StoreSpec, results: SimpleQueue[list[str]]) -> None:
    """Let so many processes race, and tell how they ended; forks of this one, which has imported all."""
    _import_late_ones()
    fork = multiprocessing.get_context("fork")
    start, told = fork.Barrier(count, timeout=60), fork.SimpleQueue()
    racers = [fork.Process(target=race, args=(spec, f"p{number}", start, told)) for number in range(count)]
    for racer in racers:
        racer.start()
    results.put(sorted(told.get() for _ in racers))
    for racer in racers:
        racer.join()


def publish_after(spec: StoreSpec, wanted: EditionDraft, go: Event) -> None:
    """Publish in a process of its own, when told to."""
    with spec.open() as store:
        go.wait(60)
        store.publish(wanted)


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
    _import_late_ones()
    for point, spec in enumerate(specs, start=1):
        _in_fork(_publish_armed, spec, wanted, point)


def kill_at_times(specs: Sequence[StoreSpec], wanted: EditionDraft, longest_s: float, seed: int) -> None:
    """Publish on each store in a process that an alarm ends at a random moment, also inside the database."""
    _import_late_ones()
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


SINCE_0002 = (
    *(schema.numbers, schema.deliveries, schema.hooks, schema.attachments, schema.device_states),
    *(schema.log_archives, schema.archived_keys, schema.log, schema.personal),
    *(schema.situations, schema.orders, schema.checkpoints, schema.secrets_),
)
"""The tables that came after the second step, none before another that needs it."""

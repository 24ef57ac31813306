"""Damage to the file that holds the log: flipped bytes, torn pages, cut ends. It must be told, never served.

A home gets some thousand events of all lengths; each case copies its database, damages it, opens it as the
server does, and asks for everything: page by page as `GET /events` does, and event by event by its key. Each
answer must be what was there before the damage, or an error that says "damaged". In a row of the log, in a
page of its tree and in a file that was cut, damage must be found whenever the damaged part is read; elsewhere
(free space, indexes of other tables) it may be of no consequence. What no reader can see is a log whose end
is gone whole, with everything that knew of it: that is the disk of yesterday, which only a backup knows.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from torture_events import BreachError, Row, make_event, numbered, read_log
from torture_load import Server

from gridmap.affairs import KEEPER, Affairs
from gridmap.errors import DamageError, HomeError
from gridmap.events.document import decode
from gridmap.store.home import Home
from gridmap.store.log import EVENT, Fact
from gridmap.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.store.logbook import LogBook

PAGE: Final = 4096
EVENTS: Final = 2_500
REPORTED: Final = "reported by whoever reads it"
BY_CHECK: Final = "reported by gridmap check"
UNTOUCHED: Final = "of no consequence"
GOOD: Final = (REPORTED, BY_CHECK, UNTOUCHED)
PATIENCE_S: Final = 60.0
SERVED: Final = 6
"""Cases that are also asked of a server, in a process of its own."""


def fill(home: Path, count: int, seed: int) -> list[Row]:
    """Put events into a home and fold them into its database file; gives the rows."""
    chance = random.Random(seed)
    twin = Twin.open(home)
    with Home.open(home).store() as store:
        affairs = Affairs(twin, store)
        for begin in range(0, count, 100):
            events = [make_event(f"d-{begin + place}", chance, []) for place in range(100)]
            affairs.intake.take([decode(each.line.encode(), affairs.secret) for each in events])
        until = time.monotonic() + PATIENCE_S
        while store.log.looking(lambda desk: desk.checkpoint(KEEPER)) < store.log.head():
            if time.monotonic() > until:
                raise BreachError("the keeper does not catch up")
            time.sleep(0.02)
        affairs.close()
    twin.close()
    with closing(sqlite3.connect(home / "gridmap.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return read_log(home / "gridmap.sqlite")


def change(database: Path, statement: str) -> None:
    """Change a database behind everybody's back."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)
        connection.commit()


@dataclass(frozen=True)
class Case:
    """One way to damage a file; `certain` when it hits what every reader of the log must read.

    `by_check`: it may be that only a check of the whole database finds it, as when an index has lost a key.
    """

    name: str
    certain: bool
    data: bytes
    by_check: bool = False


class Damager:
    """Damages one file again and again."""

    def __init__(self, data: bytes, rows: list[Row], pages: dict[str, list[int]], seed: int) -> None:
        self._data = data
        self._rows = rows
        self._pages = pages
        self._chance = random.Random(seed)

    def case(self, number: int) -> Case:
        """One case; they come in turn."""
        ways: tuple[Callable[[], Case], ...] = (
            lambda: self._in_row("body"),
            lambda: self._in_row("key"),
            lambda: self._in_row("checksum"),
            lambda: self._torn("the log's tree", "log"),
            lambda: self._torn("the index of keys", "keys"),
            self._anywhere,
            self._cut,
        )
        return ways[number % len(ways)]()

    def _in_row(self, part: str) -> Case:
        """Flip bits of a byte of a row: of its key, its body, or the checksum behind it."""
        while True:
            row = self._chance.choice(self._rows)
            text = (row.kind + row.key + row.body[:200]).encode()
            place = self._data.find(text)
            while place >= 0 and place // PAGE not in self._pages["log"]:
                place = self._data.find(text, place + 1)
            if place < 0:
                continue
            if part == "key":
                at = place + len(row.kind) + self._chance.randrange(len(row.key.encode()))
            elif part == "body":
                at = place + len((row.kind + row.key).encode())
                at += self._chance.randrange(len(row.body[:200].encode()))
            else:
                at = self._data.find(row.checksum.to_bytes(8, "big"), place)
                if at < 0:
                    continue
                at += self._chance.randrange(8)
            return Case(f"a byte of a row's {part}", True, self._flipped(at))

    def _flipped(self, at: int) -> bytes:
        data = bytearray(self._data)
        data[at] ^= self._chance.randrange(1, 256)
        return bytes(data)

    def _torn(self, where: str, sort: str) -> Case:
        """Half a page is zeros, noise, or half of another page of the same tree."""
        page = self._chance.choice(self._pages[sort])
        half = self._chance.choice((0, PAGE // 2))
        begin = page * PAGE + half
        other = self._chance.choice(self._pages[sort]) * PAGE + half
        pieces = {
            "zeros": bytes(PAGE // 2),
            "noise": self._chance.randbytes(PAGE // 2),
            "another page": self._data[other : other + PAGE // 2],
        }
        name = self._chance.choice(list(pieces))
        data = self._data[:begin] + pieces[name] + self._data[begin + PAGE // 2 :]
        certain = sort == "log" and data != self._data
        return Case(f"half a page of {where} is {name}", certain, data, by_check=not certain)

    def _anywhere(self) -> Case:
        data = self._flipped(self._chance.randrange(len(self._data)))
        return Case("a byte anywhere", False, data, by_check=True)

    def _cut(self) -> Case:
        size = self._chance.randrange(len(self._data))
        if self._chance.random() < 0.5:
            size -= size % PAGE
        return Case("the file was cut", size < max(self._pages["log"]) * PAGE, self._data[:size])


def pages_of(database: Path) -> dict[str, list[int]]:
    """The pages, counted from 0, of the log's tree and of the index of its keys."""
    query = "SELECT pageno - 1 FROM dbstat WHERE name = ?"
    index = "SELECT name FROM sqlite_master WHERE tbl_name = 'log' AND type = 'index'"
    with closing(sqlite3.connect(database)) as connection:
        keys = connection.execute(index).fetchone()[0]
        return {
            sort: [page for (page,) in connection.execute(query, (name,))]
            for sort, name in (("log", "log"), ("keys", keys))
        }


def ask_all(home: Path, rows: list[Row], chance: random.Random) -> None:
    """Ask for everything as the server does. BreachError: an answer is not what was there."""
    with Home.open(home).store() as store:
        book = store.log
        _ask_pages(book, rows)
        for row in chance.sample(rows, 40):
            _ask_one(book, row)
        written = book.add([Fact(EVENT, "fresh/1", "{}")])[0]
        if (written.seq, written.before) != (len(rows) + 1, None):
            raise BreachError(f"a new event became row {written.seq} behind {len(rows)} rows")


def _ask_pages(book: LogBook, rows: list[Row]) -> None:
    after = 0
    while entries := book.read(after, 1000):
        for entry in entries:
            if entry.seq > len(rows) or tuple(entry) != rows[entry.seq - 1][:4]:
                raise BreachError(f"row {entry.seq} is served with a body that nobody wrote")
        after = entries[-1].seq
    if after != len(rows):
        raise BreachError(f"the log ends with row {after}, there were {len(rows)}")


def _ask_one(book: LogBook, row: Row) -> None:
    found = book.find(row.kind, [row.key])
    if row.key not in found:
        raise BreachError(f"row {row.seq} is not found by its key any more")
    if tuple(found[row.key]) != row[:4]:
        raise BreachError(f"row {row.seq} is found with a body that nobody wrote")
    written = book.add([Fact(row.kind, row.key, row.body)])[0]
    if written.seq != row.seq:
        raise BreachError(f"row {row.seq} was written once more, as row {written.seq}")


def try_damage(
    folder: Path,
    cases: int,
    seed: int,
    make_home: Callable[[Path], object],
    served: int = SERVED,
    events: int = EVENTS,
) -> str:
    """Try cases of damage; gives a table. BreachError: one was served, or passed over in silence."""
    home = folder / "damaged"
    make_home(home)
    rows = fill(home, events, seed)
    database = home / "gridmap.sqlite"
    damager = Damager(database.read_bytes(), rows, pages_of(database), seed)
    chance = random.Random(seed)
    tally: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for number in range(cases):
        case = damager.case(number)
        for end in ("-wal", "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        database.write_bytes(case.data)
        outcome = _outcome(home, rows, chance)
        if outcome == UNTOUCHED and case.certain:
            outcome = "passed over in silence"
        if outcome not in GOOD and case.by_check and _check_tells(home):
            outcome = BY_CHECK
        if outcome not in GOOD:
            (folder / f"damaged-{number}.sqlite").write_bytes(case.data)
            wrong.append(f"case {number}, {case.name}: {outcome}")
        tally[case.name, outcome if outcome in GOOD else "WRONG"] += 1
    for number in range(served):
        case = damager.case(number * 3)
        for end in ("-wal", "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        database.write_bytes(case.data)
        outcome = _served(home, rows, folder / "stderr.txt")
        tally[f"served: {case.name}", outcome] += 1
        if outcome.startswith("WRONG"):
            wrong.append(f"a server, {case.name}: {outcome}")
    if wrong:
        raise BreachError("\n".join(wrong))
    lines = [f"{count:6}  {name}: {outcome}" for (name, outcome), count in sorted(tally.items())]
    return "\n".join([f"\n{cases} damaged files of {len(rows)} rows", *lines])


def _check_tells(home: Path) -> bool:
    """Whether `gridmap check` says that the database is damaged."""
    with Home.open(home).store() as store:
        try:
            store.verify()
        except DamageError:
            return True
    return False


def _outcome(home: Path, rows: list[Row], chance: random.Random) -> str:
    try:
        ask_all(home, rows, chance)
    except BreachError as breach:
        return str(breach)
    except (DamageError, HomeError):
        return REPORTED
    except Exception as error:  # an error that nobody has put in words is what we look for
        return f"{type(error).__name__}: {error}"
    return UNTOUCHED


def _served(home: Path, rows: list[Row], errors: Path) -> str:
    """What a server makes of a damaged home: it does not start (exit code 5), or answers 500 "damaged"."""
    said = errors.with_name("served.txt")
    said.write_bytes(b"")
    server = Server(home, said, {})
    try:
        server.wait()
    except BreachError:
        code = server.process.wait(10)
        words = said.read_text().strip().split("\n")[-1]
        return (
            "exit code 5"
            if code == 5 and words.startswith("gridmap:")
            else f"WRONG: exit code {code}, {words}"
        )
    else:
        return _answers(server, rows)
    finally:
        server.gone()


def _answers(server: Server, rows: list[Row]) -> str:
    after = 0
    while after < len(rows):
        status, page = server.ask(f"/events?since={after}&limit=1000")
        said: dict[str, Any] = json.loads(page)
        if status == 500 and said["type"].endswith("damaged"):
            return "500 damaged"
        if status != 200 or said["next"] <= after:
            return f"WRONG: {status} {page[:200]!r} behind row {after}"
        between = rows[after : said["next"]]
        expected = ",".join(numbered(row.seq, row.body) for row in between if row.kind == EVENT)
        if not page.decode().startswith(f'{{"events":[{expected}]'):
            return f"WRONG: other events behind row {after}"
        after = said["next"]
    return "all as before"

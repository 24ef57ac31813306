"""What the torture sends, what it was told about it, and what must then be there.

Everything is compared with what was sent, as text, and replayed by plain dictionaries; the store's own code
is used nowhere but for the formula of a row's checksum.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from gridmap.orders.order import entry_from_json, order_from_json
from gridmap.orders.order import replay as replay_order
from gridmap.store.log import row_checksum

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from pathlib import Path

SOURCES = ("12345", "outage/feed 1%", "巡查")
CLASSES = ("城市管理", "民生服务", "应急", "公共安全")
BEGIN = datetime.fromisoformat("2026-05-01T00:00:00+08:00")
ADDED = ("at", "code", "unplaced", "received_at", "edition", "digest")
"""What the intake adds behind what was said, `occurred_at` and the reporter's hash aside."""


class BreachError(Exception):
    """A promise was broken; the message says which and where."""


@dataclass(slots=True)
class Sent:
    """One event: the line that goes out, what of it must stand in the log, and what was answered."""

    key: str
    line: str
    kept: str
    """The canonical JSON of what was said, without the reporter and the last brace."""
    person: bool
    tried: bool = False
    """It was sent at least once, so it may be in the log."""
    acknowledged: bool = False
    told: str | None = None
    """The event as a 201 gave it: it must be there for ever, byte for byte."""


@dataclass(slots=True)
class Ledger:
    """Everything that was ever sent to a home."""

    events: dict[str, Sent] = field(default_factory=dict)

    def unanswered(self) -> list[Sent]:
        """Events that were sent and about which nothing was heard."""
        return [each for each in self.events.values() if each.tried and not each.acknowledged]


def key_of(source: str, name: str) -> str:
    """Source and id as the log's key."""
    return f"{source.replace('%', '%25').replace('/', '%2F')}/{name}"


def plain(said: Any) -> str:
    """JSON as the log writes it."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def make_event(name: str, chance: random.Random, known: list[tuple[str, str]]) -> Sent:
    """A made-up event; `known` are sources and ids of events that are in the log."""
    source = chance.choice(SOURCES)
    said: dict[str, Any] = {"id": name, "source": source, "class": chance.choice(CLASSES)}
    if chance.random() < 0.5:
        said["urgency"] = chance.choice(("red", "orange", "yellow", "blue"))
    if (op := chance.choice(("open", "open", "update", "close"))) != "open":
        said["op"] = op
    if chance.random() < 0.6:
        said["subject"] = f"thing {chance.randrange(40)}"
    elif known and chance.random() < 0.1:
        earlier = chance.choice(known)
        said["source"], said["corrects"] = earlier
    said["title"] = "井盖破损 " + str(chance.randrange(1000))
    if chance.random() < 0.3:  # some rows are longer than a page
        said["text"] = "坏了 broken\n" * chance.choice((1, 40, 400))
    if chance.random() < 0.7:
        said |= {
            "lon": round(106.5 + chance.random() * 0.01, 7),
            "lat": round(29.5 + chance.random() * 0.01, 7),
        }
        said["crs"] = "wgs84"
    if chance.random() < 0.8:
        said["occurred_at"] = (BEGIN + timedelta(seconds=chance.randrange(86_400))).isoformat()
    if chance.random() < 0.3:
        said["fields"] = {"count": chance.randrange(9), "状态": "派工"}
    kept = plain(said)[:-1]
    person = chance.random() < 0.2
    if person:
        said["reporter"] = {"name": f"张{name}", "phone": "13800000000"}
    return Sent(key_of(said["source"], name), plain(said), kept, person)


class Row(NamedTuple):
    """A row of the log as SQLite gives it."""

    seq: int
    kind: str
    key: str
    body: str
    checksum: int


def read_log(database: Path) -> list[Row]:
    """Every row of the log, straight from the file; BreachError where it has a gap or a wrong checksum."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        broken = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if broken != "ok":
            raise BreachError(f"SQLite says of its file: {broken}")
        rows = [
            Row(*each)
            for each in connection.execute("SELECT seq, kind, key, body, checksum FROM log ORDER BY seq")
        ]
    for expected, row in enumerate(rows, 1):
        if row.seq != expected:
            raise BreachError(f"row {expected} of the log is missing, row {row.seq} follows")
        if row_checksum(*row[:4]) != row.checksum:
            raise BreachError(f"row {row.seq} of the log has a wrong checksum")
    return rows


def check_log(rows: Iterable[Row], ledger: Ledger) -> None:
    """Every acknowledged event is there once and as it was sent; whatever else is there was sent, too."""
    there: dict[str, Row] = {}
    for row in rows:
        if row.kind != "event":
            continue
        if row.key in there:
            raise BreachError(f"{row.key} stands twice, in rows {there[row.key].seq} and {row.seq}")
        there[row.key] = row
        sent = ledger.events.get(row.key)
        if sent is None or not sent.tried:
            raise BreachError(f"row {row.seq} holds {row.key}, which nobody sent")
        if not row.body.startswith(sent.kept + ","):
            raise BreachError(f"row {row.seq} is not what was sent:\n{row.body}\n{sent.line}")
        added = set(json.loads(row.body)) - set(json.loads(sent.kept + "}"))
        if not added <= {*ADDED, "occurred_at", "reporter"}:
            raise BreachError(f"row {row.seq} says what nobody said: {sorted(added)}")
        if sent.told is not None and sent.told != numbered(row.seq, row.body):
            raise BreachError(f"row {row.seq} is not what was acknowledged:\n{row.body}\n{sent.told}")
    lost = [each for each in ledger.events.values() if each.acknowledged and each.key not in there]
    if lost:
        raise BreachError(f"{len(lost)} acknowledged events are lost, such as {lost[0].key}")


def numbered(seq: int, body: str) -> str:
    """An event as it is served."""
    return f'{{"seq":{seq},{body[1:]}'


def check_people(database: Path, ledger: Ledger, rows: Iterable[Row]) -> None:
    """Names are there of each event in the log that came with one, and of no other."""
    expected = {row.key for row in rows if row.kind == "event" and ledger.events[row.key].person}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = {key for (key,) in connection.execute("SELECT event FROM personal")}
    if found != expected:
        raise BreachError(f"names are kept of {len(found)} events, of {len(expected)} they were given")


def check_served(page: bytes, rows: dict[int, Row]) -> tuple[int, int]:
    """A page of GET /events holds exactly the rows of the log; gives how many, and where the next begins."""
    said = json.loads(page)
    if strange := [each["seq"] for each in said["events"] if each["seq"] not in rows]:
        raise BreachError(f"rows {strange[:5]} are served, which were not in the log a moment ago")
    texts = [numbered(each["seq"], rows[each["seq"]].body) for each in said["events"]]
    expected = f'{{"events":[{",".join(texts)}],"since":{said["since"]},"next":{said["next"]}}}'
    if page.decode() != expected:
        raise BreachError(f"what is served behind row {said['since']} is not what stands in the log")
    end = min(said["next"], max(rows))  # meanwhile the clocks of orders may have written notices
    wanted = [seq for seq in range(said["since"] + 1, end + 1) if rows[seq].kind == "event"]
    if [each["seq"] for each in said["events"]] != wanted:
        raise BreachError(f"a row is missing of what is served behind row {said['since']}")
    return len(texts), said["next"]


def replay(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """What the events add up to, by thing: the slow, obvious way."""
    things: dict[str, dict[str, Any]] = {}
    thing_of: dict[str, str] = {}
    for row in rows:
        if row.kind != "event":
            continue
        said = json.loads(row.body)
        thing = key_of(said["source"], said.get("subject") or said["id"])
        own = thing
        if "corrects" in said:
            thing = thing_of.get(key_of(said["source"], said["corrects"]), thing)
        thing_of[row.key] = own if "corrects" not in said else thing
        _apply(things, thing, row.seq, said)
    return things


def _apply(things: dict[str, dict[str, Any]], thing: str, seq: int, said: dict[str, Any]) -> None:
    op, when = said.get("op", "update" if "corrects" in said else "open"), said["occurred_at"]
    state = things.get(thing)
    if state is None:
        state = {"events": 0, "late": 0, "first": seq, "urgency": "blue", "is_open": False, "title": ""}
        things[thing] = state
        late = False
    else:
        late = datetime.fromisoformat(when) < datetime.fromisoformat(state["occurred_at"])
    state["events"] += 1
    state["last"] = seq
    if late:
        state["late"] += 1
        return
    goes_on = op == "open" or (op == "update" and (state["is_open"] or state["events"] == 1))
    if goes_on and not state["is_open"]:
        state["opened_at"] = when
    state.setdefault("opened_at", when)
    state |= {"is_open": goes_on, "occurred_at": when, "class": said["class"]}
    state |= {name: said[name] for name in ("urgency", "title") if said.get(name)}
    if said.get("unplaced") != "no place was given" or state["events"] == 1:
        state |= {"code": said["code"], "at": said.get("at")}


DEFAULTS: dict[str, Any] = {"is_open": True, "events": 1, "late": 0, "title": "", "at": None}


def check_situations(database: Path, rows: list[Row]) -> bool:
    """The table of what is open says what a plain replay says; False while the keeper is behind."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        done = connection.execute("SELECT seq FROM checkpoints WHERE name = 'keeper'").fetchone()
        head = connection.execute("SELECT max(seq) FROM log").fetchone()[0]
        if rows and (done is None or done[0] < len(rows) or head != len(rows)):
            if done is not None and done[0] > head:
                raise BreachError(f"the keeper has seen row {done[0]}, the log ends with {head}")
            return False
        found = list(connection.execute("SELECT thing, seq, is_open, body FROM situations"))
    expected = replay(rows)
    if {each[0] for each in found} != set(expected):
        raise BreachError(f"{len(found)} things are known, a replay finds {len(expected)}")
    for thing, seq, is_open, body in found:
        state, wanted = DEFAULTS | json.loads(body), expected[thing]
        state = {name: state.get(name) for name in wanted}
        if state != wanted or seq != wanted["last"] or bool(is_open) != wanted["is_open"]:
            raise BreachError(f"{thing} is kept as {state}, a replay says {wanted}")
    return True


def check_orders(database: Path, rows: Iterable[Row]) -> None:
    """Every order is what its rows of the log say, one after the other, and stands in its table just so."""
    told: dict[str, list[Row]] = {}
    for row in rows:
        if row.kind == "order":
            told.setdefault(row.key.rpartition(":")[0], []).append(row)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = dict(connection.execute("SELECT id, body FROM orders"))
    if set(found) != set(told):
        raise BreachError(f"{len(found)} orders are kept, the log tells of {len(told)}")
    for name, lines in told.items():
        versions = [int(row.key.rpartition(":")[2]) for row in lines]
        if versions != [*range(1, len(lines) + 1)]:
            raise BreachError(f"order {name} has the versions {versions}")
        if replay_order(entry_from_json(row.body) for row in lines) != order_from_json(found[name]):
            raise BreachError(f"order {name} is kept as {found[name]}, its rows say something else")

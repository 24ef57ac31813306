"""A real stream as events: power outages that were added, changed and removed, and what is open in the end.

`outage_events_2021_01.parquet` has 145,294 rows of 1,411 moments: bursts, things that move, names that come
again after they were closed, changes of what was never opened, places that are missing. Where the file is not
there a stream of the same shape is made.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE: Final = Path(__file__).parents[2] / "shared" / "data" / "outage_events_2021_01.parquet"
SOURCE: Final = "outages"
OPS: Final = {"add": "open", "upd": "update", "del": "close"}

Row = dict[str, Any]


def real_rows(limit: int | None = None) -> list[Row]:
    """The first rows of the file, or all."""
    table = pq.read_table(FILE)
    rows: list[Row] = table.slice(0, limit).to_pylist()
    return rows


def made_rows(count: int, seed: int) -> list[Row]:
    """A stream of the same shape."""
    chance = random.Random(seed)
    names = [str(1_200_000 + each) for each in range(count // 5)]
    open_: set[str] = set()
    rows: list[Row] = []
    now = 1_610_242_403
    while len(rows) < count:
        now += 600
        for _ in range(chance.choice((1, 5, 40))):
            name = chance.choice(names)
            op = "add" if name not in open_ else chance.choice(("upd", "upd", "del"))
            (open_.discard if op == "del" else open_.add)(name)
            lon, lat = (None, None) if chance.random() < 0.02 else (-122 + chance.random(), 37.5)
            more = {"cust": float(chance.randrange(90)), "status": "crew", "cause": None, "region": "Clovis"}
            rows.append({"ts": now, "op": op, "id": name, "lon": lon, "lat": lat, **more})
    return rows[:count]


def line_of(number: int, row: Row) -> str:
    """A row as an event: the outage is its subject, the row's number its id."""
    said: Row = {"id": str(number), "source": SOURCE, "class": "民生服务", "op": OPS[row["op"]]}
    said |= {"subject": row["id"], "title": "停电", "kind": "停电"}
    if has_place(row):
        said |= {"lon": row["lon"], "lat": row["lat"], "crs": "wgs84"}
    said["occurred_at"] = datetime.fromtimestamp(row["ts"], UTC).isoformat()
    more = {name: row[name] for name in ("cust", "status", "cause", "region") if row[name] is not None}
    return json.dumps(said | {"fields": more}, ensure_ascii=False)


def has_place(row: Row) -> bool:
    """Whether a row says where it is: some lack a coordinate."""
    return all(row[name] is not None and row[name] == row[name] for name in ("lon", "lat"))


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """All rows as lines."""
    for number, row in enumerate(rows):
        yield line_of(number, row)


def replay(rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
    """What is open in the end, by outage: the ids of its last event, and of the last that said a place."""
    open_: dict[str, tuple[str, str]] = {}
    placed: dict[str, str] = {}
    for number, row in enumerate(rows):
        name, event = row["id"], str(number)
        if has_place(row):
            placed[name] = event
        if row["op"] == "del":
            open_.pop(name, None)
        else:
            open_[name] = event, placed.get(name, "")
    return open_

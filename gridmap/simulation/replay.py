"""A real stream of events from a Parquet file, told again: bursts, moves, re-openings, missing places.

The file has columns ts (seconds since 1970, rising), op (add, upd, del; or open, update, close), id (of the
thing), lon, lat (WGS84; may be missing); title, class and cust (customers without power) are used where they
are there, all others become fields of the event. The id is the event's subject. What is sent has the same
order and op as the file, so the same things are open at its end.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridmap.errors import InputError
from gridmap.simulation.day import SOURCE, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Move = Callable[[float, float], tuple[float, float]]

OPS: Final = {
    "add": "open",
    "upd": "update",
    "del": "close",
    "open": "open",
    "update": "update",
    "close": "close",
}
NEEDED: Final = ("ts", "op", "id", "lon", "lat")
_USED: Final = {*NEEDED, "title", "class"}
_ROWS: Final = 5_000


class Stream(NamedTuple):
    """A file that is replayed: when it begins, and the box of its places (west, south, east, north)."""

    path: Path
    begin: float
    box: tuple[float, float, float, float]


def open_stream(path: Path) -> Stream:
    """Look at a file. InputError: it cannot be used."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        lacking = [name for name in NEEDED if name not in names]
        if lacking:
            raise InputError("replay", f"{path} has no column {lacking[0]}; it needs {', '.join(NEEDED)}")
        table = pq.read_table(path, columns=["ts", "lon", "lat"])
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError("replay", f"{path} is no Parquet file that can be read: {error}") from error
    if not table.num_rows:
        raise InputError("replay", f"{path} is empty; give a file with events")
    finite = pc.and_(pc.is_finite(table["lon"]), pc.is_finite(table["lat"]))
    placed = table.filter(pc.fill_null(finite, False))
    edges = [pc.min_max(placed[name]).as_py() for name in ("lon", "lat")]
    (west, east), (south, north) = ((each["min"] or 0.0, each["max"] or 0.0) for each in edges)
    return Stream(path, float(pc.min(table["ts"]).as_py()), (west, south, east, north))


def onto(box: tuple[float, float, float, float], target: tuple[float, float, float, float]) -> Move:
    """Moves points so that one box lies on another."""
    west, south, east, north = box
    wide, high = max(east - west, 1e-9), max(north - south, 1e-9)

    def move(lon: float, lat: float) -> tuple[float, float]:
        return (
            target[0] + (target[2] - target[0]) * (lon - west) / wide,
            target[1] + (target[3] - target[1]) * (lat - south) / high,
        )

    return move


def around(box: tuple[float, float, float, float], lon: float, lat: float) -> Move:
    """Moves points so that the middle of their box lies at a place; distances in degrees stay."""
    east, north = lon - (box[0] + box[2]) / 2, lat - (box[1] + box[3]) / 2
    return lambda x, y: (x + east, y + north)


def reports(
    stream: Stream, move: Move | None = None, *, limit: int | None = None, name: str = "replay"
) -> Iterator[Report]:
    """The events of a file; `second` counts from its first. `name` begins their ids: another for each run.

    InputError: a row cannot be used, said with its number.
    """
    import pyarrow.parquet as pq

    row = 0
    with pq.ParquetFile(stream.path) as file:
        for batch in file.iter_batches(_ROWS):
            for said in batch.to_pylist():
                if limit is not None and row >= limit:
                    return
                row += 1
                yield Report(float(said["ts"]) - stream.begin, _event(said, row, name, move))


def _event(said: dict[str, Any], row: int, name: str, move: Move | None) -> dict[str, Any]:
    op = OPS.get(str(said["op"]))
    if op is None or said["id"] is None:
        raise InputError("replay", f"row {row}: op {said['op']!r} of id {said['id']!r} cannot be used")
    thing = f"{name}-{said['id']}"
    customers = _number(said.get("cust"))
    title = said.get("title") or (f"停电，影响{customers:.0f}户" if customers else "停电")
    moment = datetime.fromtimestamp(float(said["ts"]), UTC)
    event = {
        "id": f"{thing}.{row}",
        "source": SOURCE,
        "class": said.get("class") or "民生服务",
        "urgency": _urgency(customers),
        "op": op,
        "subject": thing,
        "title": title,
        "occurred_at": moment.isoformat().replace("+00:00", "Z"),
        "fields": {"channel": "重放"}
        | {key: value for key, value in said.items() if key not in _USED and _plain(value) is not None},
    }
    lon, lat = _number(said["lon"]), _number(said["lat"])
    if lon is not None and lat is not None:
        lon, lat = move(lon, lat) if move else (lon, lat)
        event |= {"lon": round(lon, 7), "lat": round(lat, 7), "crs": "wgs84"}
    return event


def _urgency(customers: float | None) -> str:
    """A thousand without power is worse than one."""
    many = customers or 0.0
    return "orange" if many >= 1000 else "yellow" if many >= 100 else "blue"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _plain(value: Any) -> Any:
    """A value as it can stand in JSON; None for what is missing or no number."""
    if isinstance(value, float):
        return _number(value)
    return value if isinstance(value, str | int | bool) else None

"""A client of the service, for Python: one method for each question, typed answers, kind errors.

    from gridmap.client import Client

    with Client("http://127.0.0.1:8000") as city:
        print(city.locate(106.577, 29.559, "wgs84").name)

It needs httpx (`pip install 'gridmap[client]'`) and nothing of the server. Under one major version the
service only adds members to its answers; those that this client does not know it leaves out. Threads may
share a client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, get_args, get_type_hints
from urllib.parse import quote

import numpy as np

from gridmap.errors import GridmapError, MissingExtraError
from gridmap.types import AnyArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ADDRESS: Final = "http://127.0.0.1:8000"
ARROW: Final = "application/vnd.apache.arrow.stream"
GEOJSON: Final = "application/geo+json"

BATCH: Final = 500_000
"""Points in one request of `locate_many`: some tens of megabytes both ways, below the usual limit."""

T = TypeVar("T")


class ServiceError(GridmapError):
    """The service refused, or did not answer; `problem` is its problem document (RFC 9457), or empty."""

    def __init__(
        self, message: str, status: int | None = None, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


@dataclass(frozen=True, slots=True)
class Step:
    """One area of a path from the district down."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Area:
    """An area in a list."""

    code: str
    name: str
    level: str
    kind: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The finest area of one scheme that a point belongs to."""

    scheme: str
    code: str
    name: str
    level: str
    kind: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """The grid nearest to a point, and how far it is in metres."""

    code: str
    name: str
    level: str
    kind: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An area that an uncertain point may be in (code None: outside the city), and its part of the circle."""

    code: str | None
    name: str | None
    level: str | None
    kind: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Location:
    """The area of a point; code, name, level and kind are None where no grid is.

    From `on_border` on: only where they were asked for, with `explain` or `accuracy_m`.
    """

    code: str | None
    name: str | None
    level: str | None
    kind: str | None
    path: tuple[Step, ...]
    memberships: tuple[Membership, ...]
    edition: int
    proven: bool
    on_border: bool | None = None
    edge_m: float | None = None
    rivals: tuple[Area, ...] = ()
    nearest: Nearest | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Located:
    """The codes of many points in their order (None where no grid is), and why some cannot be used."""

    codes: AnyArray
    edition: int
    errors: Mapping[int, str]
    """By the position of the point."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that is near, its place in the datum of the question, and the way to it."""

    code: str
    sort: str
    kind: str
    lon: float
    lat: float
    distance_m: float
    bearing_deg: float | None
    direction: str | None
    text: str
    grid: str | None
    shift: str | None


@dataclass(frozen=True, slots=True)
class Nearby:
    """Things near a point, the nearest first; `complete` says that there are no more of them."""

    things: tuple[Thing, ...]
    complete: bool
    edition: int


@dataclass(frozen=True, slots=True)
class GridWithin:
    """A grid that a polygon touches, the part of its area inside, and whether all of it is."""

    code: str
    name: str
    level: str
    kind: str
    share: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Within:
    """What lies in a polygon; None where the city does not know."""

    grids: tuple[GridWithin, ...]
    area_m2: float
    buildings: int | None
    households: int | None
    people: int | None
    devices: int
    devices_by_kind: Mapping[str, int]
    edition: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """Size and shape of an area."""

    area_m2: float
    perimeter_m: float
    compactness: float


@dataclass(frozen=True, slots=True)
class WholeArea:
    """One area with its path, the areas below it and its measures."""

    code: str
    name: str
    level: str
    kind: str
    parent: str | None
    path: tuple[Step, ...]
    children: tuple[Area, ...]
    measures: Measures
    edition: int
    proven: bool
    synthetic: bool


class Client:
    """Asks a service; close it, or use it in a `with` statement.

    Every method raises ServiceError when the service refuses (with its problem document) or does not answer.
    """

    def __init__(self, address: str = ADDRESS, timeout_s: float = 30.0, **options: Any) -> None:
        """Ask at an address; `options` go to `httpx.Client` (headers, auth, transport ...)."""
        try:
            import httpx
        except ImportError as error:
            text = "the client needs httpx; install it with: pip install 'gridmap[client]'"
            raise MissingExtraError(text) from error
        self._address = address.rstrip("/")
        self._http = httpx.Client(timeout=timeout_s, **options)
        self._broken = httpx.TransportError

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def locate(
        self,
        lon: float,
        lat: float,
        crs: str,
        *,
        level: str | None = None,
        scheme: str | None = None,
        accuracy_m: float | None = None,
        explain: bool = False,
    ) -> Location:
        """Which area is a point of a named datum in? The grid, or the area at a level.

        A point in no grid has code None. `accuracy_m` adds candidates, `explain` border, rivals and nearest.
        """
        more = {
            "level": level,
            "scheme": scheme,
            "accuracy_m": accuracy_m,
            "explain": "1" if explain else None,
        }
        return _made(Location, self._get("/locate", {"lon": lon, "lat": lat, "crs": crs, **more}))

    def locate_many(self, lons: ArrayLike, lats: ArrayLike, crs: str, *, level: str | None = None) -> Located:
        """Which areas are many points in? As many as one likes: they travel as Arrow, in pieces.

        Takes two columns of numbers of one length (lists, NumPy, Arrow); a point that cannot be used has its
        reason in `errors`.
        """
        import pyarrow as pa

        easts, norths = np.asarray(lons, np.float64), np.asarray(lats, np.float64)
        errors: dict[int, str] = {}
        codes: list[AnyArray] = [np.zeros(0, object)]
        editions: list[int] = []
        for begin in range(0, max(len(easts), 1), BATCH):
            piece = slice(begin, begin + BATCH)
            found = self.locate_table(pa.table({"lon": easts[piece], "lat": norths[piece]}), crs, level=level)
            editions += found.column("edition").unique().to_pylist()
            for chunk in found.column("code").chunks:
                known = np.array([*chunk.dictionary.to_pylist(), None], object)
                codes.append(known[chunk.indices.fill_null(len(known) - 1).to_numpy()])
            reasons = found.column("error")
            if reasons.null_count < len(reasons):
                errors |= {begin + at: text for at, text in enumerate(reasons.to_pylist()) if text}
        if len(set(editions)) > 1:
            raise ServiceError("a new edition was published between two pieces: ask again")
        return Located(np.concatenate(codes), editions[0] if editions else 0, errors)

    def locate_table(self, table: Any, crs: str, *, level: str | None = None) -> Any:
        """An Arrow table with columns lon and lat, back with code, edition and error behind its columns."""
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        query = {"crs": crs, "level": level}
        reply = self._ask("POST", "/locate", query, content=sink.getvalue().to_pybytes(), kind=ARROW)
        return pa.ipc.open_stream(reply.content).read_all()

    def nearby(
        self,
        lon: float,
        lat: float,
        crs: str,
        *,
        kind: str | None = None,
        k: int | None = None,
        radius_m: float | None = None,
    ) -> Nearby:
        """What is near a point? `kind` is device, staff, resource or a kind of device."""
        query = {"lon": lon, "lat": lat, "crs": crs, "kind": kind, "k": k, "radius": radius_m}
        return _made(Nearby, self._get("/nearby", query))

    def within(self, shape: Any) -> Within:
        """What lies in a polygon? GeoJSON as a mapping, or a shapely geometry, in WGS84."""
        value = shape if isinstance(shape, dict) else shape.__geo_interface__
        reply = self._ask("POST", "/within", {}, content=json.dumps(value).encode(), kind=GEOJSON)
        return _made(Within, reply.json())

    def areas(self) -> tuple[Area, ...]:
        """The areas of the top level."""
        return tuple(_made(Area, each) for each in self._get("/areas", {})["areas"])

    def area(self, code: str) -> WholeArea:
        """One area: path, children, measures."""
        return _made(WholeArea, self._get(f"/areas/{_quoted(code)}", {}))

    def border(self, code: str) -> dict[str, Any]:
        """The border of an area, as a GeoJSON Feature."""
        found: dict[str, Any] = self._get(f"/areas/{_quoted(code)}", {"f": "geojson"})
        return found

    def _get(self, path: str, query: Mapping[str, object]) -> Any:
        return self._ask("GET", path, query).json()

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        *,
        content: bytes | None = None,
        kind: str = "",
    ) -> Any:
        given = {name: str(value) for name, value in query.items() if value is not None}
        headers = {"Content-Type": kind} if kind else {}
        try:
            reply = self._http.request(
                method, self._address + path, params=given, content=content, headers=headers
            )
        except self._broken as error:
            text = f"{self._address} does not answer ({error}): is `gridmap serve` running there?"
            raise ServiceError(text) from error
        if reply.is_success:
            return reply
        problem = _problem(reply)
        raise ServiceError(problem.get("detail") or f"HTTP {reply.status_code}", reply.status_code, problem)


def _problem(reply: Any) -> dict[str, Any]:
    try:
        value = reply.json()
    except ValueError:  # a proxy's own page
        return {}
    return value if isinstance(value, dict) else {}


def _quoted(code: str) -> str:
    return quote(code, safe="")


def _made(kind: type[T], value: Mapping[str, Any]) -> T:
    """A dataclass from a JSON object; members that it does not know are left out."""
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind) if each.name in value}  # type: ignore[arg-type]  # all are dataclasses
    return kind(**{name: _of_type(hints[name], value[name]) for name in known})


def _of_type(hint: Any, value: Any) -> Any:
    inner = [each for each in (hint, *get_args(hint)) if isinstance(each, type) and is_dataclass(each)]
    if not inner or value is None:
        return value
    if isinstance(value, list):
        return tuple(_made(inner[0], each) for each in value)
    return _made(inner[0], value)

"""A client of the service, for Python: one method for each question, typed answers, kind errors.

    from gridmap.client import Client

    with Client("http://127.0.0.1:8000") as city:
        print(city.locate(106.577, 29.559, "wgs84").name)

It needs httpx (`pip install 'gridmap[client]'`) and nothing of the server; what it answers is described in
`gridmap.answers`. Threads may share a client.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import numpy as np

from gridmap.answers import Area, Located, Location, Nearby, Values, WholeArea, Within, made
from gridmap.errors import GridmapError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import ArrayLike

    from gridmap.types import AnyArray

ADDRESS: Final = "http://127.0.0.1:8000"
ARROW: Final = "application/vnd.apache.arrow.stream"
GEOJSON: Final = "application/geo+json"

BATCH: Final = 500_000
"""Points in one request of `locate_many`: some tens of megabytes both ways, below the usual limit."""


class ServiceError(GridmapError):
    """The service refused, or did not answer; `problem` is its problem document (RFC 9457), or empty."""

    def __init__(
        self, message: str, status: int | None = None, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


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
        return made(Location, self._get("/locate", {"lon": lon, "lat": lat, "crs": crs, **more}))

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
        return made(Nearby, self._get("/nearby", query))

    def within(self, shape: Any) -> Within:
        """What lies in a polygon? GeoJSON as a mapping, or a shapely geometry, in WGS84."""
        value = shape if isinstance(shape, dict) else shape.__geo_interface__
        reply = self._ask("POST", "/within", {}, content=json.dumps(value).encode(), kind=GEOJSON)
        return made(Within, reply.json())

    def areas(self) -> tuple[Area, ...]:
        """The areas of the top level."""
        return tuple(made(Area, each) for each in self._get("/areas", {})["areas"])

    def area(self, code: str) -> WholeArea:
        """One area: path, children, measures."""
        return made(WholeArea, self._get(f"/areas/{_quoted(code)}", {}))

    def border(self, code: str) -> dict[str, Any]:
        """The border of an area, as a GeoJSON Feature."""
        found: dict[str, Any] = self._get(f"/areas/{_quoted(code)}", {"f": "geojson"})
        return found

    def tilejson(
        self,
        layers: str,
        *,
        scheme: str | None = None,
        edition: int | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Where the tiles of some layers (by comma) are: TileJSON, also of a past edition or time."""
        query = {"scheme": scheme, "edition": edition, "datetime": at.isoformat() if at else None}
        found: dict[str, Any] = self._get(f"/tiles/{_quoted(layers)}.json", query)
        return found

    def tile(self, layers: str, z: int, x: int, y: int, *, scheme: str = "xyz", token: str = "") -> bytes:
        """A vector tile, empty where nothing is; of the current edition unless a token names another."""
        token = token or self.tilejson(layers, scheme=scheme)["token"]
        path = f"/tiles/{_quoted(token)}/{_quoted(layers)}/{_quoted(scheme)}/{z}/{x}/{y}.mvt"
        body: bytes = self._ask("GET", path, {}).content
        return body

    def style(self, theme: str = "dark") -> dict[str, Any]:
        """How the tiles look in MapLibre: the style "dark" or "light"."""
        found: dict[str, Any] = self._get(f"/styles/{_quoted(theme)}.json", {})
        return found

    def values(self, layer: str, metric: str, *, area: str | None = None) -> Values:
        """A number for each area of a layer, or of those in one area, by the ids of the tiles."""
        import pyarrow as pa

        path = f"/values/{_quoted(layer)}/{_quoted(metric)}"
        found = pa.ipc.open_stream(self._ask("GET", path, {"area": area, "f": "arrow"}).content).read_all()
        told = json.loads(found.schema.metadata[b"gridmap"])
        ids, values = (found.column(name).to_numpy() for name in ("id", "value"))
        return Values(ids, values, told["edition"], told["seq"])

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

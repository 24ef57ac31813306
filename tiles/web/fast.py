"""The fast path: plain lookups and tiles answered without waking a thread or Flask.

Here is the plain `GET /locate?lon=..&lat=..&crs=..`; `tiles.web.fast_tiles` has the tiles. What it gives is,
byte for byte, what the app would give (`tests/test_fast.py` asks both): the body is put together from the
same words in the same order, the head comes from the same gate. Whatever is unusual it leaves to the app: a
city with several schemes, another parameter, an escaped or odd number, a datum of the EPSG register, a point
out of range, a header that changes the answer. So it never has to say what is wrong.

Nothing is kept for each grid: a body is written anew each time (3 us), from the path of its community, which
is kept once it was asked for.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, Final

from gridmap.errors import InputError
from gridmap.model import GOVERNANCE, NOWHERE
from tiles.web import fast_tiles, gate, locate
from tiles.web.fast_tiles import FastTiles
from tiles.web.fields import step
from tiles.web.reply import to_json
from tiles.web.wire import first_lines, head_lines

if TYPE_CHECKING:
    from gridmap.twin import Snapshot, Twin
    from tiles.web.tiling import Tiling

PREFIX: Final = b"/locate?"
LONGEST: Final = 200
"""Bytes of a target; three honest values have half of it."""

DATUMS: Final = {name.encode(): name for name in ("wgs84", "cgcs2000", "gcj02", "bd09")}
"""The datums that are answered here: none of them has to be looked up in the EPSG register first."""

# No plus sign (in a query it is a blank) and no escapes.
_DECIMAL: Final = re.compile(rb"-?(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d+)?")


class Fast:
    """Gives the whole reply to a request, or None where the app is to be asked. One thread's only."""

    def __init__(self, twin: Twin, tiling: Tiling) -> None:
        self._locate = FastLocate(twin)
        self._tiles = FastTiles(tiling)

    def __call__(self, method: bytes, target: bytes, encodings: bytes) -> bytes | None:
        """The reply to a request whose only header that changes it is Accept-Encoding, ready for the wire."""
        if target.startswith(fast_tiles.PREFIX):
            return self._tiles(target, encodings) if method == b"GET" else None
        return self._locate(method, target)


class FastLocate:
    """Gives the whole reply to a request, or None where the app is to be asked. One thread's only."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._scope: gate.Scope | None = None
        self._head: tuple[bytes, bytes] | None = None
        self._bodies = _Bodies(twin.current)

    def __call__(self, method: bytes, target: bytes) -> bytes | None:
        """The reply to a request without headers that change it, ready for the wire."""
        if method != b"GET" or not target.startswith(PREFIX) or len(target) > LONGEST:
            return None
        question = read_question(target[len(PREFIX) :])
        scope = gate.scope_of(None)
        if scope != self._scope:
            self._scope, self._head = scope, _head(scope)
        if question is None or self._head is None:
            return None
        snapshot = self._twin.current
        if snapshot is not self._bodies.snapshot:
            self._bodies = _Bodies(snapshot)
        if snapshot.schemes:  # the app names the areas of the others too
            return None
        try:
            row = snapshot.row_at(*question)
        except InputError:
            return None
        body = self._bodies.of(row)
        before, between = self._head
        return b"%b%b%b%b%d\r\n\r\n%b" % (
            first_lines(200),
            before,
            gate.fingerprint(body).encode(),
            between,
            len(body),
            body,
        )


def read_question(query: bytes) -> tuple[float, float, str] | None:
    """Longitude, latitude and datum of a plain query, in any order; None for one that is not plain."""
    given: dict[bytes, bytes] = {}
    parts = query.split(b"&")
    for part in parts:
        name, _, value = part.partition(b"=")
        given[name] = value
    if len(parts) != 3:
        return None
    lon, lat, crs = given.get(b"lon", b""), given.get(b"lat", b""), DATUMS.get(given.get(b"crs", b""))
    if crs is None or not (_DECIMAL.fullmatch(lon) and _DECIMAL.fullmatch(lat)):
        return None
    return float(lon), float(lat), crs


def _head(scope: gate.Scope) -> tuple[bytes, bytes] | None:
    """The header lines before and between fingerprint and length of the body; None when it is no 200."""
    sample = locate.reply_of(b"{}")
    reply, headers = gate.admit(sample, locate.LAYER, scope)
    tag = f'"{gate.fingerprint(sample.body)}"'
    if reply is not sample or headers[-1] != ("ETag", tag):
        return None
    return head_lines(headers[:-1]) + b'ETag: "', b'"\r\nContent-Length: '


class _Bodies:
    """Writes the body of a row's reply: the text that `tiles.web.locate` would write."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._finest = snapshot.partition.finest
        self._paths: dict[str | None, str] = {None: ""}
        edition = snapshot.edition
        self._end = to_json({"edition": edition.number, "proven": edition.proven})[1:].decode()
        self._nowhere = to_json(locate.describe(snapshot, NOWHERE))

    def of(self, row: int) -> bytes:
        """The body for a row, NOWHERE included."""
        if row == NOWHERE:
            return self._nowhere
        table = self._finest
        code, name, level = quoted(table.codes[row]), quoted(table.names[row]), quoted(table.level)
        step = f'"code":{code},"name":{name},"level":{level}'
        area = f'{step},"kind":{quoted(table.kinds[row])}'
        parent = table.parents[row]
        above = self._paths.get(parent)
        if above is None:
            above = self._path(parent or "")
        return (
            f'{{{area},"path":[{above}{{{step}}}],'
            f'"memberships":[{{"scheme":"{GOVERNANCE}",{area}}}],{self._end}'
        ).encode()

    def _path(self, parent: str) -> str:
        """The steps above a grid, each with the comma behind it."""
        known = self.snapshot.has(parent)
        steps = [to_json(step(area)).decode() + "," for area in self.snapshot.chain(parent)] if known else []
        self._paths[parent] = text = "".join(steps)
        return text

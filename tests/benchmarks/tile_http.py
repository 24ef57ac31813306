"""Tiles over HTTP: warm ones of 20 kB beside nginx with a static file of that size, and cold ones.

`scripts/bench tile_http [HOME]`. Both servers run alone, one after the other in each round, with 16
connections (`tests/wrk.py`). Warm is one tile of the grids, sent from memory; cold are random tiles of the
grids of zooms 12 to 14 with something in them, on a server that keeps none (`--tile-cache-mb 0`). Without a
home Chongqing is built, which takes two minutes.
"""

from __future__ import annotations

import http.client
import json
import math
import random
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wrk import Effort, Load, ask, head, need, nginx, ours, row, say, wrk

from gridmap.founding import SEED, found_chongqing
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROUNDS = 3
SECONDS = 4
CLIENTS = 16
WANTED_BYTES = 20_480
"""The warm tile is the one nearest to this size of those that were looked at, none smaller."""
LOOKED_AT = 8_000
"""Random squares of the city's box; in more than half of them is nothing."""
ZOOMS = (12, 13, 14)

SERVE = """
import sys
from pathlib import Path
from tiles.web.server import serve
from tiles.web.tiling import Upkeep
serve(Path(sys.argv[1]), port=0, upkeep=Upkeep(int(sys.argv[2])))
"""

RANDOM_TILES = """
math.randomseed({seed})
local paths = {{ {paths} }}
local headers = {{ {headers} }}
request = function()
  return wrk.format("GET", paths[math.random(#paths)], headers)
end
"""


class Source(NamedTuple):
    """Where the tiles of the grids are: the path in front of z/x/y, and the city's bounds in degrees."""

    path: str
    bounds: tuple[float, float, float, float]

    def box(self, z: int) -> tuple[int, int, int, int]:
        """The first and last column, the first and last row of the city at a zoom."""
        west, south, east, north = self.bounds
        columns = [math.floor((lon + 180) / 360 * 2**z) for lon in (west, east)]
        rows = [
            math.floor((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
            for lat in (north, south)
        ]
        return columns[0], columns[1], rows[0], rows[1]


def source_of(port: int) -> Source:
    """Read the TileJSON of the grids."""
    found = json.loads(ask(port, "/tiles/grid.json"))
    west, south, east, north = found["bounds"]
    path = found["tiles"][0].partition("://")[2].partition("/")[2].partition("/{z}")[0]
    return Source(f"/{path}", (west, south, east, north))


def random_tiles(port: int, source: Source) -> dict[str, int]:
    """Paths of random tiles of the city with something in them, and their sizes."""
    chance = random.Random(2)
    out = {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(LOOKED_AT):
        z = chance.choice(ZOOMS)
        first, last, top, bottom = source.box(z)
        path = f"{source.path}/{z}/{chance.randint(first, last)}/{chance.randint(top, bottom)}.mvt"
        connection.request("GET", path)
        size = len(connection.getresponse().read())
        if size:
            out[path] = size
    connection.close()
    return out


def warm_tile(port: int, source: Source) -> tuple[str, bytes]:
    """A tile of the wanted size, or a little more."""
    sizes = {path: size for path, size in random_tiles(port, source).items() if size >= WANTED_BYTES}
    if not sizes:
        raise SystemExit(f"no tile of {WANTED_BYTES} bytes among {LOOKED_AT}: the city is too small")
    path = min(sizes, key=lambda each: sizes[each])
    return path, ask(port, path)


@contextmanager
def script_of(paths: Iterable[str], seed: int, header: str = "") -> Iterator[Path]:
    """A script for wrk that asks for random ones of some paths."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiles.lua"
        listed = ", ".join(f'"{each}"' for each in paths)
        path.write_text(RANDOM_TILES.format(seed=seed, paths=listed, headers=header))
        yield path


def warm(home: str, effort: Effort) -> None:
    """Warm tiles beside nginx."""
    static: list[Load] = []
    plain: list[Load] = []
    coded: list[Load] = []
    with ours(SERVE, [home, "256"]) as (process, port):
        path, body = warm_tile(port, source_of(port))
        url = f"http://127.0.0.1:{port}{path}"
        ask(port, "/values/grid/devices")  # waits until what stands in the city is read
        for _ in range(ROUNDS):
            with nginx("tile", body) as (peer, peer_port):
                static.append(wrk(peer, f"http://127.0.0.1:{peer_port}/tile", effort))
            plain.append(wrk(process, url, effort))
            coded.append(wrk(process, url, effort, header="Accept-Encoding: gzip, deflate, br"))
    say(f"\n{len(body):,} bytes, {CLIENTS} connections, medians of {ROUNDS} rounds of {SECONDS} s\n")
    head()
    rate = row("nginx, a static file", static)
    row("a warm tile", plain, rate)
    row("the same for a browser (gzip)", coded, rate)


def cold(home: str, effort: Effort) -> None:
    """Tiles that are made for each request."""
    plain: list[Load] = []
    coded: list[Load] = []
    with ours(SERVE, [home, "0"]) as (process, port):
        sizes = random_tiles(port, source_of(port))
        ask(port, "/values/grid/devices")
        url = f"http://127.0.0.1:{port}/"
        for number in range(ROUNDS):
            with script_of(sizes, number) as script:
                plain.append(wrk(process, url, effort, script))
            with script_of(sizes, number, '["Accept-Encoding"] = "gzip"') as script:
                coded.append(wrk(process, url, effort, script))
    mean = sum(sizes.values()) / len(sizes)
    say(f"\n{len(sizes):,} random tiles of zooms {ZOOMS}, nothing kept, {mean:,.0f} bytes on average\n")
    head()
    row("cold tiles", plain)
    row("the same as gzip", coded)


def main(home: str | None) -> None:
    """Print both tables."""
    need()
    with tempfile.TemporaryDirectory() as folder:
        if home is None:
            say("building Chongqing ...")
            home = str(Path(folder) / "home")
            found_chongqing(CityAddress(Path(home)), None, SEED, lambda _step, _share: None)
        warm(home, Effort(CLIENTS, SECONDS))
        cold(home, Effort(CLIENTS, SECONDS))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

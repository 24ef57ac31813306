"""A plain file host: byte ranges over HTTP, as web servers and object stores have; it notes what is asked."""

from __future__ import annotations

import re
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Host:
    """A file at an address; `get` reads a part of it over HTTP, `asked` lists the parts that were read."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[tuple[int, int]] = []

    def get(self, offset: int, length: int) -> bytes:
        """Some bytes of the file, by a range request."""
        self.asked.append((offset, length))
        ranged = {"Range": f"bytes={offset}-{offset + length - 1}"}
        with urllib.request.urlopen(urllib.request.Request(self.address, headers=ranged)) as answer:
            assert answer.status == 206
            return bytes(answer.read())


@contextmanager
def hosted(path: Path) -> Iterator[Host]:
    """Serve one file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            assert found
            first, last = int(found[1]), min(int(found[2]), path.stat().st_size - 1)
            with path.open("rb") as file:
                file.seek(first)
                body = file.read(last - first + 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{path.stat().st_size}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Host(f"http://127.0.0.1:{server.server_port}/{path.name}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gridmap.cli import main
from gridmap.errors import HomeError, InputError
from tiles.web.server import reserve, serve
from tiles.web.tiling import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PATIENCE_S = 60
"""Longer than any machine needs; what takes that long hangs."""

SERVE = """
import sys
from tiles.web.limits import Limits
from tiles.web.server import Loaded, serve_loaded

def load():
    print("loading", flush=True)
    sys.stdin.readline()
    from tiletown import make_tiling
    from webtown import make_twin
    twin = make_twin()
    return Loaded(twin, make_tiling(twin))

serve_loaded(load, sys.argv[1], int(sys.argv[2]), Limits(threads=2, connections=50, idle_s=60))
"""
"""A server of Toytown whose city is loaded when a line comes in."""


class Server:
    """A server in a process of its own that has begun to load its city."""

    def __init__(self, host: str, port: int, folder: Path | str) -> None:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVE, host, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )
        self.port = port

        assert self._line() == "loading"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def open(self) -> str:
        """Let the city be loaded; give the one line."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self._line()
        self.port = int(line.rpartition(":")[2].rstrip("/"))
        return line

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; give exit code, the rest of the output, and the errors."""
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, errors


@contextmanager
def server(host: str = "127.0.0.1", port: int = 0, folder: Path | str = ROOT) -> Iterator[Server]:
    running = Server(host, port, folder)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.fixture(name="port", scope="module")
def _port() -> Iterator[int]:
    """The port of a server for the tests that only ask; it must end in peace after all they did."""
    with server() as running:
        running.open()
        yield running.port
        assert running.end() == (0, "", "")


def talk(port: int, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Send raw bytes; give status, headers and the JSON that came."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        return reply.status, dict(reply.headers), json.loads(reply.read())


def get(port: int, address: str) -> tuple[int, dict[str, str], Any]:
    return talk(port, f"GET {address} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())


def test_the_port_opens_when_the_city_is_loaded_and_one_line_says_so(tmp_path: Path) -> None:
    with reserve("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with server(port=port, folder=tmp_path) as running:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
        line = running.open()
        assert line == (
            f"gridmap serves edition 7 (1 district, 9 grids, proven, synthetic) on http://127.0.0.1:{port}/"
        )
        assert get(port, "/readyz")[2]["edition"] == 7
        assert running.end() == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0_even_with_open_connections(number: int) -> None:
    with server() as running:
        running.open()
        idle = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        with socket.create_connection(("127.0.0.1", running.port)) as half:
            half.sendall(b"GET / HT")
            assert running.end(number) == (0, "", "")
        idle.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_loading_ends_it_too(number: int) -> None:
    with server() as running:
        assert running.end(number) == (0, "", "")


def test_a_thread_that_is_still_at_work_does_not_crash_the_end() -> None:
    script = """
from threading import Thread
from time import sleep
from tiles.web.server import leave
print("bye", end="")
leave()
Thread(target=sleep, args=(600,), daemon=True).start()
leave()
raise SystemExit(3)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bye", b"")


def test_connections_are_kept_alive(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    ours = connection.sock.getsockname()
    for address in ("/locate?lon=106.503&lat=29.503&crs=wgs84", "/nope", "/areas"):
        connection.request("GET", address)
        connection.getresponse().read()
        assert connection.sock.getsockname() == ours
    connection.close()


def test_clients_that_stop_in_the_middle_of_a_request_stop_nobody_else(port: int) -> None:
    halves = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for half in halves:
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: te")
    assert get(port, "/healthz")[0] == 200
    for half in halves:
        half.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon here\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: test\r\nCookie: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /areas HTTP/1.1\r\nHost: test\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70_000, 413),
        (b"GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
)
def test_what_the_server_itself_refuses_is_a_problem_too(
    port: int, request_bytes: bytes, status: int
) -> None:
    found, headers, problem = talk(port, request_bytes)
    assert (found, problem["status"]) == (status, status)
    assert headers["Content-Type"] == "application/problem+json"
    assert "Server" not in headers
    assert problem["detail"]
    assert problem["detail_zh"]
    assert get(port, "/healthz")[0] == 200


def test_a_port_in_use_is_told_before_the_city_is_loaded(tmp_path: Path) -> None:
    with reserve("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port: 127.0.0.1:{port} cannot be used"):
            serve(tmp_path / "no home either", port=port)


def test_a_folder_that_is_no_home_is_told_and_the_port_given_back(tmp_path: Path) -> None:
    with reserve("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(HomeError):
        serve(tmp_path / "nothing", port=port)
    assert signal.getsignal(signal.SIGTERM) is before
    reserve("127.0.0.1", port).close()


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [("no.such.host.invalid", 0, "host"), ("192.0.2.1", 0, "host"), ("127.0.0.1", 70_000, "port")],
)
def test_a_host_or_port_that_cannot_be_had_is_named(host: str, port: int, name: str) -> None:
    with pytest.raises(InputError) as caught:
        reserve(host, port)
    assert caught.value.name == name


def test_it_needs_no_writable_folder_and_warns_when_others_reach_the_port() -> None:
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc, a folder that nobody can write to")
    with server(host="0.0.0.0", folder="/proc") as running:
        running.open()
        assert get(running.port, "/healthz")[0] == 200
        code, out, errors = running.end()
        assert (code, out) == (0, "")
        assert errors.startswith("gridmap: no accounts exist yet")
        assert errors.count("\n") == 1


def test_the_options_of_tiles_reach_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("tiles.web.server.serve", lambda *_given, **named: asked.append(named["upkeep"]))
    monkeypatch.setattr("tiles.web.server.leave", lambda: None)  # it would end the tests with exit code 0
    folder = tmp_path / "tiles"
    for given in ([], ["--tile-cache-mb", "0"], ["--tile-cache-mb", "9", "--tile-cache-dir", str(folder)]):
        done = CliRunner().invoke(main, ["serve", "--home", str(tmp_path), *given])
        assert done.exit_code == 0, done.output
    assert asked == [Upkeep(None, None), Upkeep(0, None), Upkeep(9, folder)]
    assert CliRunner().invoke(main, ["serve", "--tile-cache-mb", "-1"]).exit_code == 2


def test_the_settings_of_tiles_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery: Any = None
    assert Upkeep().tiling(gallery).ready.limit == 256 << 20
    monkeypatch.setenv("GRIDMAP_TILE_CACHE_MB", "0")
    assert Upkeep().tiling(gallery).ready.limit == 0
    assert Upkeep(3).tiling(gallery).ready.limit == 3 << 20
    for value in ("-1", "many", "1.5"):
        monkeypatch.setenv("GRIDMAP_TILE_CACHE_MB", value)
        with pytest.raises(InputError, match=r"GRIDMAP_TILE_CACHE_MB: .* no whole number from 0 on"):
            Upkeep().tiling(gallery)

"""The live stream over real sockets, and in a real browser: `GET /live` of a server of Toytown."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium, need
from frontdoor import PATIENCE_S, front_door, read_all, read_reply
from listening import Client
from tiletown import make_app, make_tiling
from webtown import COMMUNITY, DISTRICT, GRID, TOWN, make_twin

from gridmap.errors import InputError
from tiles.web import gate
from tiles.web.call import Call
from tiles.web.direct import pieces_of
from tiles.web.limits import Limits, StreamLimits
from tiles.web.live import door as doors
from tiles.web.live import routes
from tiles.web.live.door import LiveDoor
from tiles.web.live.filters import Filter
from tiles.web.live.hub import Hub
from tiles.web.live.items import LiveItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from frontdoor import Door
    from playwright.sync_api import Browser, BrowserContext, Page

    from gridmap.twin import Twin
    from tiles.web.direct import Ticket
    from tiles.web.wire import Request

OTHER = "500999001002"
CHAIN = (DISTRICT, TOWN, COMMUNITY, GRID)


class Service:
    """A running front with a hub, and the log that it is told."""

    def __init__(self, door: Door, hub: Hub) -> None:
        self.door = door
        self.hub = hub
        self.port = door.port
        self.seq = hub.seq

    def tell(self, count: int = 1, size: int = 0, codes: tuple[str, ...] = CHAIN, **more: Any) -> None:
        """Publish the next events of the log."""
        items = []
        for _ in range(count):
            self.seq += 1
            data = json.dumps({"seq": self.seq, "code": codes[-1], "text": "x" * size}).encode()
            items.append(LiveItem(self.seq, "event", more.get("key", f"k{self.seq}"), data, codes))
        self.hub.publish(items)

    def client(self, query: str = "", headers: str = "", receive: int | None = None) -> Client:
        return Client(self.port, query, headers, receive)


@contextmanager
def service(
    twin: Twin, limits: StreamLimits | None = None, front: Limits | None = None, seq: int = 0
) -> Iterator[Service]:
    """Run a front of Toytown with a stream."""
    hub = Hub(seq, limits, edition=lambda: twin.current.edition.number)
    opener = LiveDoor(hub, twin)

    def script(request: Request, ticket: Ticket) -> bool:
        ticket(pieces_of(request, routes.script(Call(twin.current, make_tiling(twin))), "documentation"))
        return True

    at = {("GET", "/live"): opener, ("HEAD", "/live"): opener}
    given = front or Limits(idle_s=PATIENCE_S, head_s=PATIENCE_S)
    with front_door(make_app(twin), limits=given, direct={("GET", "/live.js"): script}, streams=at) as door:
        yield Service(door, hub)


@pytest.fixture(name="twin", scope="module")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="live")
def _live(twin: Twin) -> Iterator[Service]:
    with service(twin) as running:
        yield running


def until(happened: Callable[[], object]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def ask(live: Service, address: str, headers: str = "") -> tuple[int, dict[str, str], Any]:
    """A request whose reply is no stream."""
    with live.door.connect() as connection:
        connection.sendall(f"GET {address} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode())
        status, named, body = read_reply(connection)
        return status, named, json.loads(body)


# --- the reply


def test_a_stream_has_its_headers_and_passes_the_gate(live: Service) -> None:
    with live.client(headers="Authorization: Bearer later\r\nAccept: text/event-stream\r\n") as client:
        lines = client.head.decode().split("\r\n")
        named = dict(line.split(": ", 1) for line in lines[1:])
        assert lines[0] == "HTTP/1.1 200 OK"
        assert named["Content-Type"] == "text/event-stream; charset=utf-8"
        assert named["Cache-Control"] == "no-store"
        assert named["X-Accel-Buffering"] == "no"
        assert named["Connection"] == "close"
        assert named["X-Content-Type-Options"] == "nosniff"
        assert ("Access-Control-Allow-Origin" in named) == (doors.LAYER in gate.OPEN)
        assert not {"Content-Length", "Transfer-Encoding", "ETag"} & set(named)
        hello = client.until(lambda told: told.of("hello")).events[0]
        assert (hello.data["seq"], hello.data["edition"]) == (0, 7)


def test_http_1_0_gets_the_same_bytes(live: Service) -> None:
    with live.door.connect() as old, live.client() as client:
        old.sendall(b"GET /live HTTP/1.0\r\n\r\n")
        until(lambda: live.hub.streams == 2)
        live.tell()
        client.until(lambda told: told.seqs() == [1])
        found = b""
        while b'"seq": 1' not in found:
            found += old.recv(1_000)
        assert b"\r\n\r\nretry: " in found
        assert found.endswith(b"\n\n")


def test_head_says_what_get_would(live: Service) -> None:
    with live.door.connect() as connection:
        for _ in range(2):  # the connection stays
            connection.sendall(b"HEAD /live HTTP/1.1\r\nHost: test\r\n\r\n")
            status, named, body = read_reply(connection, "HEAD")
            assert (status, body) == (200, b"")
            assert named["Content-Type"] == "text/event-stream; charset=utf-8"
        connection.sendall(b"HEAD /live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert b"Connection: close\r\n" in read_all(connection)
    assert live.hub.streams == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("kinds=cat", "kinds"),
        ("area=404", "area"),
        ("bbox=1,2,3", "bbox"),
        ("colour=red", "colour"),
        ("since=1&lastEventId=2", "since"),
        ("since=1&since=2", "since"),
        ("&".join(["area=1"] * 501), "query"),
        ("class=", "class"),
    ],
)
def test_what_cannot_be_used_is_a_problem_and_the_connection_stays(
    live: Service, query: str, name: str
) -> None:
    with live.door.connect() as connection:
        for _ in range(2):
            connection.sendall(f"GET /live?{query} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            status, named, body = read_reply(connection)
            problem = json.loads(body)
            assert (status, problem["type"]) == (400, "/problems#bad-parameter")
            assert named["Content-Type"] == "application/problem+json"
            assert problem["parameter"] == name
            assert problem["detail_zh"]


def test_all_streams_taken_is_a_problem_that_says_when_to_try_again(twin: Twin) -> None:
    with service(twin, StreamLimits(streams=2)) as live, live.client(), live.client():
        status, named, problem = ask(live, "/live")
        assert (status, problem["type"], named["Retry-After"]) == (503, "/problems#busy", "5")
        assert ask(live, "/healthz")[0] == 200


def test_streams_leave_connections_for_others(twin: Twin) -> None:
    with service(twin, front=Limits(connections=8, idle_s=PATIENCE_S)) as live:
        clients = [live.client() for _ in range(6)]
        assert ask(live, "/live")[0] == 503
        assert ask(live, "/healthz")[0] == 200
        clients.pop().close()
        until(lambda: live.hub.streams == 5)
        clients.append(live.client())
        for client in clients:
            client.close()


# --- who gets what


def test_each_gets_what_it_asked_for(live: Service) -> None:
    asked = ("", f"?area={TOWN}", f"?area={OTHER}", f"?area={OTHER}&area={GRID}", "?kinds=order,edition")
    clients = [live.client(query) for query in asked]
    live.tell(3)
    live.tell(2, codes=(DISTRICT, TOWN, OTHER))
    live.hub.publish([LiveItem(6, "edition", "8", b'{"seq":6}')])
    expected = ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [4, 5, 6], [1, 2, 3, 4, 5, 6], [6])
    for client, seqs in zip(clients, expected, strict=True):
        assert client.until(lambda told: told.seqs()[-1:] == [6]).seqs() == seqs
        client.close()
    until(lambda: live.hub.streams == 0)


def test_classes_may_be_written_plainly_or_escaped(live: Service) -> None:
    queries = ("?class=%E5%BA%94%E6%80%A5", "?class=%E5%85%B6%E4%BB%96&class=%E5%BA%94%E6%80%A5")
    for query in queries:
        with live.client(query) as client:
            item = LiveItem(live.hub.seq + 1, "event", "k", b"{}", class_="应急")
            live.hub.publish([item])
            assert client.until(lambda told: told.seqs()).seqs() == [item.seq]


def test_clients_that_are_killed_come_back_without_hole_or_double(live: Service) -> None:
    """Half come back by the header, as browsers do, half by the query; the header goes before the query."""
    clients = [live.client("?since=0") for _ in range(20)]
    seen: list[list[int]] = [[] for _ in clients]
    for round_number in range(5):
        for number, client in enumerate(clients):
            if number % 5 == round_number:
                last = client.parser.last_id
                seen[number] += client.parser.seqs()
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                header = f"Last-Event-ID: {last}\r\n"
                clients[number] = (
                    live.client("?since=0", header) if number % 2 else live.client(f"?lastEventId={last}")
                )
            live.tell(3)
            if number % 3 == 0:
                clients[number].until(lambda told: told.seqs())
    for client, before in zip(clients, seen, strict=True):
        client.until(lambda told: told.seqs()[-1:] == [live.seq])
        assert before + client.parser.seqs() == [*range(1, live.seq + 1)]
        client.close()


def test_an_id_that_is_not_known_is_reset(twin: Twin) -> None:
    with service(twin, seq=50) as live, live.client(headers="Last-Event-ID: 7\r\n") as client:
        told = client.until(lambda told: told.of("reset")).of("reset")[0]
        assert told.data["reload"] == "/events?since=7"
        live.tell()
        assert client.until(lambda told: told.seqs()).seqs() == [51]


def test_a_client_that_does_not_read_is_coalesced_and_then_closed(twin: Twin) -> None:
    limits = StreamLimits(tick_s=0.001, slow_s=1.5, lag_frames=50, socket_bytes=32_768, buffer_bytes=65_536)
    with service(twin, limits) as live, live.client() as other, live.client(receive=65_536) as slow:

        def tell() -> None:
            for _ in range(40):
                live.tell(10, size=5_000, key="one")
                other.until(lambda told: told.seqs()[-1:] == [live.seq])

        tell()
        slow.until(lambda told: told.of("lagging"))
        slow.until(lambda told: told.seqs()[-1:] == [live.seq])
        left_out = sum(each.data["left_out"] for each in slow.parser.of("lagging"))
        assert len(slow.parser.seqs()) + left_out == live.seq
        tell()
        until(lambda: live.hub.streams == 1)
        assert slow.rest().events[-1].kind == "bye"
        assert slow.parser.events[-1].data["reason"] == "slow"
        live.tell()
        other.until(lambda told: told.seqs()[-1:] == [live.seq])


def test_what_lies_in_buffers_is_bounded_and_the_dead_are_found(live: Service) -> None:
    with live.client():
        until(lambda: live.hub.streams == 1)
        (listener,) = live.hub._listeners
        outlet: Any = listener.outlet
        sock = outlet.get_extra_info("socket")
        limits = live.hub.limits
        assert outlet.get_write_buffer_limits() == (limits.buffer_bytes // 4, limits.buffer_bytes)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * limits.socket_bytes
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000


def test_in_the_end_streams_are_told_and_nobody_waits_for_them(twin: Twin) -> None:
    begun = time.monotonic()
    with service(twin, front=Limits(grace_s=PATIENCE_S)) as live:
        clients = [live.client() for _ in range(5)]
        until(lambda: live.hub.streams == 5)
    for client in clients:
        assert client.rest().events[-1].data["reason"] == "ending"
        client.close()
    assert time.monotonic() - begun < PATIENCE_S


def test_a_silent_stream_is_no_idle_connection(twin: Twin) -> None:
    with service(twin, StreamLimits(beat_s=1), Limits(idle_s=0.5)) as live, live.client() as client:
        assert client.until(lambda told: len(told.comments) == 2).comments == ["beat", "beat"]


def test_a_scope_without_the_layer_is_refused(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset()))
    status, _, problem = ask(live, "/live")
    assert (status, problem["type"]) == (403, "/problems#outside-scope")


def test_an_app_without_the_front_checks_the_question_and_says_where_streams_are(twin: Twin) -> None:
    call = Call(twin.current, make_tiling(twin))
    assert routes.not_here(call).status == 501
    assert b"gridmap serve" in routes.not_here(call).body
    with pytest.raises(InputError, match="kinds"):
        routes.not_here(Call(twin.current, call.tiling, query={"kinds": "cat"}))


# --- in a browser

CONNECT = """async (wish) => {
  const { connect } = await import("/live.js");
  window.items = [];
  window.live = connect();
  window.stop = window.live.subscribe(wish, (item) => window.items.push(item));
}"""
SEQS = "() => window.items.filter((item) => item.kind === 'event').map((item) => item.seq)"
OPEN = "() => window.live.state === 'open'"


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    need()
    with chromium() as running:
        yield running


def window(context: BrowserContext, live: Service, **wish: Any) -> Page:
    """A window of the browser with a stream."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1_000)
    page.goto(f"http://127.0.0.1:{live.port}/problems")
    page.evaluate(CONNECT, wish)
    return page


def filters(live: Service) -> set[Filter]:
    """What is listened to."""
    return {listener.group.filter for listener in [*live.hub._listeners]}


def wait_for(page: Page, seqs: list[int]) -> None:
    page.wait_for_function(
        f"() => JSON.stringify(({SEQS})()) === '{json.dumps(seqs, separators=(',', ':'))}'"
    )


def test_eight_windows_share_one_stream_and_all_load_tiles(browser: Browser, live: Service) -> None:
    context = browser.new_context()
    try:
        pages = [window(context, live) for _ in range(8)]
        for page in pages:
            page.wait_for_function(OPEN)
        assert live.hub.streams == 1
        for page in pages:
            loaded = page.evaluate(
                """async () => {
                  const found = await (await fetch("/tiles/grid.json")).json();
                  const address = new URL(found.tiles[0]).pathname;
                  const asked = [];
                  for (let x = 0; x < 12; x++) {
                    const square = { "{z}": 14, "{x}": 13000 + x, "{y}": 6700 };
                    const path = decodeURI(address).replace(/{[zxy]}/g, (name) => square[name]);
                    asked.push(fetch(path, { cache: "no-store" }).then((reply) => reply.status));
                  }
                  return Promise.all(asked);
                }"""
            )
            assert set(loaded) <= {200, 204}
        live.tell(5)
        for page in pages:
            wait_for(page, [1, 2, 3, 4, 5])
        assert live.hub.streams == 1
    finally:
        context.close()


def test_another_window_takes_the_lead_without_hole_or_double(browser: Browser, live: Service) -> None:
    context = browser.new_context()
    try:
        first, *others = [window(context, live) for _ in range(3)]
        for page in (first, *others):
            page.wait_for_function(OPEN)
        live.tell(3)
        for page in others:
            wait_for(page, [1, 2, 3])
        first.close()
        live.tell(3)
        for page in others:
            wait_for(page, [1, 2, 3, 4, 5, 6])
        until(lambda: live.hub.streams == 1)
    finally:
        context.close()


def test_each_window_gets_what_it_wants_of_the_shared_stream(browser: Browser, live: Service) -> None:
    context = browser.new_context()
    try:
        first = window(context, live, kinds=["event"], area=OTHER)
        first.wait_for_function(OPEN)
        second = window(context, live, kinds=["event", "device"], area=GRID)
        second.wait_for_function(OPEN)
        both = Filter(frozenset({"event", "device"}), frozenset({OTHER, GRID}))
        until(lambda: filters(live) == {both})
        live.tell(2)
        live.tell(1, codes=(DISTRICT, TOWN, OTHER))
        wait_for(first, [3])
        wait_for(second, [1, 2])
        second.evaluate("() => window.stop()")
        until(lambda: filters(live) == {Filter(frozenset({"event"}), frozenset({OTHER}))})
        live.tell(1, codes=(DISTRICT, TOWN, OTHER))
        wait_for(first, [3, 4])
    finally:
        context.close()


def test_the_state_of_the_connection_is_seen_and_it_comes_back(browser: Browser, twin: Twin) -> None:
    context = browser.new_context()
    try:
        with service(twin, StreamLimits(retry_ms=100, streams=1)) as live:
            page = window(context, live)
            page.wait_for_function(OPEN)
            live.tell(2)
            wait_for(page, [1, 2])
            (listener,) = live.hub._listeners
            live.door.front._loop.call_soon_threadsafe(live.hub.end, listener)
            page.wait_for_function("() => window.items.some((item) => item.kind === 'bye')")
            until(lambda: live.hub.streams == 1 and listener not in live.hub._listeners)
            live.tell(2)
            wait_for(page, [1, 2, 3, 4])
        page.wait_for_function("() => window.live.state === 'waiting'")
    finally:
        context.close()

"""The front over real sockets: limits, order, refusals, endings."""

from __future__ import annotations

import json
import resource
import socket
import struct
import time
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING, Any

import pytest
from frontdoor import PATIENCE_S, echo, front_door, read_all, read_reply

from tiles.web.direct import pieces_of
from tiles.web.limits import SPARE_FILES, BodyLimit, Limits, with_room
from tiles.web.reply import Reply
from tiles.web.wire import write_reply

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from frontdoor import Door

    from tiles.web.direct import Ticket
    from tiles.web.turns import Turns
    from tiles.web.wire import Request

HOST = b"Host: test\r\n"
CLOSE = HOST + b"Connection: close\r\n"
LARGE = BodyLimit(1_000_000, "GRIDMAP_SOME_BYTES")


@pytest.fixture(name="door", scope="module")
def _door() -> Iterator[Door]:
    def fast(method: bytes, target: bytes, _encodings: bytes) -> bytes | None:
        if (method, target) != (b"GET", b"/fast"):
            return None
        return b"HTTP/1.1 200 OK\r\nX-Fast: yes\r\nContent-Length: 13\r\n\r\nGET /fast  0 "

    with front_door(fast=fast, body_limits={"/large": LARGE}) as running:
        yield running


def bodies(replies: bytes) -> list[bytes]:
    return [part.rpartition(b"\r\n\r\n")[2] for part in replies.split(b"HTTP/1.1 ")[1:]]


def statuses(replies: bytes) -> list[int]:
    return [int(part[:3]) for part in replies.split(b"HTTP/1.1 ")[1:]]


def problem(reply: bytes) -> Any:
    assert b"Content-Type: application/problem+json\r\n" in reply
    return json.loads(bodies(reply)[-1])


# --- one request after the other


def test_pipelined_requests_are_answered_in_their_order(door: Door) -> None:
    sent = b"".join(
        b"GET /%b HTTP/1.1\r\n%b\r\n" % (path, HOST) for path in [b"a", b"fast", b"b", b"fast", b"fast"] * 20
    )
    found = bodies(door.say(sent + b"GET /end HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    once = [b"GET /%b  0 " % path for path in (b"a", b"fast", b"b", b"fast", b"fast")]
    assert found == [*once * 20, b"GET /end  0 "]


def test_bytes_may_come_one_by_one(door: Door) -> None:
    text = b"POST /large?a=1 HTTP/1.1\r\n" + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    text += b"5;name=x\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: y\r\n\r\n"
    with door.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in text:
            connection.sendall(bytes([byte]))
        assert bodies(read_all(connection)) == [b"POST /large a=1 11 hello world"]


def test_http_1_0_closes_unless_asked_to_stay(door: Door) -> None:
    reply = door.say(b"GET /x HTTP/1.0\r\n\r\n")
    assert b"Connection: close\r\n" in reply
    with door.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert read_reply(connection)[1]["Connection"] == "keep-alive"
        connection.sendall(b"GET /y HTTP/1.0\r\n\r\n")
        assert bodies(read_all(connection)) == [b"GET /y  0 "]


def test_a_client_that_has_sent_all_still_gets_its_replies(door: Door) -> None:
    with door.connect() as connection:
        connection.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\nGET /b HTTP/1.1\r\n" + HOST + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert bodies(read_all(connection)) == [b"GET /a  0 ", b"GET /b  0 "]


def test_what_follows_the_last_request_is_nobody_s(door: Door) -> None:
    reply = door.say(b"GET /a HTTP/1.1\r\n" + CLOSE + b"\r\nGET /b HTTP/1.1\r\n" + HOST + b"\r\n")
    assert bodies(reply) == [b"GET /a  0 "]


def test_head_says_what_get_would_send(door: Door) -> None:
    with door.connect() as connection:
        for method in ("HEAD", "GET"):
            connection.sendall(f"{method} /fast HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            status, headers, body = read_reply(connection, method)
            assert status == 200
            assert headers["Content-Length"] == ("14" if method == "HEAD" else "13")
            assert ("X-Fast" in headers) == bool(body) == (method == "GET")


def test_java_s_wish_for_http_2_is_passed_over(door: Door) -> None:
    wish = (
        HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n"
    )
    sent = b"GET /a HTTP/1.1\r\n" + wish + b"\r\n"
    sent += b"POST /large HTTP/1.1\r\n" + wish + b"Content-Length: 26\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    sent += b"POST /large HTTP/1.1\r\n" + wish + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    found = bodies(door.say(sent + b"GET /end HTTP/1.1\r\n" + CLOSE + b"\r\n"))
    assert found[0] == b"GET /a  0 "
    assert found[-2:] == [b"POST /large  5 hello", b"GET /end  0 "]
    assert len(found) == 4


# --- what is refused


def test_what_proxies_may_read_otherwise_is_refused(door: Door) -> None:
    for head in (
        b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: +4\r\n\r\nabcd",
        b"GET / HTTP/1.1\nHost: test\n\n",
        b"GET / HTTP/1.1\r\nHost : test\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: yes\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /fast HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        reply = door.say(head)
        assert statuses(reply) == [400], head
        assert problem(reply)["status"] == 400


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\nHost: test\r\n\r\n", 505),
        (b"POST /large HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"a" * 15_000 + b"\r\nY: " + b"b" * 2_000, 431),
        (b"GET /" + b"a" * 40_000, 431),
    ],
)
def test_every_refusal_is_a_problem(door: Door, request_bytes: bytes, status: int) -> None:
    assert problem(door.say(request_bytes))["status"] == status


@pytest.mark.parametrize("end", [b"0\r\nX: " + b"a" * 600_000, b"5;" + b"x" * 600_000])
def test_trailers_and_chunk_extensions_have_an_end(door: Door, end: bytes) -> None:
    head = b"POST /large HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    with door.connect() as connection:
        connection.sendall(head)
        for begin in range(0, len(end), 100_000):
            try:
                connection.sendall(end[begin : begin + 100_000])
            except (BrokenPipeError, ConnectionResetError):
                break
        assert problem(read_all(connection))["status"] == 431


def test_a_large_body_is_refused_with_its_limit_before_it_is_sent(door: Door) -> None:
    head = b"POST /large HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 1000001\r\n\r\n"
    told = problem(door.say(head))
    assert (told["status"], told["limit"]) == (413, 1_000_000)
    assert "1,000,001" in told["detail"]
    assert "1,000,000" in told["detail"]
    assert "GRIDMAP_SOME_BYTES" in told["detail"]
    assert "1,000,000" in told["detail_zh"]


def test_a_large_body_in_chunks_is_refused_when_it_grows_too_large(door: Door) -> None:
    chunk = b"20000\r\n" + b"a" * 0x20000 + b"\r\n"
    with door.connect() as connection:
        connection.sendall(b"POST /large HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(8):
            connection.sendall(chunk)
        assert problem(read_all(connection))["limit"] == 1_000_000


def test_an_address_without_a_body_takes_little(door: Door) -> None:
    for method in (b"GET", b"POST", b"PUT"):
        told = problem(door.say(method + b" /x HTTP/1.1\r\n" + HOST + b"Content-Length: 70000\r\n\r\n"))
        assert told["limit"] == 65_536


def test_a_client_that_waits_is_told_to_go_on(door: Door) -> None:
    with door.connect() as connection:
        head = b"POST /large HTTP/1.1\r\n" + CLOSE + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert bodies(read_all(connection)) == [b"POST /large  5 hello"]


def test_the_refusal_of_a_later_request_comes_in_its_turn(door: Door) -> None:
    reply = door.say(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\nGARBAGE\r\n\r\n")
    assert statuses(reply) == [200, 400]


# --- what clients may cost


def until(happened: Callable[[], bool]) -> None:
    """Wait for what the loop's thread is about to do."""
    give_up = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def gated() -> tuple[Event, Event, Callable[..., Any]]:
    """An app that says when it was asked, and answers when it may."""
    asked, may = Event(), Event()

    def app(environment: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environment["PATH_INFO"] == "/slow":
            asked.set()
            assert may.wait(PATIENCE_S)
        return echo(environment, start_response)

    return asked, may, app


def test_silent_and_slow_clients_are_closed() -> None:
    with front_door(limits=Limits(idle_s=0.5, head_s=PATIENCE_S)) as door:
        for begun in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nabc"):
            with door.connect() as silent:
                silent.sendall(begun)
                assert read_all(silent) == b""
    with front_door(limits=Limits(idle_s=PATIENCE_S, head_s=0.5)) as door, door.connect() as slow:
        slow.sendall(b"GET / HT")
        assert read_all(slow) == b""


def test_a_client_that_does_not_read_is_closed_and_costs_no_more() -> None:
    def large(_environment: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [bytes(40_000_000)]

    with front_door(app=large, limits=Limits(idle_s=1)) as door, door.connect() as deaf:
        deaf.sendall((b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n") * 50)
        with door.connect() as other:  # others are answered meanwhile
            other.sendall(b"HEAD /y HTTP/1.1\r\n" + CLOSE + b"\r\n")
            assert read_reply(other, "HEAD")[0] == 200
        until(lambda: not door.front._connections)


def test_a_slow_answer_holds_up_its_own_connection_only() -> None:
    asked, may, app = gated()
    with front_door(app=app, limits=Limits(threads=2)) as door, door.connect() as one, door.connect() as two:
        one.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\nGET /next HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert asked.wait(PATIENCE_S)
        two.sendall(b"GET /quick HTTP/1.1\r\n" + HOST + b"\r\n")
        assert read_reply(two)[2] == b"GET /quick  0 "
        may.set()
        assert bodies(read_all(one)) == [b"GET /slow  0 ", b"GET /next  0 "]


def test_when_all_connections_are_taken_the_idlest_gives_way() -> None:
    asked, may, app = gated()
    with front_door(app=app, limits=Limits(connections=3, idle_s=PATIENCE_S)) as door, door.connect() as busy:
        busy.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        assert asked.wait(PATIENCE_S)
        idle = [door.connect() for _ in range(2)]
        for each in idle:
            each.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
            assert read_reply(each)[0] == 200
        with door.connect() as late:
            late.sendall(b"GET /b HTTP/1.1\r\n" + HOST + b"\r\n")
            assert read_reply(late)[0] == 200
        assert idle[0].recv(1) == b""
        may.set()
        assert read_reply(busy)[0] == 200
        for each in idle:
            each.close()


def test_when_all_are_busy_others_are_told_to_try_again() -> None:
    asked, may, app = gated()
    with front_door(app=app, limits=Limits(connections=1)) as door, door.connect() as busy:
        busy.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        assert asked.wait(PATIENCE_S)
        with door.connect() as late:
            reply = read_all(late)
        assert problem(reply)["type"] == "/problems#busy"
        assert b"Retry-After: 1\r\n" in reply
        may.set()
        assert read_reply(busy)[0] == 200


def test_bodies_of_all_together_have_a_limit_and_are_given_back() -> None:
    limits = Limits(held_bytes=1_500_000)
    post = b"POST /large HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n"
    with front_door(limits=limits, body_limits={"/large": LARGE}) as door:
        for _ in range(3):
            with door.connect() as first, door.connect() as second:
                first.sendall(post + bytes(999_999))
                until(lambda: door.front._held == 999_999)
                second.sendall(post + bytes(1_000_000))
                assert problem(read_all(second))["type"] == "/problems#busy"
                first.sendall(b"\0")
                assert read_reply(first)[2].startswith(b"POST /large  1000000 ")
        with door.connect() as gone:
            gone.sendall(post + bytes(500_000))
        until(lambda: not door.front._held)


def test_what_is_under_way_is_answered_in_the_end() -> None:
    asked, may, app = gated()
    with front_door(app=app, limits=Limits(grace_s=PATIENCE_S)) as door:
        busy = door.connect()
        busy.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        assert asked.wait(PATIENCE_S)
        may.set()
    assert read_reply(busy)[2] == b"GET /slow  0 "
    assert busy.recv(1) == b""
    busy.close()


def test_an_answer_without_end_is_not_waited_for() -> None:
    asked, may, app = gated()
    with front_door(app=app, limits=Limits(grace_s=0.1)) as door:
        busy = door.connect()
        busy.sendall(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        assert asked.wait(PATIENCE_S)
    may.set()
    assert busy.recv(1) == b""
    busy.close()


def test_an_app_that_fails_is_a_problem_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_environment: dict[str, Any], _start: Callable[..., Any]) -> list[bytes]:
        raise ZeroDivisionError("/srv/secret")

    with front_door(app=fail) as door, door.connect() as connection:
        for _ in range(2):  # the connection stays
            connection.sendall(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
            status, _, body = read_reply(connection)
            assert (status, json.loads(body)["type"]) == (500, "/problems#internal")
            assert b"secret" not in body
    assert "/srv/secret" in caplog.text


def test_connections_are_as_many_as_files_may_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    may = [(1_024, 20_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: may[0])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, given: asked.append(given))
    assert with_room(Limits()) == Limits()
    assert asked == [(Limits().connections + SPARE_FILES, 20_000)]
    may[0] = (1_024, 2_048)
    assert with_room(Limits()).connections == 2_048 - SPARE_FILES
    may[0] = (512, resource.RLIM_INFINITY)
    assert with_room(Limits()) == Limits()
    may[0] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    asked.clear()
    assert with_room(Limits()) == Limits()
    assert asked == []


# --- answers given later


class Later:
    """A handler that keeps its tickets until the test answers them; it leaves `?app` to the app."""

    def __init__(self) -> None:
        self.taken: list[tuple[Request, Ticket]] = []

    def __call__(self, request: Request, ticket: Ticket) -> bool:
        if request.target.endswith(b"?app"):
            return False
        if request.target.endswith(b"?broken"):
            raise ZeroDivisionError("/srv/secret")
        self.taken.append((request, ticket))
        return True

    def answers(self) -> list[tuple[Ticket, list[bytes]]]:
        """What each is told: its own body."""
        return [
            (ticket, write_reply(request, 201, [], b"".join(request.body), close=not request.keep_alive))
            for request, ticket in self.taken
        ]


def post(path: bytes, body: bytes, more: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path, HOST, more, len(body), body)


@pytest.fixture(name="later")
def _later() -> Later:
    return Later()


@pytest.fixture(name="direct")
def _direct(later: Later) -> Iterator[Door]:
    with front_door(direct={("POST", "/large"): later}, body_limits={"/large": LARGE}) as running:
        yield running


def test_many_clients_are_answered_at_once_from_any_thread(direct: Door, later: Later) -> None:
    clients = [direct.connect() for _ in range(20)]
    for number, client in enumerate(clients):
        client.sendall(post(b"/large", b"event %d" % number))
    until(lambda: len(later.taken) == len(clients))
    assert direct.front._held == sum(request.size for request, _ in later.taken) > 0
    writer = Thread(target=direct.front.done_many, args=(later.answers(),))
    writer.start()
    for number, client in enumerate(clients):
        assert read_reply(client)[::2] == (201, b"event %d" % number)
        client.close()
    writer.join()
    until(lambda: not direct.front._held)


def test_an_answer_given_later_keeps_its_turn(direct: Door, later: Later) -> None:
    with direct.connect() as client:
        client.sendall(
            post(b"/large", b"one")
            + post(b"/large?app", b"two")
            + post(b"/large", b"three", b"Connection: close\r\n")
        )
        until(lambda: len(later.taken) == 1)
        later.taken[0][1](later.answers()[0][1])
        until(lambda: len(later.taken) == 2)
        direct.front.done_many(later.answers()[1:])
        found = read_all(client)
    assert bodies(found) == [b"one", b"POST /large app 3 two", b"three"]
    assert statuses(found) == [201, 200, 201]


def test_only_the_first_answer_counts(direct: Door, later: Later) -> None:
    with direct.connect() as client:
        client.sendall(post(b"/large", b"one"))
        until(lambda: bool(later.taken))
        answer = later.answers()[0]
        direct.front.done_many([answer, answer])
        answer[0](answer[1])
        assert read_reply(client)[2] == b"one"
        client.sendall(b"GET /a HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert bodies(read_all(client)) == [b"GET /a  0 "]
    assert direct.front._held == 0


def test_a_handler_that_fails_is_a_problem_and_a_line_in_the_log(
    direct: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with direct.connect() as client:
        for _ in range(2):
            client.sendall(post(b"/large?broken", b"x"))
            status, _, body = read_reply(client)
            assert (status, json.loads(body)["type"]) == (500, "/problems#internal")
            assert b"secret" not in body
    assert "/srv/secret" in caplog.text
    assert direct.front._held == 0


def test_who_has_gone_is_answered_without_harm(direct: Door, later: Later) -> None:
    client = direct.connect()
    client.sendall(post(b"/large", b"one"))
    until(lambda: bool(later.taken))
    assert not later.taken[0][1].is_gone()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # with a reset: one that only sends no more may still want its answer
    until(later.taken[0][1].is_gone)
    direct.front.done_many(later.answers())
    until(lambda: not direct.front._held)


def test_what_is_to_be_answered_later_is_waited_for_in_the_end() -> None:
    later = Later()
    limits = Limits(grace_s=PATIENCE_S)
    with front_door(direct={("POST", "/x"): later}, limits=limits) as door:
        client = door.connect()
        client.sendall(post(b"/x", b"one"))
        until(lambda: bool(later.taken))
        writer = Timer(0.1, door.front.done_many, [later.answers()])
        writer.start()
    writer.join()
    assert read_reply(client)[::2] == (201, b"one")
    assert client.recv(1) == b""
    client.close()
    later.taken[0][1]([b"nobody waits any more"])


def test_pieces_of_a_reply_pass_the_gate(direct: Door, later: Later) -> None:
    with direct.connect() as client:
        client.sendall(post(b"/large", b"one"))
        until(lambda: bool(later.taken))
        request, ticket = later.taken[0]
        ticket(pieces_of(request, Reply(b"{}", status=201), "areas"))
        status, headers, body = read_reply(client)
    assert (status, body) == (201, b"{}")
    assert headers["X-Content-Type-Options"] == "nosniff"


# --- streams


class Streams:
    """An opener whose streams the test writes to; it refuses `?no` and fails at `?broken`."""

    def __init__(self) -> None:
        self.began = 0
        self.open: list[Told] = []

    def begin(self, _loop: asyncio.AbstractEventLoop, _limits: Limits) -> None:
        self.began += 1

    def __call__(self, request: Request, connection: Turns) -> list[bytes] | None:
        if request.target.endswith(b"?broken"):
            raise ZeroDivisionError("/srv/secret")
        if request.target.endswith(b"?no"):
            return pieces_of(request, Reply(b"no", status=403), None)
        stream = Told()
        stream.transport = connection.stream(stream)
        stream.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.open.append(stream)
        return None


class Told:
    """A stream that remembers what it was told."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.told: list[str] = []

    def paused(self) -> None:
        self.told.append("paused")

    def resumed(self) -> None:
        self.told.append("resumed")

    def ended(self) -> None:
        self.told.append("ended")

    def finish(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"bye")
            self.transport.close()


@pytest.fixture(name="streams")
def _streams() -> Streams:
    return Streams()


@pytest.fixture(name="streaming")
def _streaming(streams: Streams) -> Iterator[Door]:
    at = {("GET", "/stream"): streams, ("HEAD", "/stream"): streams}
    with front_door(streams=at, limits=Limits(idle_s=0.5, head_s=0.5, grace_s=PATIENCE_S)) as running:
        yield running


STREAM = b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n"


def test_a_request_becomes_a_stream_in_its_turn_and_what_follows_is_nobody_s(
    streaming: Door, streams: Streams
) -> None:
    assert streams.began == 1
    with streaming.connect() as client:
        client.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n" + STREAM + post(b"/b", b"x" * 100) + STREAM)
        until(lambda: bool(streams.open))
        client.sendall(b"what is this? " * 10_000)
        time.sleep(2)  # longer than it may be idle
        assert not streaming.front._held
        assert len(streams.open) == 1
        assert streams.open[0].told == []
        streaming.front._loop.call_soon_threadsafe(streams.open[0].transport.write, b"news")
        found = b""
        while not found.endswith(b"news"):
            found += client.recv(1_000)
    assert statuses(found) == [200, 200]
    assert bodies(found)[1] == b"news"
    until(lambda: streams.open[0].told == ["ended"])
    until(lambda: not streaming.front._connections)


def test_a_listener_that_closes_its_side_has_gone(streaming: Door, streams: Streams) -> None:
    with streaming.connect() as client:
        client.sendall(STREAM)
        until(lambda: bool(streams.open))
        client.shutdown(socket.SHUT_WR)
        until(lambda: streams.open[0].told == ["ended"])


def test_a_stream_is_told_when_its_client_does_not_read_and_when_it_does(
    streaming: Door, streams: Streams
) -> None:
    with streaming.connect() as client:
        client.sendall(STREAM)
        until(lambda: bool(streams.open))
        streaming.front._loop.call_soon_threadsafe(streams.open[0].transport.write, bytes(20_000_000))
        until(lambda: streams.open[0].told == ["paused"])
        left = 20_000_000
        while left > 0:
            left -= len(client.recv(1 << 20))
        until(lambda: streams.open[0].told == ["paused", "resumed"])


def test_an_opener_may_refuse_or_fail_and_the_connection_stays(
    streaming: Door, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    no, broken = (b"GET /stream?%b HTTP/1.1\r\n%b\r\n" % (what, HOST) for what in (b"no", b"broken"))
    with streaming.connect() as client:
        client.sendall(no * 3_000 + broken + b"GET /end HTTP/1.1\r\n" + CLOSE + b"\r\n")
        found = read_all(client)
    assert statuses(found) == [403] * 3_000 + [500, 200]
    assert "/srv/secret" in caplog.text
    assert streams.open == []


def test_streams_are_no_idle_connections_that_give_way(streams: Streams) -> None:
    limits = Limits(connections=2, idle_s=PATIENCE_S)
    with front_door(streams={("GET", "/stream"): streams}, limits=limits) as door:
        listening = [door.connect() for _ in range(2)]
        for client in listening:
            client.sendall(STREAM)
        until(lambda: len(streams.open) == 2)
        with door.connect() as late:
            assert statuses(read_all(late)) == [503]
        assert all(each.told == [] for each in streams.open)
        for client in listening:
            client.close()


def test_streams_are_closed_at_once_in_the_end_however_long_others_may_take(streams: Streams) -> None:
    begun = time.monotonic()
    limits = Limits(grace_s=PATIENCE_S)
    with front_door(streams={("GET", "/stream"): streams}, limits=limits) as door:
        one, deaf = door.connect(), door.connect()
        for number, client in enumerate((one, deaf), 1):
            client.sendall(STREAM)
            until(lambda number=number: len(streams.open) == number)  # type: ignore[misc]
        door.front._loop.call_soon_threadsafe(streams.open[1].transport.write, bytes(20_000_000))
        until(lambda: streams.open[1].told == ["paused"])
    assert time.monotonic() - begun < PATIENCE_S
    assert read_all(one).endswith(b"bye")
    one.close()
    deaf.close()

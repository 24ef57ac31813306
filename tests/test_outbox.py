"""Webhooks: signed, tried again, never forgotten, never told by two at a time."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner
from standardwebhooks.webhooks import Webhook

from gridmap.cli import main
from gridmap.errors import InputError
from gridmap.outbox import RETRIES_S, Outbox, Posted, message, new_hook, over_http
from gridmap.store.home import Home
from gridmap.store.log import EVENT, ORDER, Entry, Fact
from gridmap.store.outbook import DEAD, WAITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gridmap.store.store import Store

ADDRESS = "https://example.org/told"
BEGIN = datetime(2026, 5, 1, 8, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Receiver:
    """A receiver that answers what a test says, and remembers what came."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)
        self.got: list[tuple[str, bytes, dict[str, str]]] = []

    def __call__(self, address: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        self.got.append((address, body, dict(headers)))
        status = self._statuses.pop(0) if self._statuses else 200
        return Posted(status, "" if status else "ConnectError: refused")

    @property
    def seqs(self) -> list[int]:
        return [json.loads(body)["data"]["seq"] for _, body, _ in self.got]


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    with Home.create(tmp_path / "home").store() as store:
        yield store


def outbox(store: Store, clock: Clock, receiver: Receiver) -> Outbox:
    """An outbox that tells when a test says so."""
    made = Outbox(store.hooks, clock, receiver, every_s=3600)
    made.close()
    made._stop.clear()
    return made


def say(store: Store, *names: str, kind: str = EVENT) -> None:
    store.log.add([Fact(kind, name, json.dumps({"id": name, "action": "accept"})) for name in names])


def gather(store: Store, clock: Clock) -> None:
    while store.hooks.gather(100, int(clock.now.timestamp() * 1000)):
        pass


def test_a_body_is_signed_by_the_rules_of_standard_webhooks() -> None:
    hook = new_hook(ADDRESS, (), 0)
    now = datetime.now(UTC)
    body, headers = message(hook, Entry(7, EVENT, "a/1", '{"id":"1","op":"close","title":"井盖"}'), now)
    said: Any = Webhook(hook.secret).verify(body, headers)
    assert said["type"] == "event.close"
    assert said["data"] == {"seq": 7, "id": "1", "op": "close", "title": "井盖"}
    assert headers["webhook-id"] == f"{hook.id}-7"


@pytest.mark.parametrize("address", ["", "ftp://example.org", "https://", "http://user:word@example.org/"])
def test_an_address_that_cannot_be_posted_to_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="address"):
        new_hook(address, (), 0)


def test_a_kind_that_the_log_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="kinds: 'events' is no kind"):
        new_hook(ADDRESS, ("events",), 0)


def test_each_row_that_is_wanted_is_told_once_and_in_order(store: Store) -> None:
    clock, receiver = Clock(), Receiver()
    say(store, "before")
    hook = new_hook(ADDRESS, (EVENT,), store.log.head())
    store.hooks.add(hook)
    say(store, "a", "b")
    say(store, "o", kind=ORDER)
    say(store, "c")
    gather(store, clock)
    assert outbox(store, clock, receiver).tell(hook) == 3
    assert receiver.seqs == [2, 3, 5]
    gather(store, clock)
    assert outbox(store, clock, receiver).tell(hook) == 0


def test_what_fails_is_tried_again_and_is_a_dead_letter_in_the_end(store: Store) -> None:
    clock, receiver = Clock(), Receiver(*([500, None] * 5))
    hook = new_hook(ADDRESS, (), 0)
    store.hooks.add(hook)
    say(store, "a")
    gather(store, clock)
    teller = outbox(store, clock, receiver)
    for wait_s in RETRIES_S:
        assert teller.tell(hook) == 1
        clock.go(wait_s - 1)
        assert teller.tell(hook) == 0, "too early"
        clock.go(1)
    assert teller.tell(hook) == 1
    assert store.hooks.counts(hook.id) == {DEAD: 1}
    (letter,) = store.hooks.letters(hook.id, DEAD, 10)
    assert (letter.tries, letter.problem) == (len(RETRIES_S) + 1, "ConnectError: refused")
    assert {headers["webhook-id"] for _, _, headers in receiver.got} == {f"{hook.id}-1"}
    assert store.hooks.replay(hook, None, int(clock.now.timestamp() * 1000)) == 1
    assert teller.tell(hook) == 1
    assert store.hooks.counts(hook.id) == {}


def test_gone_ends_the_hook(store: Store) -> None:
    clock, receiver = Clock(), Receiver(410)
    hook = new_hook(ADDRESS, (), 0)
    store.hooks.add(hook)
    say(store, "a", "b")
    gather(store, clock)
    outbox(store, clock, receiver).tell(hook)
    assert store.hooks.hooks() == []
    assert [each.id for each in store.hooks.hooks(ended=True)] == [hook.id]


def test_a_delivery_belongs_to_one_process_for_a_minute(store: Store) -> None:
    clock = Clock()
    hook = new_hook(ADDRESS, (), 0)
    store.hooks.add(hook)
    say(store, "a")
    gather(store, clock)
    now_ms = int(clock.now.timestamp() * 1000)
    assert len(store.hooks.claim(hook.id, now_ms, now_ms + 60_000, 10)) == 1
    assert store.hooks.claim(hook.id, now_ms + 59_000, now_ms + 60_000, 10) == []
    assert len(store.hooks.claim(hook.id, now_ms + 60_000, now_ms + 120_000, 10)) == 1


def test_all_behind_a_number_can_be_told_again(store: Store) -> None:
    clock, receiver = Clock(), Receiver()
    say(store, "before", "all")
    hook = new_hook(ADDRESS, (), store.log.head())
    store.hooks.add(hook)
    say(store, "a")
    gather(store, clock)
    teller = outbox(store, clock, receiver)
    teller.tell(hook)
    assert store.hooks.replay(hook, 1, int(clock.now.timestamp() * 1000)) == 2
    teller.tell(hook)
    assert receiver.seqs == [3, 2, 3]


def test_it_runs_by_itself_over_http(store: Store) -> None:
    got: list[tuple[bytes, dict[str, str]]] = []
    came = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((body, dict(self.headers.items())))
            self.send_response(302 if len(got) == 1 else 204)
            self.send_header("location", "/elsewhere")
            self.end_headers()
            came.set()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/told"
        hook = new_hook(address, (), 0)
        store.hooks.add(hook)
        say(store, "a")
        running = Outbox(store.hooks, lambda: datetime.now(UTC), every_s=0.02)
        assert came.wait(30)
        running.close()
        server.shutdown()
    Webhook(hook.secret).verify(*got[0])
    for _ in range(100):
        if store.hooks.letters(hook.id, WAITS, 1)[0].tries == 1:
            break
        threading.Event().wait(0.05)
    assert store.hooks.letters(hook.id, WAITS, 1)[0].problem == "status 302", "a redirect is not followed"
    assert len(got) == 1


def test_a_receiver_that_is_not_there_is_a_problem_in_words() -> None:
    with httpx.Client() as client:
        posted = over_http(client, "http://127.0.0.1:1/", b"{}", {})
    assert posted.status is None
    assert "refused" in posted.problem


def test_the_operator_adds_lists_replays_and_ends_hooks(store: Store, tmp_path: Path) -> None:
    home = str(tmp_path / "home")

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["hooks", *words, "--home", home])
        assert done.exit_code == 0, done.output
        return done.output

    id_, secret = run("add", ADDRESS, "--kinds", "event,order").split()
    assert secret.startswith("whsec_")
    said = json.loads(run("list", "--json"))
    assert (said["id"], said["state"], said["kinds"]) == (id_, "live", ["event", "order"])
    assert "waits" in said
    assert "0 to be told again" in run("replay", id_)
    run("end", id_)
    assert json.loads(run("list", "--json"))["state"] == "ended"
    assert run("dead", id_) == ""
    assert store.hooks.hooks() == []

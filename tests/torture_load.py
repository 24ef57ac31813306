"""The torture's servers, two on one home, and the clients that send until the kill comes."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torture_events import BreachError, Ledger, Sent, make_event
from wrk import cpu_seconds

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SERVE = "from gridmap.cli import main; main()"

START_S = 240
"""How long a start is waited for at all; what is allowed is measured by the caller."""

SINGLES = 5
"""Clients of each server that send one event at a time; one more sends batches."""


class Server:
    """One process of `gridmap serve`."""

    def __init__(self, home: Path, errors: Path, environment: Mapping[str, str]) -> None:
        self.begun = time.monotonic()
        self._errors = errors
        with errors.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, "serve", "--home", str(home), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
            )
        self.port = 0
        self.up_s = 0.0
        self.cpu_s = 0.0

    def wait(self) -> None:
        """Wait until it answers a question about events."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(START_S):
                raise BreachError(f"a server has not started within {START_S} s, see {self._errors}")
        line = self.process.stdout.readline().decode()
        found = re.search(r":(\d+)/$", line.strip())
        if found is None:
            code = self.process.wait(10)
            raise BreachError(
                f"a server did not start: exit code {code}, it said {line!r}, see {self._errors}"
            )
        self.port = int(found[1])
        status, body = self.ask("/events?limit=1")
        if status != 200:
            raise BreachError(f"a server came up and answered {status}: {body[:300]!r}")
        self.up_s = time.monotonic() - self.begun
        self.cpu_s = cpu_seconds(self.process.pid)

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST" if body else "GET", path, body, {"Content-Type": kind} if body else {})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def kill(self) -> None:
        """Kill it, as `kill -9` does."""
        self.process.kill()

    def gone(self) -> None:
        """Wait until it is no more."""
        self.process.kill()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(home: Path, errors: Path, environment: Mapping[str, str], count: int = 2) -> list[Server]:
    """Start servers on one home, all at once, and wait until they answer."""
    servers = [Server(home, errors, environment) for _ in range(count)]
    try:
        for each in servers:
            each.wait()
    except BaseException:
        for each in servers:
            each.gone()
        raise
    return servers


@dataclass(slots=True)
class Load:
    """Clients that send events to servers until they are told to stop, or nobody answers any more."""

    ledger: Ledger
    chance: random.Random
    label: str
    known: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False
    broken: list[str] = field(default_factory=list)
    _count: int = 0

    def run(self, servers: Sequence[Server], seconds: float, kill: Callable[[int], None]) -> None:
        """Send to all servers; after some seconds `kill` is called with each one's number."""
        asyncio.run(self._run(servers, seconds, kill))
        if self.broken:
            raise BreachError(self.broken[0])

    async def _run(self, servers: Sequence[Server], seconds: float, kill: Callable[[int], None]) -> None:
        again = self.ledger.unanswered()
        self.chance.shuffle(again)
        tasks = []
        for number, server in enumerate(servers):
            mine = again[number :: len(servers)]
            tasks.append(asyncio.create_task(self._client(server.port, batches=True)))
            for place in range(SINGLES):
                part = mine[place::SINGLES]
                tasks.append(asyncio.create_task(self._client(server.port, batches=False, again=part)))
        await asyncio.sleep(seconds)
        for number in range(len(servers)):
            kill(number)
            if number == 0 and self.chance.random() < 0.5:  # the other one goes on alone for a moment
                await asyncio.sleep(self.chance.random() * 0.3)
        self.stopped = True
        await asyncio.wait(tasks, timeout=20)
        for each in tasks:
            each.cancel()

    async def _client(self, port: int, *, batches: bool, again: Sequence[Sent] = ()) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        try:
            for each in again:
                await self._single(reader, writer, each)
            while not self.stopped:
                if batches:
                    await self._batch(reader, writer)
                else:
                    await self._single(reader, writer, self._next())
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the server was killed: nothing was heard of what was under way
        except BreachError as breach:
            self.broken.append(str(breach))
        finally:
            writer.close()

    def _next(self) -> Sent:
        """A new event, or now and then one that was acknowledged already."""
        if self.known and self.chance.random() < 0.05:
            event = self.chance.choice([*self.ledger.events.values()][-50:])
            if event.acknowledged:
                return event
        self._count += 1
        event = make_event(f"{self.label}-{self._count}", self.chance, self.known)
        self.ledger.events[event.key] = event
        return event

    async def _single(self, reader: Any, writer: Any, event: Sent) -> None:
        before = event.tried, event.acknowledged, event.told
        event.tried = True
        status, body = await exchange(reader, writer, event.line.encode(), "application/json")
        text = body.decode()
        if status not in (200, 201) or (status == 201 and before[1]) or (status == 200 and not before[0]):
            raise BreachError(
                f"{event.key}, sent and acknowledged before: {before[:2]}, got {status} {text[:300]}"
            )
        if before[2] not in (None, text):
            raise BreachError(f"{event.key} was acknowledged as {before[2]} and then as {text}")
        self._acknowledge(event, text)

    async def _batch(self, reader: Any, writer: Any) -> None:
        events = [self._next() for _ in range(self.chance.choice((1, 20, 200, 600)))]
        fresh = len({each.key for each in events if not each.tried})
        for each in events:
            each.tried = True
        lines = "\n".join(each.line for each in events).encode()
        status, body = await exchange(reader, writer, lines, "application/x-ndjson")
        said = json.loads(body)
        if status != 200 or said["rejected_count"] or said["accepted"] + said["duplicates"] != len(events):
            raise BreachError(f"a batch of {len(events)} got {status} {body[:300]!r}")
        if said["accepted"] > fresh:
            raise BreachError(f"a batch with {fresh} new events was told that {said['accepted']} are new")
        for each in events:
            self._acknowledge(each, None)

    def _acknowledge(self, event: Sent, told: str | None) -> None:
        if not event.acknowledged and self.chance.random() < 0.2:
            said = json.loads(event.line)
            self.known.append((said["source"], said["id"]))
        event.acknowledged = True
        event.told = event.told or told


async def exchange(reader: Any, writer: Any, body: bytes, kind: str) -> tuple[int, bytes]:
    """One POST /events on a connection that is kept."""
    head = f"POST /events HTTP/1.1\r\nHost: torture\r\nContent-Type: {kind}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"(?i)content-length: *(\d+)", told)
    return int(told.split(" ", 2)[1]), await reader.readexactly(int(length[1]) if length else 0)

"""The link to a running service: asked and told over one connection, patient while it is busy or away.

A service that is busy (503) or does not answer is asked again, at first soon, then every half minute at
most. What is sent twice is one fact for it, so an answer that got lost does no harm. After a while without
any answer the link gives up.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import httpx

from gridmap.client import ServiceError
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BUSY: Final = frozenset({429, 502, 503, 504})
LONGEST_S: Final = 30.0
PATIENCE_S: Final = 120.0
"""How long a service may be away."""
SLICE_S: Final = 0.2
"""How often it is looked whether the run was told to end."""


class EndedError(Exception):
    """The run was told to end, by a signal or because whoever started it is gone."""


class Clock(Protocol):
    """The time of a run, and how it waits."""

    def now(self) -> float:
        """Seconds since 1970."""

    def wait(self, seconds: float) -> None:
        """Wait. EndedError: the run was told to end meanwhile, or before."""


class WallClock:
    """The time on the wall, for one thread; `gone` says whether whoever started the run is gone."""

    def __init__(self, gone: Callable[[], bool] = lambda: False) -> None:
        self._ended = False
        self._gone = gone

    def end(self) -> None:
        """End the run at its next wait; a signal handler may call it."""
        self._ended = True

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Wait. EndedError as the protocol."""
        until = time.monotonic() + seconds
        while not (self._ended or self._gone()):
            left = until - time.monotonic()
            if left <= 0.0:
                return
            time.sleep(min(left, SLICE_S))
        raise EndedError


class Taken(NamedTuple):
    """What became of events that were sent; `reasons` of those that were rejected."""

    accepted: int
    duplicates: int
    reasons: tuple[str, ...]


class Link:
    """Asks and tells a service at an address; close it when done."""

    def __init__(
        self,
        address: str,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        if not address.startswith(("http://", "https://")):
            raise InputError("server", f"{address!r} is no address; give one such as http://127.0.0.1:8000")
        self.address = address.rstrip("/")
        self._clock = clock
        self._patience_s = patience_s
        # An address of one's own is not asked for through a proxy of the environment.
        self._http = httpx.Client(timeout=30.0, transport=transport, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def check_synthetic(self, patience_s: float | None = None) -> None:
        """Refuse a real city: nobody invents events for it. InputError then."""
        said = self.get("/readyz", patience_s=patience_s)
        if said is None or not said.get("synthetic"):
            reason = f"{self.address} serves a real city; invented events are only for a synthetic one"
            raise InputError("server", f"{reason} (gridmap city chongqing makes one)")

    def get(
        self, path: str, query: Mapping[str, object] | None = None, patience_s: float | None = None
    ) -> dict[str, Any] | None:
        """The JSON at a path; None where there is none (404). ServiceError: it was refused."""
        reply = self._ask("GET", path, query or {}, None, "", patience_s)
        if reply.status_code == 404:
            return None
        if not reply.is_success:
            raise _refused(reply)
        found: dict[str, Any] = reply.json()
        return found

    def post(self, events: Sequence[Mapping[str, Any]]) -> Taken:
        """Send events, and wait until they are on disk. ServiceError: the body was refused."""
        body = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
        reply = self._ask("POST", "/events", {}, body, "application/x-ndjson")
        if not reply.is_success:
            raise _refused(reply)
        said = reply.json()
        reasons = tuple(each["reason"] for each in said["rejected"])
        return Taken(said["accepted"], said["duplicates"], reasons)

    def send_photo(self, photo: bytes, media_type: str) -> str:
        """Send a photo; what it is named by. ServiceError: it was refused."""
        reply = self._ask("POST", "/attachments", {}, photo, media_type)
        if not reply.is_success:
            raise _refused(reply)
        return str(reply.json()["id"])

    def act(self, order: str, action: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do something to an order; the order then, None where it is not possible (any more)."""
        body = json.dumps(action, ensure_ascii=False).encode()
        reply = self._ask("POST", f"/orders/{order}/actions", {}, body, "application/json")
        if not reply.is_success:
            return None
        found: dict[str, Any] = reply.json()
        return found

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        content: bytes | None,
        kind: str,
        patience_s: float | None = None,
    ) -> httpx.Response:
        began = self._clock.now()
        pause_s = 0.25
        headers = {"Content-Type": kind} if kind else {}
        given = {name: str(value) for name, value in query.items()}
        patience_s = self._patience_s if patience_s is None else patience_s
        while True:
            asked_s = 0.0
            self._clock.wait(0.0)  # told to end?
            try:
                reply = self._http.request(
                    method, self.address + path, params=given, content=content, headers=headers
                )
            except httpx.TransportError as error:
                if self._clock.now() - began >= patience_s:
                    text = f"{self.address} does not answer ({error}): is `gridmap serve` running there?"
                    raise ServiceError(text) from error
            else:
                if reply.status_code not in BUSY:
                    return reply
                asked_s = _asked_s(reply)
                if self._clock.now() - began >= patience_s:
                    raise _refused(reply)
            self._clock.wait(max(pause_s, asked_s))
            pause_s = min(2 * pause_s, LONGEST_S)


def _asked_s(reply: httpx.Response) -> float:
    """How long a busy service asks to be left alone."""
    text = reply.headers.get("retry-after", "")
    return min(float(text), LONGEST_S) if text.isascii() and text.isdigit() else 0.0


def _refused(reply: httpx.Response) -> ServiceError:
    try:
        problem = reply.json()
    except ValueError:  # a proxy's own page
        problem = {}
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return ServiceError(detail or f"HTTP {reply.status_code}", reply.status_code)

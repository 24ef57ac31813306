"""The outbox: what stands in the log, told to other systems as signed webhooks.

It follows the rules of Standard Webhooks (standardwebhooks.com): `webhook-id` stays the same when a delivery
is repeated, so that a receiver can tell; `webhook-timestamp` and `webhook-signature` prove who sent it and
when. What is answered with 2xx is told. Anything else is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14,
20 and 24 h, and is a dead letter then, to be replayed by hand. 410 says that nobody wants it any more: the
hook ends. Redirects are not followed: they would lead a signed body to where nobody has agreed to it.

Each hook has a thread of its own, so one that hangs delays nobody else. Rows are told in the log's order, but
a repeated one comes later; the receiver has `seq` to sort by. Of several processes on a city any may tell:
who takes a delivery has it for a minute, and if he dies then, another tells it, perhaps for the second time.

Hooks are made by the operator (`gridmap hooks`), not over HTTP: who may choose an address can have this
server ask anything in its own network.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
from datetime import UTC, datetime
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from gridmap.errors import GridmapError, InputError
from gridmap.store.log import EDITION, EVENT, NOTICE, ORDER
from gridmap.store.outbook import Hook
from gridmap.trying import Trying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gridmap.store.log import Entry
    from gridmap.store.outbook import Delivery, OutBook

LOG: Final = logging.getLogger(__name__)

KINDS: Final = (EVENT, ORDER, NOTICE, EDITION)

RETRIES_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after which a delivery is tried again; after the last it is dead."""

TIMEOUT_S: Final = 15.0
LEASE_S: Final = 60.0
"""How long a delivery is one process's own."""

AT_ONCE: Final = 100
EVERY_S: Final = 0.5
"""How often a hook looks for what is due."""

MOST: Final = 32
"""Hooks of a city; each has a thread."""


class Posted(NamedTuple):
    """What came of a delivery: a status, or why there is none."""

    status: int | None
    problem: str = ""


def new_hook(address: str, kinds: Sequence[str], since: int) -> Hook:
    """A hook with a secret of its own. InputError: no address to post to, or an unknown kind."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise InputError("address", f"{address[:100]!r} is none to post to; write https://host/path")
    strange = next((kind for kind in kinds if kind not in KINDS), None)
    if strange is not None:
        raise InputError("kinds", f"{strange!r} is no kind of the log; give some of {', '.join(KINDS)}")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    return Hook(f"h-{secrets.token_hex(4)}", address, secret, tuple(dict.fromkeys(kinds)), since, None)


def message(hook: Hook, entry: Entry, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a delivery, signed."""
    data = json.loads(entry.body)
    kind = f"{entry.kind}.{data.get('op', 'open')}" if entry.kind == EVENT else entry.kind
    kind = f"{kind}.{data['action']}" if entry.kind == ORDER else kind
    said = {
        "type": kind,
        "timestamp": now.isoformat(timespec="milliseconds"),
        "data": {"seq": entry.seq, **data},
    }
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    id_ = f"{hook.id}-{entry.seq}"
    headers = {
        "content-type": "application/json",
        "user-agent": "gridmap",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(hook.secret).sign(id_, now, body),
    }
    return body.encode(), headers


class Outbox:
    """Tells hooks what the log says; `close` ends it."""

    def __init__(
        self,
        book: OutBook,
        clock: Callable[[], datetime],
        post: Callable[[str, bytes, Mapping[str, str]], Posted] | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        """`post` sends a body to an address; by default over HTTP."""
        self._book = book
        self._clock = clock
        self._client = httpx.Client(
            timeout=TIMEOUT_S
        )  # one for all: making one reads all certificates, 40 ms
        self._post = post or partial(over_http, self._client)
        self._every_s = every_s
        self._stop = Event()
        self._tellers: dict[str, Thread] = {}
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell no more; what is on its way may still arrive."""
        self._stop.set()
        self._thread.join(5)
        for teller in self._tellers.values():
            teller.join(1)
        self._client.close()

    def tell(self, hook: Hook) -> int:
        """Make what deliveries are due; how many that were."""
        now = self._clock()
        due = self._book.claim(hook.id, _ms(now), _ms(now) + int(LEASE_S * 1000), AT_ONCE)
        for delivery, entry in due:
            late_s = (self._clock() - now).total_seconds()
            if self._stop.is_set() or late_s > LEASE_S - TIMEOUT_S:  # the rest may soon be another process's
                break
            self._deliver(hook, delivery, entry)
        return len(due)

    def _deliver(self, hook: Hook, delivery: Delivery, entry: Entry) -> None:
        body, headers = message(hook, entry, self._clock())
        posted = self._post(hook.address, body, headers)
        if posted.status is not None and 200 <= posted.status < 300:
            self._book.done(delivery)
            return
        if posted.status == 410:  # Gone
            LOG.warning("hook %s: the receiver wants no more (410), it is ended", hook.id)
            self._book.end(hook.id, _ms(self._clock()))
            return
        problem = posted.problem or f"status {posted.status}"
        wait_s = RETRIES_S[delivery.tries] if delivery.tries < len(RETRIES_S) else None
        next_ms = None if wait_s is None else _ms(self._clock()) + wait_s * 1000
        self._book.failed(delivery, problem, next_ms)
        if wait_s is None:
            LOG.error("hook %s: row %d could not be told (%s)", hook.id, delivery.seq, problem)

    def _run(self) -> None:
        trying = Trying(LOG, "webhooks are not told")
        while not self._stop.wait(self._every_s):
            with trying:
                live = {hook.id: hook for hook in self._book.hooks()[:MOST]}
                while live and self._book.gather(AT_ONCE * 10, _ms(self._clock())):
                    pass
                for id_, hook in live.items():
                    if id_ not in self._tellers or not self._tellers[id_].is_alive():
                        teller = Thread(target=self._tell, args=(hook,), name=f"hook-{id_}", daemon=True)
                        self._tellers[id_] = teller
                        teller.start()

    def _tell(self, hook: Hook) -> None:
        """Tell one hook, for as long as there is something to tell; the outbox begins anew later."""
        try:
            while not self._stop.is_set() and self.tell(hook):
                pass
        except GridmapError as error:
            LOG.error("hook %s is not told: %s", hook.id, error)


def over_http(client: httpx.Client, address: str, body: bytes, headers: Mapping[str, str]) -> Posted:
    """Post a body. Nothing of the answer is read but its status."""
    try:
        with client.stream("POST", address, content=body, headers=dict(headers)) as answer:
            return Posted(answer.status_code)
    except (httpx.HTTPError, RuntimeError) as error:  # the latter when the client was closed meanwhile
        return Posted(None, f"{type(error).__name__}: {error}"[:200])


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)

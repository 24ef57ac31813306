"""The feed and its clock: the time in which devices could be heard at all.

Theory of operation. "Unheard for six hours" means something only if somebody was listening for six hours. So
there is a clock that runs only while the feed is up: this process runs, and its broker, where it has one, is
connected. Everything that runs against a device is counted on that clock. A broker that is away for ten
minutes, a server that is restarted, a machine that slept: the clock stood still, and nobody is overdue by a
second. Nothing has to be stored for 200,000 devices when the feed goes down or comes back.

After a break the clock waits a little longer (`settle_s`): devices have to find the broker again, and speak.

The clock is one row of the database. Each worker adds what it has listened since the moment that stands
there, so several workers on one city count every second once, and a worker whose broker is away adds nothing.
A machine's clock that is set back costs the time that was set back and no more.

What no broker tells: a gateway or an operator's network is dead, and the broker is well. Then many devices
are lost at the same time. Where more than a share of all devices, and no fewer than some, are lost within a
few minutes, it is taken for that: they are held as they are. Who is heard meanwhile lives; when enough are,
the rest get their time anew; and when none are for an hour they are believed to be offline: it is shown so,
without an event for each. The clock itself runs on, for the others' feed is not broken; what time alone would
bring about (a door that falls silent) waits for the device's next word, or for the end of the hour.

Left out: judging by how much is heard altogether (it has rhythms of its own, and a city with three devices
has no rhythm), and marking every state when the feed breaks (a storm of writes at the worst moment).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from gridmap.devices.rules import FeedRule

SET_BACK: Final = timedelta(minutes=10)
"""A machine's clock that is earlier than what is stored by more than this was set back."""


class Hold(Struct, frozen=True):
    """That many devices are lost at once: since when, when they are looked at next, how many."""

    since: int
    next: int
    count: int


class Feed(Struct, omit_defaults=True, frozen=True):
    """What is kept of the feed: its clock (ms) and the moment at which it was read, and what is under way.

    `lost` are the devices that went offline lately, as pairs of clock and count; `pending` are events that
    are decided and not yet told; `rules` is the fingerprint of the rules by which devices were looked at.
    """

    ms: int
    at: datetime
    rules: str = ""
    hold: Hold | None = None
    lost: tuple[tuple[int, int], ...] = ()
    pending: tuple[dict[str, Any], ...] = ()

    def at_moment(self, wall: datetime, since: datetime | None) -> Feed:
        """The feed's clock at a moment, told by one who has listened since another; None: who does not."""
        if since is None:
            return self
        if wall < self.at - SET_BACK:
            return replace(self, at=wall)
        begin = max(self.at, since)
        if wall <= begin:
            return self
        return replace(self, ms=self.ms + int((wall - begin).total_seconds() * 1000), at=wall)

    def losing(self, count: int, rule: FeedRule) -> Feed:
        """The feed after some devices went offline now."""
        kept = self.recent(rule)
        if count:
            kept = (*kept, (self.ms, count))
        return self if kept == self.lost else replace(self, lost=kept)

    def recent(self, rule: FeedRule) -> tuple[tuple[int, int], ...]:
        """The devices that went offline within the window."""
        return tuple(each for each in self.lost if each[0] > self.ms - 1000 * rule.window_s)

    def is_mass(self, due: int, expected: int, rule: FeedRule) -> bool:
        """Whether so many due devices, with those lost lately, are too many to be believed."""
        lost = sum(count for _, count in self.recent(rule))
        total = due + lost
        return total >= rule.least and total > rule.share * (expected + lost)


_decoder: Final = msgspec.json.Decoder(Feed)
_encode: Final = msgspec.json.Encoder().encode


def read_feed(body: str | None, wall: datetime, rules: str = "") -> Feed:
    """What is kept of the feed; of a city without any, a clock that begins now, and the rules of now."""
    return Feed(0, wall.astimezone(UTC), rules) if body is None else _decoder.decode(body)


def feed_body(feed: Feed) -> str:
    """What a row keeps of the feed."""
    return _encode(feed).decode()

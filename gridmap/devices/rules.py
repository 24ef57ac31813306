"""Rules of devices as data: what is an alarm, what is silence, when a device is offline, when to doubt it.

The rules are one JSON document. What is not the city's own wish comes from DEFAULTS; a city's document is a
merge patch upon them (RFC 7396): a member replaces, null takes away, all else stays.

    {"silence": {"door": {"after_s": 172800}}, "alarms": {"water": null}}

Times are seconds of the feed's clock (`gridmap.devices.feed`), which stands still while nobody can hear.
Heartbeats of devices on batteries are hours apart; the times here are three of them. (DOMAIN §4 has the
rules; intervals of heartbeats are the makers' usual ones, for each city to correct.)
"""

from __future__ import annotations

import copy
import re
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gridmap.errors import InputError
from gridmap.orders.words import CLASSES

SILENCE: Final = "silence"
OFFLINE: Final = "offline"

_ON: Final = ["alarm", "on", "true", "1"]
_OFF: Final = ["normal", "ok", "clear", "cleared", "off", "false", "0"]

DEFAULTS: Final[dict[str, Any]] = {
    "alarms": {
        "smoke": {
            "kinds": ["smoke"],
            "on": [*_ON, "smoke", "fire"],
            "off": _OFF,
            "forget_s": 6 * 3600,
            "event": {"class": "应急", "urgency": "red", "kind": "fire", "title": "烟感报警"},
        },
        "sos": {
            "kinds": ["sos"],
            "on": [*_ON, "sos", "pressed", "call"],
            "off": ["clear", "cleared", "cancelled", "canceled"],  # that a button was let go is no answer
            "forget_s": 600,
            "event": {"class": "特殊关爱", "urgency": "red", "kind": "sos", "title": "一键呼救"},
        },
        "gas": {
            "kinds": ["gas"],
            "on": [*_ON, "leak", "gas"],
            "off": _OFF,
            "forget_s": 6 * 3600,
            "event": {"class": "应急", "urgency": "red", "kind": "gas", "title": "燃气泄漏报警"},
        },
        "water": {
            "kinds": ["water"],
            "on": [*_ON, "flood", "high"],
            "off": _OFF,
            "forget_s": 24 * 3600,
            "event": {"class": "应急", "urgency": "orange", "kind": "flood", "title": "水位超警戒"},
        },
        "manhole": {
            "kinds": ["manhole"],
            "on": [*_ON, "open", "opened", "tilted", "missing"],
            "off": [*_OFF, "closed"],
            "forget_s": 24 * 3600,
            "event": {"class": "城市管理", "urgency": "yellow", "kind": "manhole", "title": "井盖异常"},
        },
    },
    "silence": {
        "door": {
            "after_s": 24 * 3600,
            "event": {"class": "特殊关爱", "urgency": "orange", "kind": "care", "title": "门磁长时间无活动"},
        }
    },
    "offline": {
        "after_s": {
            "*": 6 * 3600,
            "camera": 300,
            "door": 12 * 3600,
            "lift": 900,
            "manhole": 72 * 3600,
            "smoke": 72 * 3600,
            "sos": 72 * 3600,
        },
        "lost_s": 120,
        "event": None,
    },
    "feed": {
        "settle_s": 300,
        "share": 0.05,
        "least": 20,
        "window_s": 600,
        "hold_s": 3600,
        "again_s": 60,
    },
}
"""The rules of a city that has said nothing."""

_Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
_Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
_Seconds = Annotated[int, Meta(ge=1, le=366 * 86_400)]


class Telling(Struct, forbid_unknown_fields=True, frozen=True, rename={"class_": "class"}):
    """The event that an alarm becomes."""

    class_: _Name
    urgency: Literal["red", "orange", "yellow", "blue"]
    kind: _Name
    title: _Title


class AlarmRule(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is an alarm of some kinds of devices, by words of their state or by a limit of their value.

    States that stand in neither list change nothing: a detector that says `low battery` has not cleared its
    smoke. An alarm that is not repeated for `forget_s` is over for us without a word, or the next one would
    not be told; whoever handles the order knows how it ended.
    """

    kinds: tuple[_Name, ...]
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    forget_s: _Seconds | None = None
    event: Telling | None = None


class SilenceRule(Struct, forbid_unknown_fields=True, frozen=True):
    """After how long without a sign of people a living device of a kind is silent."""

    after_s: _Seconds
    event: Telling


class OfflineRule(Struct, forbid_unknown_fields=True, frozen=True):
    """After how long unheard a device is offline, by kind (`*`: any other); `lost_s` after a last will."""

    after_s: dict[str, _Seconds]
    lost_s: _Seconds
    event: Telling | None = None


class FeedRule(Struct, forbid_unknown_fields=True, frozen=True):
    """When it is the feed that is down and not the devices.

    After a break nothing is counted for `settle_s`, in which devices find the broker again. Where more than
    `share` of all devices, and at least `least`, are lost within `window_s`, they are held, looked at every
    `again_s`, and believed after `hold_s`.
    """

    settle_s: Annotated[int, Meta(ge=0, le=86_400)]
    share: Annotated[float, Meta(gt=0, le=1)]
    least: Annotated[int, Meta(ge=1)]
    window_s: _Seconds
    hold_s: _Seconds
    again_s: _Seconds


class Rules(Struct, forbid_unknown_fields=True, frozen=True):
    """All rules of devices."""

    alarms: dict[str, AlarmRule]
    silence: dict[str, SilenceRule]
    offline: OfflineRule
    feed: FeedRule

    def offline_ms(self, kind: str) -> int:
        """After how many ms unheard a device of a kind is offline."""
        after = self.offline.after_s
        return 1000 * after.get(kind, after["*"])

    def silence_ms(self, kind: str) -> int | None:
        """After how many ms without a sign of people a device of a kind is silent; None: never."""
        rule = self.silence.get(kind)
        return None if rule is None else 1000 * rule.after_s

    def telling(self, type_: str, kind: str) -> Telling | None:
        """The event that an alarm of a type becomes, of a device of a kind; None: none."""
        if type_ == SILENCE:
            rule = self.silence.get(kind)
            return None if rule is None else rule.event
        if type_ == OFFLINE:
            return self.offline.event
        alarm = self.alarms.get(type_)
        return None if alarm is None else alarm.event

    def document(self) -> dict[str, Any]:
        """The whole document, to be read by people and by `read_rules`."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def fingerprint(self) -> str:
        """A word for these rules: where it is another, every device is looked at again."""
        said = msgspec.json.encode(self, order="deterministic")
        return blake2b(said, digest_size=8).hexdigest()


def read_rules(given: bytes | dict[str, Any] | None = None) -> Rules:
    """The rules of a city: the defaults with its own document upon them.

    InputError: the member at fault, what is wrong and what to do.
    """
    if isinstance(given, bytes):
        try:
            given = msgspec.json.decode(given, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InputError("rules", f"are no JSON object: {str(error).rstrip('.')}") from error
    merged = _patched(copy.deepcopy(DEFAULTS), given or {})
    try:
        rules = msgspec.convert(merged, Rules)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        name = "rules" + path.rstrip("`")
        raise InputError(name, f"{reason[:1].lower()}{reason[1:]}".replace("`", "'")) from error
    _check(rules)
    return rules


def _patched(whole: Any, patch: Any) -> Any:
    """A value after a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    out = whole if isinstance(whole, dict) else {}
    for name, value in patch.items():
        # An offline event of null is a value of its own: no event.
        if value is None and name != "event":
            out.pop(name, None)
        else:
            out[name] = _patched(out.get(name), value)
    return out


def _check(rules: Rules) -> None:
    if "*" not in rules.offline.after_s:
        raise InputError("rules.offline.after_s", 'the kinds not named need a time too; add "*"')
    for name, alarm in rules.alarms.items():
        where = f"rules.alarms.{name[:40]}"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,23}", name) or name in (SILENCE, OFFLINE):
            raise InputError(where, "is no name of an alarm; take a-z, 0-9, _, but not silence and offline")
        if not (alarm.on or alarm.above is not None or alarm.below is not None):
            raise InputError(where, "can never be; give words in `on`, or `above`, or `below`")
        if both := {*alarm.on} & {*alarm.off}:
            raise InputError(where, f"{min(both)!r} is both on and off; take it out of one")
    tellings = [
        *((f"alarms.{name}", rule.event) for name, rule in rules.alarms.items()),
        *((f"silence.{name}", rule.event) for name, rule in rules.silence.items()),
        ("offline", rules.offline.event),
    ]
    for where, telling in tellings:
        if telling is not None and telling.class_ not in CLASSES:
            known = ", ".join(CLASSES)
            raise InputError(
                f"rules.{where}.event.class", f"{telling.class_!r} is not known; write one of {known}"
            )

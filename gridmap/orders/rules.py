"""What a city can decide about its orders, as one JSON document.

It holds clocks, kinds, posts, who leads, who is called in parallel, and office hours.

`Rules.of(document)` takes the parts that a city gives and the defaults for the rest; a part is replaced
whole. Durations are `5min`, `4h`, `7d` (these always run) or `4wh`, `15wd`, working hours and working days
of gridmap.orders.calendar.

The clocks are a list, and the first rule that fits the order's kind, class and urgency is taken; the last
fits everything. The kind is a finer word than the class (manhole, rubbish, sos ...): the event's own, where
it is a known one, else the first whose words stand in the title, else the one of the class. Figures of the
defaults: DOMAIN.md §4, where it names them; the others are ours, to be changed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from gridmap.errors import InputError
from gridmap.orders.calendar import ALWAYS, KNOWN_UNTIL, OFFICE_HOURS, WORKING, WorkCalendar
from gridmap.orders.words import CLASSES, LEVELS, MATTERS, ROLES, URGENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_DAYS: Final = 3650
"""The longest duration that a rule may name: ten years, so that a slip of the pen is noticed."""
_DURATION: Final = re.compile(r"([1-9]\d{0,6}) ?(min|h|d|wh|wd)")
_SECONDS: Final = {"min": 60, "h": 3600, "d": 86400, "wh": 3600}


class Duration(NamedTuple):
    """So many seconds of one kind of time; `seconds` is 0 where `days` counts working days."""

    seconds: int
    days: int
    hours: str

    def on(self, calendar: WorkCalendar) -> int:
        """The seconds in the calendar's terms."""
        return self.seconds + self.days * calendar.day_s


def duration(text: str, name: str = "duration") -> Duration:
    """A duration from its text, such as 30min, 24h, 7d, 4wh, 15wd. Raises InputError for any other."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InputError(name, f"{text!r} is no duration; write 30min, 24h, 7d, or in working time 4wh, 15wd")
    number, unit = int(found[1]), found[2]
    if number * _SECONDS.get(unit, 86400) > MOST_DAYS * 86400:
        raise InputError(name, f"{text!r} is longer than {MOST_DAYS} days; write a shorter one")
    if unit == "wd":
        return Duration(0, number, WORKING)
    return Duration(number * _SECONDS[unit], 0, WORKING if unit == "wh" else ALWAYS)


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the document: an unknown name in it is an error."""


class KindRule(_Part, frozen=True):
    """A kind, the words of a title that mean it, and the classes it belongs to (none: all)."""

    kind: str
    words: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class ClockRule(_Part, frozen=True):
    """Time limits, and the kinds, classes and urgencies they are for (none: any).

    `urgent` orders are dispatched at once, to the nearest, whatever their matter.
    """

    rule: str
    accept: str
    close: str
    arrive: str | None = None
    check: str = "1wd"
    reply: str = "1wd"
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    urgencies: tuple[str, ...] = ()
    urgent: bool = False


class CalendarRule(_Part, frozen=True):
    """Office hours, and days that differ from what the library knows."""

    hours: tuple[str, ...] = OFFICE_HOURS
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()
    known_until: date = KNOWN_UNTIL


def _emergency(rule: str, kinds: tuple[str, ...] = (), urgencies: tuple[str, ...] = ()) -> ClockRule:
    """The clocks of what cannot wait: they always run."""
    return ClockRule(
        rule, "5min", "24h", "30min", "24h", "30min", kinds=kinds, urgencies=urgencies, urgent=True
    )


SMALL: Final = ("城市管理", "生态环境", "民生服务", "其他")
"""Classes in which words such as rubbish are meant as such; a quarrel about rubbish is a dispute."""


class Rules(_Part, frozen=True, dict=True, kw_only=True):
    """All rules. The defaults are a working city."""

    kinds: tuple[KindRule, ...] = (
        KindRule("sos", ("sos", "一键求助", "一键呼叫", "紧急求助")),
        KindRule("fire", ("火灾", "起火", "着火", "失火", "烟感报警", "烟雾报警", "fire", "smoke")),
        KindRule("gas", ("燃气泄漏", "天然气泄漏", "煤气泄漏", "漏气", "gas leak")),
        KindRule("flood", ("内涝", "洪水", "山洪", "淹水", "倒灌", "flood")),
        KindRule("manhole", ("井盖", "窨井", "manhole")),
        KindRule("illegal_building", ("违建", "违法建设", "违章建筑", "违法建筑", "illegal building")),
        KindRule("wish", ("心愿", "wish"), ("民生服务", "特殊关爱", "党建政务", "其他")),
        KindRule("rubbish", ("垃圾", "rubbish", "garbage"), SMALL),
        KindRule("dispute", (), ("矛盾纠纷",)),
        KindRule("care", (), ("特殊关爱",)),
        KindRule("emergency", (), ("应急",)),
    )
    clocks: tuple[ClockRule, ...] = (
        _emergency("care", ("sos", "care")),
        _emergency("emergency", ("fire", "gas", "flood", "emergency")),
        _emergency("red", urgencies=("red",)),
        ClockRule("manhole", kinds=("manhole",), accept="4h", close="24h", check="24h"),
        ClockRule("rubbish", kinds=("rubbish",), accept="2wh", close="1wd"),
        ClockRule("dispute", kinds=("dispute",), accept="1wd", close="7d"),
        ClockRule("illegal_building", kinds=("illegal_building",), accept="1wd", close="15wd"),
        ClockRule("wish", kinds=("wish",), accept="1wd", close="3d"),
        ClockRule("orange", urgencies=("orange",), accept="30min", arrive="2h", close="3d", reply="24h"),
        ClockRule("yellow", urgencies=("yellow",), accept="2wh", close="3wd"),
        ClockRule("blue", accept="1wd", close="5wd"),
    )
    delay_percent: int = 50
    """What a granted delay adds to the time for closing where nobody asked for a certain one."""
    matters: dict[str, str] = msgspec.field(
        default_factory=lambda: {"official": "town", "community": "community", "family": "grid"}
    )
    """The level that leads in each type of matter; urgent orders and those without a type go to the grid."""
    staff_roles: dict[str, str] = msgspec.field(
        default_factory=lambda: {
            "网格长": "grid_leader",
            "专职网格员": "grid_member",
            "兼职网格员": "grid_member",
            "微网格长": "microgrid_leader",
            "网格指导员": "instructor",
        }
    )
    """The role of each post of the roster."""
    posts: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {
            "*": ("专职网格员", "兼职网格员", "网格长", "微网格长", "网格指导员"),
            "矛盾纠纷": ("网格长", "专职网格员", "网格指导员", "兼职网格员", "微网格长"),
            "党建政务": ("网格指导员", "网格长", "专职网格员", "兼职网格员", "微网格长"),
        }
    )
    """Which posts are asked first, by class; "*" is for the classes not named."""
    responders: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {"sos": ("家庭医生", "社区值班", "120急救"), "care": ("家庭医生",)}
    )
    """Who is called in parallel beside the grid member, by kind; each has the clock `reply` of its rule."""
    full: int = 5
    """With so many open orders a member is no longer free."""
    verify_sources: tuple[str, ...] = ("resident", "open311")
    """Sources whose reports somebody verifies before they are dispatched, unless they are urgent."""
    calendar: CalendarRule = CalendarRule()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Rules:
        """The rules of a document; parts that it does not name are the defaults. Raises InputError."""
        try:
            rules = msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise InputError("rules", str(error)) from None
        _check(rules)
        return rules

    def document(self) -> dict[str, Any]:
        """The whole document, as JSON can hold it."""
        found = msgspec.to_builtins(self)
        assert isinstance(found, dict)
        return found

    def work_calendar(self) -> WorkCalendar:
        """The calendar of these rules; keep it, because making one costs some milliseconds."""
        given = self.calendar
        return WorkCalendar(
            given.hours, holidays=given.holidays, workdays=given.workdays, known_until=given.known_until
        )

    def kind_of(self, title: str, class_: str, given: str | None = None) -> str | None:
        """The kind of an event: its own if known, else by the words of its title, else by its class."""
        memo = self._memo()
        if given is not None and given in memo.known:
            return given
        folded = title.casefold()
        for kind, words, classes in memo.by_word:
            if (not classes or class_ in classes) and words.search(folded):
                return kind
        return memo.by_class.get(class_)

    def clock_rule(self, kind: str | None, class_: str, urgency: str) -> ClockRule:
        """The first clock rule that fits."""
        memo = self._memo().clocks
        found = memo.get((kind, class_, urgency))
        if found is None:
            found = next(rule for rule in self.clocks if _fits(rule, kind, class_, urgency))
            memo[kind, class_, urgency] = found
        return found

    def named(self, rule: str, kind: str | None, class_: str, urgency: str) -> ClockRule:
        """The clock rule of a name, or the one that fits where a city has since dropped it."""
        found = next((each for each in self.clocks if each.rule == rule), None)
        return found if found is not None else self.clock_rule(kind, class_, urgency)

    def _memo(self) -> _Memo:
        """What is looked up for each event, made once."""
        memo: _Memo | None = self.__dict__.get("memo")
        if memo is None:
            memo = _Memo(
                known=frozenset(rule.kind for rule in self.kinds),
                by_word=tuple(
                    (rule.kind, re.compile("|".join(_pattern(word) for word in rule.words)), rule.classes)
                    for rule in self.kinds
                    if rule.words
                ),
                by_class={
                    name: rule.kind
                    for rule in reversed(self.kinds)
                    if not rule.words
                    for name in rule.classes
                },
                clocks={},
            )
            self.__dict__["memo"] = memo
        return memo


class _Memo(NamedTuple):
    """What `Rules` makes of itself once."""

    known: frozenset[str]
    by_word: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]
    by_class: dict[str, str]
    clocks: dict[tuple[str | None, str, str], ClockRule]


def _pattern(word: str) -> str:
    """A word as an expression: Latin ones stand alone (no fire in `firefly`), Chinese ones anywhere."""
    text = re.escape(word.casefold())
    return rf"(?<![a-z]){text}(?![a-z])" if word.isascii() else text


def _fits(rule: ClockRule, kind: str | None, class_: str, urgency: str) -> bool:
    """Whether a rule is for such orders."""
    return (
        (not rule.kinds or kind in rule.kinds)
        and (not rule.classes or class_ in rule.classes)
        and (not rule.urgencies or urgency in rule.urgencies)
    )


def _among(name: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise InputError where a word is none of those known."""
    known = tuple(known)
    for word in given:
        if word not in known:
            raise InputError(f"rules.{name}", f"{word!r} is not known; write one of {', '.join(known)}")


def _check(rules: Rules) -> None:
    """Raise InputError for rules that could not be kept."""
    for number, kind in enumerate(rules.kinds):
        _among(f"kinds[{number}].classes", kind.classes, CLASSES)
        if not kind.kind or not (kind.words or kind.classes) or not all(kind.words):
            raise InputError(f"rules.kinds[{number}]", "a kind needs a name, and words or classes; add them")
    for number, rule in enumerate(rules.clocks):
        _check_clock(f"clocks[{number}]", rule, rules)
    if not rules.clocks or (last := rules.clocks[-1]).kinds or last.classes or last.urgencies:
        raise InputError(
            "rules.clocks", "the last rule must fit every order; leave out its kinds, classes, urgencies"
        )
    if len({rule.rule for rule in rules.clocks}) != len(rules.clocks):
        raise InputError("rules.clocks", "two rules have the same name; give each its own")
    _among("matters", rules.matters, MATTERS)
    _among(
        "matters", rules.matters.values(), [level for level in LEVELS if level not in {"microgrid", "city"}]
    )
    _among("staff_roles", rules.staff_roles.values(), ROLES)
    _among("posts", rules.posts, ("*", *CLASSES))
    for name, posts in rules.posts.items():
        _among(f"posts.{name}", posts, rules.staff_roles)
    _among("responders", rules.responders, {kind.kind for kind in rules.kinds})
    if "*" not in rules.posts:
        raise InputError("rules.posts", 'the classes not named need posts too; add "*"')
    if rules.full < 1 or not 1 <= rules.delay_percent <= 1000:
        raise InputError("rules", "full is at least 1, delay_percent from 1 to 1000; write such numbers")
    rules.work_calendar()


def _check_clock(name: str, rule: ClockRule, rules: Rules) -> None:
    """Raise InputError for a clock rule that could not be kept."""
    _among(f"{name}.kinds", rule.kinds, {kind.kind for kind in rules.kinds})
    _among(f"{name}.classes", rule.classes, CLASSES)
    _among(f"{name}.urgencies", rule.urgencies, URGENCIES)
    for field in ("accept", "arrive", "close", "check", "reply"):
        text = getattr(rule, field)
        if text is not None:
            duration(text, f"rules.{name}.{field}")

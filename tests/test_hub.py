"""The hub with a loop and transports of the test's own: who is told what, and when."""

from __future__ import annotations

import heapq
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import Parser

from gridmap.errors import InputError
from tiles.web.limits import StreamLimits
from tiles.web.live.filters import Filter, read_filter
from tiles.web.live.hub import Hub
from tiles.web.live.items import KINDS, Frame, LiveItem, encode
from tiles.web.live.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiles.web.live.listener import Listener

LOGGED = ("event", "order", "notice", "edition")
CODES = ("1", "11", "12", "111", "112", "121")
"""A small hierarchy: the areas above a code are its beginnings."""


class FakeLoop:
    """A loop whose clock the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self._calls: list[tuple[float, int, Callable[..., object], tuple[object, ...]]] = []
        self._count = 0

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> None:
        self._count += 1
        heapq.heappush(self._calls, (self.now + delay, self._count, callback, args))

    def call_soon(self, callback: Callable[..., object], *args: object) -> None:
        self.call_later(0, callback, *args)

    call_soon_threadsafe = call_soon

    def run(self, seconds: float = 0.0) -> None:
        """Do all that is due within some seconds."""
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            self.now = max(self.now, self._calls[0][0])
            _, _, callback, args = heapq.heappop(self._calls)
            callback(*args)
        self.now = end


class FakeOutlet:
    """A transport with a buffer of some bytes that is read when the test says so."""

    def __init__(self, room: int | None = None) -> None:
        self.listener: Listener
        self.parser = Parser()
        self.room = room
        self.pieces: list[bytes] = []
        self.unread = b""
        self.closed = False
        self.full = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.pieces.append(data)
        if self.room is None:
            self.parser.feed(data)
            return
        self.unread += data
        if len(self.unread) > self.room and not self.full:
            self.full = True
            self.listener.paused()

    def read(self) -> None:
        """The client reads all that is there."""
        self.parser.feed(self.unread)
        self.unread = b""
        if self.full:
            self.full = False
            self.listener.resumed()

    def close(self) -> None:
        self.closed = True


class Stand:
    """A hub, its loop, and ways to use them."""

    def __init__(self, seq: int = 0, limits: StreamLimits | None = None, **more: Any) -> None:
        self.loop = FakeLoop()
        then = datetime(2026, 5, 1, 8, tzinfo=UTC)
        self.hub = Hub(seq, limits, edition=lambda: 7, now=lambda: then, run=lambda work: work(), **more)
        self.hub.begin(self.loop)

    def listen(
        self, wanted: Filter | None = None, since: str | None = None, room: int | None = None
    ) -> FakeOutlet:
        outlet = FakeOutlet(room)
        outlet.listener = self.hub.listener(wanted or Filter(), since)
        self.hub.start(outlet.listener, outlet, b"")
        self.loop.run()
        return outlet

    def tell(self, *items: LiveItem, seconds: float = 1.0) -> None:
        self.hub.publish(items)
        self.loop.run(seconds)

    def events(self, first: int, last: int, **more: Any) -> None:
        self.tell(*(event(seq, **more) for seq in range(first, last + 1)))


def event(seq: int, key: str = "", size: int = 0, **more: Any) -> LiveItem:
    data = json.dumps({"seq": seq} | ({"text": "x" * size} if size else {})).encode()
    return LiveItem(seq, more.pop("kind", "event"), key or f"k{seq}", data, **more)


def state(key: str, value: int, **more: Any) -> LiveItem:
    return LiveItem(None, "device", key, json.dumps({"key": key, "value": value}).encode(), **more)


def chain(code: str) -> tuple[str, ...]:
    return tuple(code[: size + 1] for size in range(len(code)))


# --- frames and the ring


def test_a_frame_is_what_the_standard_says() -> None:
    assert encode("event", b'{"a":1}', 5) == b'id: 5\nevent: event\ndata: {"a":1}\n\n'
    assert encode("device", b"{}") == b"event: device\ndata: {}\n\n"
    parser = Parser()
    parser.feed(encode("event", '{\r\n"a":\n"井"\r}'.encode(), 5))
    assert parser.events == [("event", "5", {"a": "井"})]


@given(st.lists(st.integers(1, 3), max_size=60), st.integers(1, 12), st.integers(0, 5))
def test_the_ring_gives_what_follows(steps: list[int], most: int, begin: int) -> None:
    ring, kept, seq = Ring(begin, most, 10**9), [], begin
    for step in steps:
        seq += step
        kept.append(seq)
        assert ring.add(Frame.of(event(seq)), seq)
        assert not ring.add(Frame.of(event(seq)), seq)
    gone, kept = kept[:-most], kept[-most:]
    assert ring.floor == (gone[-1] if gone else begin)
    assert len(ring) == len(kept)
    for since in range(ring.floor, seq + 2):
        assert [frame.item.seq for frame in ring.after(since, 99)] == [each for each in kept if each > since]
        assert ring.count_after(since) == sum(each > since for each in kept)
        assert ring.holds(since) == (since <= seq)


def test_the_ring_has_a_limit_of_bytes() -> None:
    ring = Ring(0, 1_000, 10_000)
    for seq in range(1, 101):
        ring.add(Frame.of(event(seq, size=900)), seq)
    assert len(ring) == 10
    ring.add(Frame.of(event(101, size=50_000)), 101)
    assert [frame.item.seq for frame in ring.after(0, 9)] == [101]
    assert ring.floor == 100


# --- who gets what


def test_it_begins_with_retry_and_hello() -> None:
    stand = Stand(41)
    one, two = stand.listen(), stand.listen()
    assert one.pieces[0].startswith(b"retry: ")
    assert one.parser.events == [
        ("hello", "41", {"seq": 41, "edition": 7, "time": "2026-05-01T08:00:00.000+00:00"})
    ]
    assert 2_000 <= (one.parser.retry or 0) < 4_000
    assert one.parser.retry != two.parser.retry


def test_one_tick_is_one_piece_shared_by_all() -> None:
    stand = Stand()
    outlets = [stand.listen() for _ in range(200)]
    stand.events(1, 5)
    assert len({id(outlet.pieces[-1]) for outlet in outlets}) == 1
    assert all(outlet.parser.seqs() == [1, 2, 3, 4, 5] for outlet in outlets)
    assert [len(outlet.pieces) for outlet in outlets] == [2] * 200


def test_what_comes_within_a_tick_is_gathered() -> None:
    stand = Stand()
    outlet = stand.listen()
    stand.loop.run(1)
    ticks = stand.hub.ticks
    for seq in range(1, 101):
        stand.hub.publish([event(seq)])
        stand.loop.run(0.01)
    stand.loop.run(1)
    assert outlet.parser.seqs() == [*range(1, 101)]
    assert stand.hub.ticks - ticks <= 1 + 1.0 / stand.hub.limits.tick_s + 1


def test_what_was_published_before_the_loop_ran_is_told_to_who_comes_back() -> None:
    hub = Hub(10)
    hub.publish([event(11), event(12)])
    loop = FakeLoop()
    hub.begin(loop)
    outlet = FakeOutlet()
    outlet.listener = hub.listener(Filter(), "11")
    hub.start(outlet.listener, outlet, b"")
    loop.run()
    assert outlet.parser.seqs() == [12]


def test_an_item_of_a_number_already_told_is_passed_over() -> None:
    stand = Stand()
    outlet = stand.listen()
    stand.events(1, 3)
    stand.events(2, 4)
    assert outlet.parser.seqs() == [1, 2, 3, 4]


def wants(wanted: Filter, item: LiveItem) -> bool:
    """The rule, said plainly."""
    if item.kind not in wanted.kinds:
        return False
    if item.kind == "edition":
        return True
    in_area = not wanted.areas or any(code in wanted.areas for code in item.codes)
    in_class = not wanted.classes or item.class_ in wanted.classes
    if wanted.bbox is None:
        return in_area and in_class
    west, south, east, north = wanted.bbox
    if item.lon is None or item.lat is None:
        return False
    return in_area and in_class and west <= item.lon <= east and south <= item.lat <= north


FILTERS = st.builds(
    Filter,
    st.sampled_from([frozenset(KINDS), frozenset({"event"}), frozenset({"event", "edition"})]),
    st.frozensets(st.sampled_from(CODES), max_size=3),
    st.sampled_from([None, None, (0.0, 0.0, 5.0, 5.0), (4.0, 4.0, 9.0, 9.0)]),
    st.sampled_from([frozenset[str](), frozenset({"a"}), frozenset({"a", "b"})]),
)
PLACES = st.sampled_from([(None, None), (1.0, 1.0), (4.0, 5.0), (8.0, 8.0)])
WHAT = st.tuples(st.sampled_from(LOGGED), st.sampled_from(["", *CODES]), PLACES, st.sampled_from([None, "a"]))
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.lists(WHAT, max_size=6)),
        st.tuples(st.just("listen"), FILTERS),
        st.tuples(st.just("drop"), st.integers(0, 9)),
        st.tuples(st.just("back"), st.integers(0, 9)),
        st.tuples(st.just("read"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.01, 0.5, 16.0])),
    ),
    max_size=40,
)


class Watched:
    """A listener that comes back: what it asked for, since when, and all that it saw."""

    def __init__(self, stand: Stand, wanted: Filter, room: int | None) -> None:
        self.stand, self.wanted, self.room = stand, wanted, room
        self.begun = stand.hub.seq
        self.before: list[int] = []
        self.outlet = stand.listen(wanted, room=room)

    def drop(self) -> None:
        if not self.outlet.closed:
            self.outlet.closed = True
            self.outlet.listener.ended()

    def back(self) -> None:
        """Come back with the last id, as a browser does."""
        self.drop()
        self.before += self.outlet.parser.seqs()
        last = self.outlet.parser.last_id or str(self.begun)
        self.outlet = self.stand.listen(self.wanted, last, self.room)

    def read(self) -> None:
        if not self.outlet.closed:
            self.outlet.read()

    def check(self, log: list[LiveItem]) -> None:
        if self.outlet.closed:
            return
        expected = [item.seq for item in log[self.begun :] if wants(self.wanted, item)]
        assert self.before + self.outlet.parser.seqs() == expected


@given(DEEDS, st.sampled_from([None, 150, 600]))
def test_each_gets_what_it_asked_for_none_missing_none_twice(
    deeds: list[tuple[str, Any]], room: int | None
) -> None:
    """Listeners come, go, come back and read as they like: what each saw is what a plain list says."""
    stand = Stand(limits=StreamLimits(slow_s=10_000))
    log: list[LiveItem] = []
    seen: list[Watched] = []
    for deed, what in deeds:
        if deed == "tell":
            for kind, code, (lon, lat), class_ in what:
                log.append(event(len(log) + 1, kind=kind, codes=chain(code), lon=lon, lat=lat, class_=class_))
            stand.hub.publish(log[len(log) - len(what) :])
        elif deed == "listen":
            seen.append(Watched(stand, what, room))
        elif deed == "wait":
            stand.loop.run(what)
        elif seen:
            getattr(seen[what % len(seen)], deed)()
    for _ in range(100):
        stand.loop.run(1)
        for each in seen:
            each.read()
    for each in seen:
        each.check(log)


def test_areas_are_found_by_code_however_many_are_listened_to() -> None:
    stand = Stand()
    asked = []

    class Counted(Filter):
        __slots__ = ()

        def takes_here(self, item: LiveItem) -> bool:
            asked.append(item)
            return super().takes_here(item)

    for number in range(500):
        stand.listen(Counted(areas=frozenset({f"town {number}"})))
    stand.tell(event(1, codes=("town 3", "grid")))
    assert len(asked) == 1


# --- states


def test_states_are_coalesced_and_the_newest_is_told() -> None:
    stand = Stand()
    outlet = stand.listen()
    stand.tell(state("d1", 1), state("d2", 1), state("d1", 2))
    assert sorted((each.data["key"], each.data["value"]) for each in outlet.parser.of("device")) == [
        ("d1", 2),
        ("d2", 1),
    ]
    assert b"id:" not in outlet.pieces[-1]


@pytest.mark.parametrize("read", [True, False])
def test_who_comes_back_gets_all_states(*, read: bool) -> None:
    def snapshot(_wanted: Filter) -> list[LiveItem]:
        return [state("d1", 2), state("old", 0), state("elsewhere", 0, codes=("2",))]

    stand = Stand(snapshot=snapshot if read else None)
    stand.tell(event(1), state("d1", 1, codes=("1",)), state("d1", 2, codes=("1",)), state("d9", 3))
    fresh = stand.listen()
    assert fresh.parser.of("device") == []
    back = stand.listen(since="1")
    keys = [each.data["key"] for each in back.parser.of("device")]
    assert keys == (["d1", "old", "elsewhere"] if read else ["d1", "d9"])
    assert stand.listen(Filter(kinds=frozenset({"event"})), "1").parser.of("device") == []
    stand.tell(state("d1", 5))
    assert back.parser.of("device")[-1].data == {"key": "d1", "value": 5}


def test_states_that_cannot_be_read_are_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def snapshot(_wanted: Filter) -> list[LiveItem]:
        raise OSError("the disk is gone")

    stand = Stand(snapshot=snapshot)
    stand.tell(state("d1", 1))
    back = stand.listen(since="0")
    assert [each.data["key"] for each in back.parser.of("device")] == ["d1"]
    assert "the disk is gone" in caplog.text


def test_a_state_that_changes_while_all_are_read_is_not_lost() -> None:
    asked: list[Callable[[], object]] = []
    loop = FakeLoop()
    hub = Hub(snapshot=lambda _wanted: [state("d1", 1)], run=asked.append)
    hub.begin(loop)
    outlets = []
    for _ in range(3):
        outlet = FakeOutlet()
        outlet.listener = hub.listener(Filter(), "0")
        hub.start(outlet.listener, outlet, b"")
        outlets.append(outlet)
    hub.publish([event(1), state("d1", 2)])
    loop.run(1)
    assert len(asked) == 1  # one reading for all who want the same
    asked[0]()
    loop.run(1)
    for outlet in outlets:
        assert [each.data["value"] for each in outlet.parser.of("device")] == [1, 2]
        assert outlet.parser.seqs() == [1]


# --- coming back


@pytest.mark.parametrize(
    ("since", "reason", "reload"),
    [
        ("4", "expired", "/events?since=4"),
        ("99999999", "future", "/events?since=0"),
        ("-1", "malformed", "/events?since=0"),
        ("1.5", "malformed", "/events?since=0"),
        ("abc", "malformed", "/events?since=0"),
        ("１２", "malformed", "/events?since=0"),
        ("9" * 30, "malformed", "/events?since=0"),
        ("", "malformed", "/events?since=0"),
    ],
)
def test_an_id_that_is_not_known_is_reset_in_the_stream(since: str, reason: str, reload: str) -> None:
    stand = Stand(limits=StreamLimits(ring_frames=10))
    stand.events(1, 20)
    outlet = stand.listen(since=since)
    assert [each.kind for each in outlet.parser.events] == ["hello", "reset"]
    told = outlet.parser.of("reset")[0]
    assert (told.data["reason"], told.data["reload"], told.data["seq"]) == (reason, reload, 20)
    assert told.id == "20"
    stand.events(21, 22)
    assert outlet.parser.seqs() == [21, 22]


def test_what_was_passed_over_is_a_reset_for_who_came_in_between() -> None:
    stand = Stand()
    stand.events(1, 20)
    outlet = stand.listen()
    stand.hub.pass_over(5_000)
    stand.loop.run()
    assert [each.kind for each in outlet.parser.events] == ["hello", "reset"]
    assert outlet.parser.of("reset")[0].data["seq"] == 5_000
    stand.events(5_001, 5_002)
    assert outlet.parser.seqs() == [5_001, 5_002]
    assert stand.listen(since="20").parser.of("reset")
    assert stand.listen(since="5001").parser.seqs() == [5_002]


def test_who_comes_into_an_empty_room_is_told_what_follows_and_who_comes_back_what_he_missed() -> None:
    stand = Stand(20)
    came: list[int] = []
    stand.hub.came = lambda: came.append(stand.hub.streams)
    stand.hub.reached = 50
    fresh, back = stand.listen(), stand.listen(since="20")
    assert came == [1]
    assert fresh.parser.of("hello")[0].data["seq"] == 50
    stand.loop.run(5)  # it is known that there is a 50: nobody is told that there is none
    assert not fresh.parser.of("reset")
    stand.events(21, 52)
    assert fresh.parser.seqs() == [51, 52]
    assert back.parser.seqs() == [*range(21, 53)]


def test_all_that_the_ring_holds_can_be_resumed() -> None:
    stand = Stand(limits=StreamLimits(ring_frames=3_000, lag_frames=10))
    stand.events(1, 5_000)
    for since in (2_000, 2_001, 4_999, 5_000):
        assert stand.listen(since=str(since)).parser.seqs() == [*range(since + 1, 5_001)]
    assert stand.listen(since="1999").parser.of("reset")


def test_an_id_given_a_moment_ago_elsewhere_is_waited_for() -> None:
    stand = Stand(5)
    outlet, late = stand.listen(since="7"), stand.listen(since="9")
    assert [each.kind for each in outlet.parser.events] == ["hello"]
    stand.tell(event(6), event(7), event(8), seconds=0.2)
    assert outlet.parser.seqs() == [8]
    stand.loop.run(2)
    assert late.parser.of("reset")[0].data["reason"] == "future"
    stand.events(9, 9)
    assert outlet.parser.seqs() == [8, 9]
    assert late.parser.seqs() == [9]


def test_a_listener_of_a_quiet_place_does_not_fall_out_of_the_ring() -> None:
    stand = Stand(limits=StreamLimits(ring_frames=100))
    quiet = stand.listen(Filter(areas=frozenset({"1"})))
    devices = stand.listen(Filter(kinds=frozenset({"device"})))
    for begin in range(1, 1_000, 7):
        stand.tell(*(event(seq) for seq in range(begin, begin + 7)), state("d", begin), seconds=0.1)
        for outlet in (quiet, devices):
            assert stand.hub._ring.holds(int(outlet.parser.last_id))
    assert quiet.parser.events[1:] == []


def test_silence_is_broken_by_a_heartbeat_with_the_id() -> None:
    stand = Stand()
    outlet, quiet = stand.listen(), stand.listen(Filter(areas=frozenset({"1"})))
    stand.events(1, 1)
    stand.loop.run(13)
    assert outlet.parser.comments == []
    assert quiet.parser.last_id == "0"
    stand.loop.run(3)
    assert outlet.parser.comments == quiet.parser.comments == ["beat"]
    assert quiet.parser.last_id == "1"
    stand.loop.run(30)
    assert len(quiet.parser.comments) == 3


# --- slow listeners


def test_a_slow_listener_is_not_written_to_and_gets_every_frame_of_a_short_gap() -> None:
    stand = Stand()
    slow, fast = stand.listen(room=100), stand.listen()
    stand.events(1, 5)
    written = len(slow.pieces)
    stand.events(6, 500)
    assert len(slow.pieces) == written
    assert fast.parser.seqs() == [*range(1, 501)]
    for _ in range(50):
        slow.read()
        stand.loop.run(0.1)
    assert slow.parser.seqs() == [*range(1, 501)]
    assert slow.parser.of("lagging") == []


def test_of_a_long_gap_it_gets_the_last_of_each_key_and_is_told_so() -> None:
    stand = Stand(limits=StreamLimits(lag_frames=100))
    slow = stand.listen(room=100)
    stand.tell(event(1, size=200))
    for begin in range(2, 402, 50):
        stand.tell(*(event(seq, key=f"order {seq % 4}") for seq in range(begin, begin + 50)))
    stand.tell(state("d1", 1), state("d1", 2))
    for _ in range(50):
        slow.read()
        stand.loop.run(0.1)
    lagging = slow.parser.of("lagging")
    assert [each.data for each in lagging] == [
        {"from": 1, "to": 401, "left_out": 396, "reload": "/events?since=1"}
    ]
    assert slow.parser.seqs() == [1, 398, 399, 400, 401]
    assert [each.data["value"] for each in slow.parser.of("device")] == [2]
    stand.events(402, 402)
    slow.read()
    assert slow.parser.seqs()[-1] == 402
    assert slow.parser.last_id == "402"


def test_a_burst_is_coalesced_for_everybody() -> None:
    stand = Stand(limits=StreamLimits(lag_frames=100))
    outlets = [stand.listen() for _ in range(20)]
    stand.tell(*(event(seq, key=f"k{seq % 1_000}") for seq in range(1, 5_001)))
    for outlet in outlets:
        assert outlet.parser.seqs() == [*range(4_901, 5_001)]
        assert outlet.parser.of("lagging")[0].data["left_out"] == 4_900
    assert stand.listen(since="0").parser.seqs() == [*range(1, 5_001)]


def test_who_does_not_read_at_all_is_closed_with_a_reason() -> None:
    stand = Stand()
    deaf, other = stand.listen(room=100), stand.listen()
    stand.events(1, 5)
    stand.loop.run(29)
    assert stand.hub.streams == 2
    stand.loop.run(3)
    assert deaf.closed
    parser = Parser()
    parser.feed(deaf.unread)
    assert parser.events[-1].kind == "bye"
    assert parser.events[-1].data["reason"] == "slow"
    assert not other.closed
    assert stand.hub.streams == 1
    deaf.listener.resumed()
    deaf.listener.ended()
    assert stand.hub.streams == 1


def test_who_is_further_behind_than_the_ring_is_closed() -> None:
    stand = Stand(limits=StreamLimits(ring_frames=50, slow_s=10_000))
    deaf = stand.listen(room=100)
    for begin in range(1, 200, 20):
        stand.events(begin, begin + 19)
    assert deaf.closed
    assert b'"reason":"behind"' in deaf.unread


def test_a_thousand_slow_listeners_hold_no_queues() -> None:
    stand = Stand()
    slow = [stand.listen(room=100) for _ in range(100)]
    for begin in range(1, 1_000, 50):
        stand.events(begin, begin + 49)
    assert all(not outlet.listener.extra for outlet in slow)
    assert all(len(outlet.unread) < 5_000 for outlet in slow)


def test_in_the_end_everybody_is_told_and_closed() -> None:
    stand = Stand()
    outlets = [stand.listen() for _ in range(3)]
    for outlet in outlets:
        outlet.listener.finish()
        outlet.listener.finish()
        assert outlet.closed
        assert outlet.parser.of("bye")[0].data["reason"] == "ending"
    assert stand.hub.streams == 0


def test_groups_go_with_their_last_listener() -> None:
    stand = Stand()
    for wanted in (Filter(), Filter(areas=frozenset({"1", "11"})), Filter(kinds=frozenset({"event"}))):
        outlets = [stand.listen(wanted) for _ in range(2)]
        for outlet in outlets:
            outlet.listener.ended()
    assert len(stand.hub._groups) == 0
    assert stand.hub._groups._by_code == {}
    assert stand.hub._groups._everywhere == []


# --- what may be asked


def test_a_question_becomes_a_filter() -> None:
    asked = [("kinds", "event,order"), ("area", "11"), ("area", "12"), ("bbox", "1,2,3,4"), ("class", "应急")]
    assert read_filter([*asked, ("since", "5")], CODES.__contains__) == Filter(
        frozenset({"event", "order"}),
        frozenset({"11", "12"}),
        (1.0, 2.0, 3.0, 4.0),
        frozenset({"应急"}),
    )
    assert read_filter([], CODES.__contains__) == Filter()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("kinds", "event,cat", "'cat' is not known; give some of event,order,device,value,edition,notice"),
        ("kinds", "", "came empty"),
        ("area", "9", "'9' is no area of this edition"),
        ("area", " ", "came empty"),
        ("bbox", "1,2,3", "has not four numbers"),
        ("bbox", "1,2,3,x", "is not a finite decimal number"),
        ("bbox", "3,2,1,4", "is no box"),
        ("bbox", "1,2,3,nan", "is not a finite decimal number"),
        ("colour", "red", "is not a parameter here"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(InputError, match=name) as caught:
        read_filter([(name, value)], CODES.__contains__)
    assert said in str(caught.value)


def test_a_listener_of_very_many_areas_is_refused() -> None:
    with pytest.raises(InputError, match="area: came 201 times; give at most 200"):
        read_filter([("area", "1")] * 201, CODES.__contains__)
    with pytest.raises(InputError, match="kinds: came more than once"):
        read_filter([("kinds", "event")] * 2, CODES.__contains__)

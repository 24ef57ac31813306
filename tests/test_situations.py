"""What is open: a dictionary that is told every event, late ones, corrections, drills."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import NO_PLACE, OUTSIDE, event, replay
from hypothesis import given as drawn
from hypothesis import strategies as st
from store_contract import SqliteSpec

from gridmap.events.document import key_of
from gridmap.events.situations import (
    MOST_CORRECTIONS,
    State,
    applied,
    read_said,
    read_state,
    situation_of,
    thing_of,
    things_of,
)
from gridmap.store.log import EVENT, ORDER, Entry, Fact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gridmap.store.desk import Desk
    from gridmap.store.store import Store

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
KNOWN = ("class", "urgency", "title", "kind", "matter", "drill", "occurred_at", "at", "code", "unplaced")


def stored(name: object, minute: float = 0, /, **fields: Any) -> dict[str, Any]:
    """An event as it stands in the log: where it is, and when it was."""
    moment = (BEGIN + timedelta(minutes=minute)).isoformat()
    placed = {"code": None, "unplaced": NO_PLACE} if "code" not in fields else {}
    whole = event(name, occurred_at=moment, received_at=moment, edition=1, digest="d", **fields)
    return whole | ({"code": None} if fields.get("code") is None else {}) | placed


def take(entries: Sequence[Entry], desk: Desk) -> int:
    """A follower that keeps situations and nothing else."""
    events = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]
    things = things_of(events, desk)
    states = {thing: read_state(row) for thing, row in desk.situations(things).items()}
    for (entry, said), thing in zip(events, things, strict=True):
        states[thing] = applied(states.get(thing), entry.seq, said, thing)
    desk.put_situations(map(situation_of, states.values()))
    return len(entries)


def write(store: Store, said: Sequence[dict[str, Any]]) -> None:
    store.log.add([Fact(EVENT, key_of(each["source"], each["id"]), json.dumps(each)) for each in said])


def kept(store: Store) -> dict[str, State]:
    rows = store.log.looking(lambda desk: desk.changed_situations(0, 9999))
    for row in rows:
        state = read_state(row)
        assert (row.thing, row.seq, row.is_open) == (state.thing, state.last, state.is_open)
    return {row.thing: read_state(row) for row in rows}


def oracle(store: Store) -> dict[str, Any]:
    return replay(
        [(entry, json.loads(entry.body)) for entry in store.log.read(0, 9999) if entry.kind == EVENT]
    )


def check(store: Store) -> dict[str, State]:
    """All that is kept against a dictionary that is told the whole log."""
    found, expected = kept(store), oracle(store)
    assert found.keys() == expected.keys()
    for thing, state in found.items():
        truth = expected[thing]
        assert (state.is_open, state.events, state.late) == (truth.is_open, truth.events, truth.late), thing
        assert state.opened_at == truth.opened_at
        for name in KNOWN:
            told = getattr(state, {"class": "class_"}.get(name, name))
            told = list(told) if isinstance(told, tuple) else told
            assert (told or None) == (truth.said.get(name) or None), (thing, name)
    return found


def story(chance: random.Random, count: int, *, late: float = 0.0) -> list[dict[str, Any]]:
    """A stream about a few things that open, move, lose their place, close and open again."""
    out: list[dict[str, Any]] = []
    for number in range(count):
        minute = number - (chance.randrange(40) if chance.random() < late else 0)
        subject = chance.choice([None, "m-1", "m-2", "a/b", "井"])
        fields: dict[str, Any] = {"subject": subject, "op": chance.choice(["open", "update", "close", None])}
        if chance.random() < 0.5:
            fields |= {"code": f"50010300100100{chance.randrange(3)}", "at": [106.5 + number / 1000, 29.5]}
        elif chance.random() < 0.3:
            fields |= {"code": None, "unplaced": OUTSIDE, "at": [0.0, 0.0]}
        for name, values in (("urgency", ["red", "blue"]), ("title", ["a", "b"]), ("matter", ["official"])):
            if chance.random() < 0.3:
                fields[name] = chance.choice(values)
        if chance.random() < 0.1:
            fields["drill"] = True
        if chance.random() < 0.2:
            fields["corrects"] = str(chance.randrange(-1, count))
        fields["class_"] = chance.choice(["应急", "其他"])
        out.append(stored(number, minute, source=chance.choice(["12345", "s/2"]), **fields))
    return out


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Any:
    with SqliteSpec(str(tmp_path / "city")).open() as store:
        yield store


@pytest.mark.parametrize("late", [0.0, 0.4])
def test_what_is_kept_is_what_a_dictionary_remembers(tmp_path: Path, late: float) -> None:
    """Taken in pages of any size, by stores that come and go: nothing depends on that."""
    chance = random.Random(11)
    said = story(chance, 300, late=late)
    spec = SqliteSpec(str(tmp_path / "city"))
    while said:
        with spec.open() as store:
            size = chance.randrange(1, 80)
            write(store, said[:size])
            said = said[size:]
            for _ in range(chance.randrange(4)):
                store.log.advance("keeper", chance.randrange(1, 40), take)
    with spec.open() as store:
        while store.log.advance("keeper", 50, take):
            pass
        found = check(store)
        assert any(state.late for state in found.values()) == bool(late)
        assert any(state.is_open for state in found.values())
        assert not all(state.is_open for state in found.values())


def test_late_events_change_nothing_but_their_count(store: Store) -> None:
    thing = {"subject": "m"}
    write(store, [stored(1, 0, **thing), stored(2, 10, op="close", **thing)])
    store.log.advance("keeper", 9, take)
    before = kept(store)["12345/m"]
    write(store, [stored(3, 9, op="update", title="late", urgency="red", **thing)])
    store.log.advance("keeper", 9, take)
    after = kept(store)["12345/m"]
    assert (after.late, after.events, after.last) == (1, 3, 3)
    assert (after.is_open, after.title, after.urgency) == (before.is_open, before.title, before.urgency)


@pytest.mark.parametrize(("op", "opens"), [("open", True), ("update", False), (None, True), ("close", False)])
def test_only_an_opening_opens_what_is_closed(store: Store, op: str | None, opens: bool) -> None:
    thing = {"subject": "m"}
    write(store, [stored(1, 0, **thing), stored(2, 10, op="close", **thing)])
    write(store, [stored(3, 20, op=op, title="behind the close", **thing)])
    store.log.advance("keeper", 9, take)
    state = check(store)["12345/m"]
    assert (state.is_open, state.title, state.late) == (opens, "behind the close", 0)


@drawn(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
    st.integers(-1439, 1439),
    st.integers(-1439, 1439),
    st.sampled_from(["T", "t", " "]),
)
def test_moments_are_compared_whatever_their_zone(
    one: datetime, other: datetime, minutes: int, minutes_2: int, between: str
) -> None:
    first, second = (
        moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
        for moment, offset in ((one, minutes), (other, minutes_2))
    )
    state = None
    for seq, moment in enumerate((first, second), 1):
        text = moment.isoformat(between).replace("+00:00", "z")
        body = json.dumps(
            stored(seq, subject="m") | {"occurred_at": text, "received_at": "2027-01-01T00:00:00Z"}
        )
        state = applied(state, seq, read_said(Entry(seq, EVENT, "k", body)), "12345/m")
    assert state is not None
    assert state.late == (second < first)


def test_a_clock_that_runs_ahead_does_not_make_all_that_follows_late() -> None:
    state = None
    for seq, (occurred, op) in enumerate(
        (("2029-05-01T08:00:00Z", "open"), ("2026-05-01T09:00:00Z", "close")), 1
    ):
        said = stored(seq, subject="m") | {"occurred_at": occurred, "op": op}
        body = json.dumps(said | {"received_at": f"2026-05-01T{8 + seq:02d}:00:00Z"})
        state = applied(state, seq, read_said(Entry(seq, EVENT, "k", body)), "12345/m")
    assert state is not None
    assert (state.is_open, state.late) == (False, 0)


# Corrections


def test_a_correction_counts_for_what_it_corrects(store: Store) -> None:
    write(
        store,
        [
            stored("a", 0, subject="m"),
            stored("b", 1, corrects="a", title="once"),
            stored("c", 2, corrects="b", title="twice", subject="other"),
            stored("d", 3, corrects="c", op="close"),
            stored("e", 4, corrects="nothing"),
            stored("f", 5, corrects="a", source="another"),
        ],
    )
    store.log.advance("keeper", 9, take)
    found = check(store)
    assert found.keys() == {"12345/m", "12345/e", "another/f"}
    assert (found["12345/m"].title, found["12345/m"].is_open, found["12345/m"].events) == ("twice", False, 4)


@pytest.mark.parametrize("op", ["open", "update", "close", None])
@pytest.mark.parametrize("closed", [True, False])
def test_a_correction_opens_and_closes_only_where_it_says_so(
    store: Store, op: str | None, closed: bool
) -> None:
    write(store, [stored("a", 0, op="open"), *([stored("b", 1, subject="a", op="close")] if closed else [])])
    write(store, [stored("c", 2, corrects="a", title="put right", op=op)])
    store.log.advance("keeper", 9, take)
    state = check(store)["12345/a"]
    assert (state.is_open, state.title) == (
        {"open": True, "close": False}.get(op or "", not closed),
        "put right",
    )


@pytest.mark.parametrize("page", [1, 9])
def test_what_corrects_a_later_event_is_a_thing_of_its_own(store: Store, page: int) -> None:
    """However many rows are taken at once, and although the later one is in the log by then."""
    circle = [stored("a", 0, corrects="b"), stored("b", 1, corrects="a"), stored("c", 2, corrects="c")]
    write(store, circle)
    while store.log.advance("keeper", page, take):
        pass
    assert {thing: state.events for thing, state in check(store).items()} == {"12345/a": 2, "12345/c": 1}


def test_a_long_chain_of_corrections_ends(store: Store) -> None:
    count = MOST_CORRECTIONS + 3
    chain = [stored(n, n, corrects=str(n - 1) if n else None) for n in range(count)]
    write(store, chain)
    assert store.log.advance("keeper", 99, take) == count
    assert kept(store)["12345/0"].events == MOST_CORRECTIONS + 1


# Drills


def test_a_drill_does_not_touch_what_is_open_in_earnest(store: Store) -> None:
    thing = {"subject": "m"}
    write(store, [stored(1, 0, title="fire", **thing), stored(2, 1, op="close", drill=True, **thing)])
    store.log.advance("keeper", 9, take)
    state = check(store)["12345/m"]
    assert (state.is_open, state.drill, state.title, state.events) == (True, False, "fire", 2)


def test_what_began_as_a_drill_can_become_earnest(store: Store) -> None:
    thing = {"subject": "m"}
    write(store, [stored(1, 0, drill=True, **thing)])
    store.log.advance("keeper", 9, take)
    assert check(store)["12345/m"].drill
    write(store, [stored(2, 1, op="update", **thing)])
    store.log.advance("keeper", 9, take)
    assert not check(store)["12345/m"].drill


def test_a_closed_thing_that_a_drill_opens_is_a_drill(store: Store) -> None:
    thing = {"subject": "m"}
    write(store, [stored(1, 0, op="close", **thing), stored(2, 1, drill=True, **thing)])
    store.log.advance("keeper", 9, take)
    assert check(store)["12345/m"].drill


def test_other_rows_of_the_log_are_passed_over(store: Store) -> None:
    store.log.add([Fact(ORDER, "o-1:1", "{}")])
    assert store.log.advance("keeper", 9, take) == 1
    assert kept(store) == {}


def test_the_thing_of_an_event_is_known_from_what_is_said() -> None:
    for fields, thing in (({}, "12345/a"), ({"subject": "m"}, "12345/m"), ({"source": "a/b"}, "a%2Fb/a")):
        said = read_said(Entry(1, EVENT, "k", json.dumps(stored("a", **fields))))
        assert thing_of(said) == thing

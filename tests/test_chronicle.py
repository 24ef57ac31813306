"""The chronicle of an area: every event lies where its thing is, by the edition of whoever asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from daybook_oracle import Life, grid_of, things_of
from office import Office
from town import grid_polygons, tables
from webtown import GRID, HOLED, TWO_PARTS, make_twin

from gridmap import chronicle as module
from gridmap.chronicle import Chronicle
from gridmap.coverage.partition import partition_of
from gridmap.store.archives import Keep
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gridmap.twin import Snapshot

EVERYTHING = 100_000


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "home")
    yield office
    office.store.close()


def redrawn() -> Snapshot:
    """Toytown's next edition, in which each grid is where another one was."""
    return make_twin(8, partition=partition_of(tables(), {"grid": np.roll(grid_polygons(), 1)})).current


def expected(office: Office, city: Snapshot) -> list[tuple[int, str | None]]:
    """Each event and its grid: its own place, or that which its thing had when all before had come."""
    entries, out = office.book.read(0, EVERYTHING), []
    for count, entry in enumerate(entries, 1):
        if entry.kind == EVENT:
            said: dict[str, Any] = json.loads(entry.body)
            if said.get("unplaced") == "no place was given":
                (said,) = (
                    each.said for each in things_of(entries[:count]).values() if each.last == entry.seq
                )
            out.append((entry.seq, grid_of(said.get("at"), said["code"], city)))
    return out[::-1]


def found(chronicle: Chronicle, city: Snapshot) -> list[tuple[int, str | None]]:
    codes = [*city.partition.finest.codes, None]
    return [(line.seq, line.code) for line in chronicle.latest(city, codes, EVERYTHING)]


@pytest.mark.parametrize("seed", range(3))
def test_every_event_is_in_the_grid_in_which_its_thing_is(
    office: Office, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens: late, corrected, in drills; from page to page, and by another edition."""
    monkeypatch.setattr(module, "PAGE", 7)
    chronicle, life, city = Chronicle(office.book), Life(office, seed), office.twin.current
    for turn in range(6):
        life.go_on(20)
        if turn == 3:
            city = office.twin.current = redrawn()
            office.move()
            office.keep()
        assert found(chronicle, city) == found(Chronicle(office.book), city) == expected(office, city)
    lines = chronicle.latest(city, [GRID], 5)
    assert [(line.seq, GRID) for line in lines] == [
        each for each in expected(office, city) if each[1] == GRID
    ][:5]


def test_who_asks_by_two_editions_in_turn_is_told_right(office: Office) -> None:
    Life(office, 4).go_on(60)
    chronicle, old, new = Chronicle(office.book), office.twin.current, redrawn()
    for city in (old, new, old):
        assert found(chronicle, city) == expected(office, city)
    assert found(chronicle, old) != found(chronicle, new)


def test_what_began_before_the_rows_that_are_kept_is_where_the_table_has_it(office: Office) -> None:
    office.report("old", code=GRID)
    office.report("moved", code=GRID)
    office.report("moving", code=HOLED, subject="moved", op="update")
    office.report("away", code=HOLED)
    for number in range(20):
        office.report(f"e{number}", code=TWO_PARTS)
    chronicle, city = Chronicle(office.book, span=12), office.twin.current
    assert {line.code for line in chronicle.latest(city, city.partition.finest.codes, 99)} == {TWO_PARTS}
    closing = [office.report(f"close {name}", subject=name, op="close") for name in ("old", "moved")]
    for each in (chronicle, Chronicle(office.book, span=12)):
        assert [line.seq for line in each.latest(city, [GRID], 9)] == [closing[0]]
        assert [line.seq for line in each.latest(city, [HOLED], 9)] == [closing[1]]
    for number in range(20):
        office.report(f"f{number}", code=TWO_PARTS)
    assert {line.code for line in chronicle.latest(city, city.partition.finest.codes, 99)} == {TWO_PARTS}
    assert set(chronicle._things) == {line.thing for line in chronicle._lines}, "nothing else is kept"


def test_it_reads_what_is_archived(office: Office) -> None:
    Life(office, 2).go_on(60)
    wanted = found(Chronicle(office.book), office.twin.current)
    office.store.archives.archive(Keep(0, 20), office.now)
    assert office.store.archives.all()
    assert (
        found(Chronicle(office.book), office.twin.current) == wanted == expected(office, office.twin.current)
    )


def test_a_line_says_whether_it_was_a_drill_and_when_it_happened(office: Office) -> None:
    office.report("a", code=GRID, drill=True, occurred_at="2099-01-01 00:00:00+08:00")
    office.report("b", code=GRID, occurred_at="2026-05-06t08:30:00.5+08:00")
    late, ahead = Chronicle(office.book).latest(office.twin.current, [GRID], 2)
    assert (late.drill, ahead.drill) == (False, True)
    assert (late.occurred_at, ahead.occurred_at) == (
        "2026-05-06T08:30:00.5+08:00",
        "2026-05-06T01:00:00.000Z",
    )

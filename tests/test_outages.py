"""A real month of outages: what the city says is open is what a plain dictionary says."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import outages
import pytest
from webtown import make_twin

from gridmap.affairs import KEEPER
from gridmap.casework import Casework
from gridmap.events.document import decode
from gridmap.events.intake import NEW, SAME, Intake, Receipt
from gridmap.events.situations import read_state
from gridmap.orders.rules import Rules
from gridmap.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.store.desk import Desk
    from gridmap.store.logbook import LogBook

COUNT = 6_000
NOW = datetime(2021, 2, 1, tzinfo=UTC)


def now() -> datetime:
    return NOW


STREAMS = ["made", *(["real"] if outages.FILE.exists() else [])]
"""The file is shared data and may not be here; the stream that is made has its shape."""


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_open_is_what_a_dictionary_says(stream: str, toy: Path, tmp_path: Path) -> None:
    rows = outages.real_rows(COUNT) if stream == "real" else outages.made_rows(COUNT // 3, 6)
    shutil.copytree(toy, tmp_path / "home")
    twin = make_twin(1)
    with Home.open(tmp_path / "home").store() as store:
        intake = Intake(store.log, lambda: twin.current, now)
        given = [decode(line.encode(), b"") for line in outages.lines(rows)]
        half = len(given) // 2
        casework = Casework(lambda: twin.current, Rules(), now)
        outcomes = []
        for part in (given[:half], given[half - 100 :]):  # some come twice, and the keeper works in between
            outcomes += [answer.outcome for answer in intake.take(part) if isinstance(answer, Receipt)]
            while store.log.advance(KEEPER, 2_000, casework.keep):
                pass
        intake.close()
        assert (outcomes.count(NEW), outcomes.count(SAME)) == (len(rows), 100)
        assert open_in(store.log) == outages.replay(rows)


def open_in(book: LogBook) -> dict[str, tuple[str, str]]:
    """What is open, by subject: the ids of its last event, and of the last that said a place."""
    events = {
        entry.seq: json.loads(entry.body) for entry in book.read(0, 10 * COUNT) if entry.kind == "event"
    }
    placed = {said["subject"]: (said["id"], said["at"]) for said in events.values() if "at" in said}

    def look(desk: Desk) -> dict[str, tuple[str, str]]:
        out = {}
        for situation in desk.open_situations(0, COUNT):
            state = read_state(situation)
            name, at = placed.get(events[situation.seq]["subject"], ("", None))
            assert state.at == (tuple(at) if at else None)
            out[situation.thing.partition("/")[2]] = events[situation.seq]["id"], name
        return out

    return book.looking(look)

"""Work that is tried again and again says once why it fails."""

from __future__ import annotations

import logging

import pytest

from gridmap.errors import HomeError
from gridmap.trying import Trying


def test_each_reason_is_said_once_until_it_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    trying = Trying(logging.getLogger("gridmap.test"), "the bell does not ring")
    done = []
    for error in (HomeError("no rope"), HomeError("no rope"), KeyError(), None, HomeError("no rope")):
        with trying:
            if error is not None:
                raise error
            done.append(1)
        assert trying.is_well == (error is None)
    said = [record.getMessage().partition(": ")[2] for record in caplog.records]
    assert said == ["no rope", "KeyError", "no rope"]
    assert [bool(record.exc_info) for record in caplog.records] == [False, True, False]
    assert done == [1]


def test_what_ends_a_process_is_not_held_up() -> None:
    with pytest.raises(KeyboardInterrupt), Trying(logging.getLogger("gridmap.test"), "x"):
        raise KeyboardInterrupt

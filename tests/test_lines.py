"""Many events in one body: each line or element by itself, with its number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from event_oracles import SECRET, event
from hypothesis import given as drawn
from hypothesis import strategies as st

from gridmap.errors import InputError
from gridmap.events.document import decode
from gridmap.events.lines import read_array, read_lines

GOOD = [json.dumps(event(name, title="井盖"), ensure_ascii=False).encode() for name in "abc"]
BAD = [
    b"{",
    b"[]",
    b"{}",
    b"null",
    b"\xff",
    '{"title":"井"}'.encode("gbk"),
    b'{"id":"a",}',
    b'{"a":"\\ud800"}',
]
BLANK = [b"", b" ", b"\t\r"]


def one_by_one(pieces: list[bytes]) -> list[tuple[int, Any]]:
    """What each piece is by itself: its digest, or the error's words."""
    out: list[tuple[int, Any]] = []
    for number, piece in enumerate(pieces, 1):
        try:
            out.append((number, decode(piece, SECRET).digest))
        except InputError as error:
            out.append((number, str(error)))
    return out


def told(items: Any) -> list[tuple[int, Any]]:
    return [(line, str(item) if isinstance(item, InputError) else item.digest) for line, item in items]


@drawn(st.lists(st.sampled_from(GOOD + BAD + BLANK)), st.sampled_from([b"\n", b"\r\n", b" \n"]))
def test_each_line_is_read_by_itself(lines: list[bytes], end: bytes) -> None:
    expected = [(number, told) for number, told in one_by_one(lines) if lines[number - 1].strip()]
    good = [each for each in expected if ":" not in each[1]]
    for body in (end.join(lines), end.join([*lines, b""])):
        found = told(read_lines(body, SECRET))
        assert [line for line, _ in found] == [line for line, _ in expected]
        assert [each for each in found if ":" not in each[1]] == good


@drawn(st.lists(st.sampled_from([*GOOD, b"[]", b"{}", b"null", b"17", '{"title":"井"}'.encode("gbk")])))
def test_each_element_is_read_by_itself(pieces: list[bytes]) -> None:
    assert told(read_array(b" [ " + b" , ".join(pieces) + b"]\n", SECRET)) == one_by_one(pieces)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b"[{}", b"[{},]", b"nonsense", b"\xff", b"[{'a':1}]", b"[" * 100_000]
)
def test_what_is_no_list_is_refused_whole(body: bytes) -> None:
    with pytest.raises(InputError, match="no JSON list of events"):
        list(read_array(body, SECRET))


def test_nothing_is_nothing() -> None:
    assert [*read_lines(b"", SECRET), *read_lines(b"\n\n \n", SECRET), *read_array(b"[]", SECRET)] == []

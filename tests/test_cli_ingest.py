"""`gridmap ingest`: good lines are in the log once, with their grids; the others are told with their line."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from served import served
from town import GRIDS
from webtown import GRID, place

from gridmap import cli_ingest
from gridmap.cli_ingest import Piece, ingest, pieces_of
from gridmap.client import ServiceError
from gridmap.errors import BusyError, HomeError, InputError
from gridmap.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

LON, LAT = place(1.5, 1.5)


@pytest.fixture
def home(toy: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(toy, copy)
    return copy


def event(name: str, **more: Any) -> dict[str, Any]:
    said = {"id": name, "source": "12345", "class": "城市管理", "lon": LON, "lat": LAT, "crs": "wgs84"}
    return said | more


def lines(*events: dict[str, Any] | str) -> str:
    return "".join(
        f"{each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)}\n" for each in events
    )


def run(*arguments: object, said: str | bytes | None = None) -> Result:
    return CliRunner().invoke(ingest, [str(argument) for argument in arguments], input=said)


def in_log(home: Path) -> list[dict[str, Any]]:
    with Home.open(home).store() as store:
        return [json.loads(each.body) for each in store.log.read(0, 10_000) if each.kind == "event"]


def test_events_of_a_file_are_in_the_log_with_their_grids_and_twice_is_once(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(lines(*(event(f"a-{number}") for number in range(7)), event("p", lon=0.0)))
    done = run(file, "--home", home)
    assert (done.exit_code, done.stdout) == (
        0,
        f"{home}: 8 events stored, 0 were there already, 0 rejected\n",
    )
    found = in_log(home)
    assert [each["id"] for each in found] == [*(f"a-{number}" for number in range(7)), "p"]
    assert {each["code"] for each in found[:7]} <= set(GRIDS)
    assert (found[7]["code"], found[7]["unplaced"]) == (None, "outside the city")
    again = run(file, "--home", home, "--json")
    assert json.loads(again.stdout) == {"accepted": 0, "duplicates": 8, "rejected": 0}
    assert in_log(home) == found


def test_bad_lines_are_told_with_their_number_and_kept_in_a_file(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "rejected.ndjson"
    bad = "\n{no json\n\n"
    said = lines(event("a"), bad, event("b", urgency="pink"), event("c"), event("a", title="又"))
    done = run("--home", home, "--rejected", out, said=said)
    assert done.exit_code == 0
    assert "2 events stored, 0 were there already, 3 rejected" in done.stdout
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(each["line"], each["reason"].split(":")[0]) for each in told] == [
        (3, "event"),
        (6, "urgency"),
        (8, "id"),
    ]
    assert told[0]["said"] == "{no json"
    for each in told:
        assert f"line {each['line']}: {each['reason']}" in done.stderr


def test_a_json_list_a_place_and_names_of_people(home: Path) -> None:
    placed = {"id": "q", "source": "s", "class": "其他", "place": GRID}
    person = event("n", reporter={"name": "张三", "phone": "138"})
    done = run("-", "--home", home, said="\ufeff " + json.dumps([placed, person, 5]))
    assert done.exit_code == 0, done.output
    assert "2 events stored" in done.stdout
    assert "line 3: event:" in done.stderr
    by_place, by_person = in_log(home)
    assert (by_place["code"], set(by_person["reporter"])) == (GRID, {"ref"})
    with Home.open(home).store() as store:
        assert "张三" in str(store.log.personal("12345/n"))


def test_the_exit_code_says_whether_anything_was_good(home: Path, tmp_path: Path) -> None:
    done = run("--home", home, said="no\n" * 30)
    assert done.exit_code == 1
    assert done.stderr.count("line ") == 20
    assert "... and 10 more; --rejected FILE lists them all" in done.stderr
    assert run("--home", home, said="").exit_code == 0
    assert isinstance(run("--home", tmp_path / "none", said="{}").exception, HomeError)
    assert isinstance(run("--home", home, said="[1,").exception, InputError)


@given(st.lists(st.binary(max_size=5).filter(lambda line: b"\n" not in line)), st.integers(1, 9))
def test_pieces_are_the_lines_in_order_wherever_they_are_cut(said: list[bytes], step: int) -> None:
    body = b"\n".join([b"x", *said])

    class Slowly(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(step if size != 0 else 0)

    pieces = [*pieces_of(Slowly(body))]
    assert b"\n".join(piece.body for piece in pieces).rstrip(b"\n") == body.rstrip(b"\n")
    number = 1
    for piece in pieces:
        assert piece.first == number
        number += piece.body.count(b"\n") + 1


def test_a_mark_before_the_first_line_is_no_part_of_it() -> None:
    assert [*pieces_of(io.BytesIO(b"\xef\xbb\xbf{}"))] == [Piece(1, b"{}", 1.0)]


def test_a_service_gets_them_with_the_line_of_each_rejection(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "rejected.ndjson"
    said = lines("no", *(event(f"a-{number}") for number in range(1_500)), "no", event("a-0", title="x"))
    with served(home) as service:
        done = run("--server", service, "--json", "--rejected", out, said=said)
        listed = run("--server", service.partition("://")[2], said="[1]")
        told = run("--server", service, said=lines(*["{}"] * 1_001, event("end"), "no"))
    assert json.loads(done.stdout) == {"accepted": 1_500, "duplicates": 0, "rejected": 3}
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 1_502, 1_503]
    assert (listed.exit_code, "line 1: event" in listed.stderr) == (1, True)
    assert "1 events stored, 0 were there already, 1,002 rejected" in told.stdout
    assert len(in_log(home)) == 1_501


def test_a_service_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = run("--server", "http://127.0.0.1:9", said="{}").exception
    assert isinstance(gone, ServiceError)
    assert "give the same command again" in str(gone)
    assert isinstance(run("--server", "ftp://x", said="{}").exception, InputError)
    monkeypatch.setattr(cli_ingest, "PAUSE_S", 0.0)
    asked: list[bytes] = []

    def busy(_self: object, body: bytes, _type: str) -> tuple[int, dict[str, Any]]:
        asked.append(body)
        return 503, {"detail": "too much"}

    monkeypatch.setattr("gridmap.cli_ingest._Remote._exchange", busy)
    late = run("--server", "http://127.0.0.1:9", said="{}").exception
    assert isinstance(late, BusyError)
    assert len(asked) == cli_ingest.TRIES

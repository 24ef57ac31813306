"""`gridmap log`: archives are made and listed, damage ends with exit code 5, a copy holds every row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update
from test_archives import follow

from gridmap.cli import _Group
from gridmap.cli_log import log
from gridmap.settings import LOG_DAYS, LOG_ROWS
from gridmap.store import archives, schema
from gridmap.store.home import Home
from gridmap.store.log import EVENT, Fact, row_checksum
from gridmap.store.store import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.store.log import Entry
    from gridmap.store.store import Store

ROWS = 12
MAIN = _Group(commands={"log": log})
"""As `gridmap` has it, with its table of exit codes."""


def event(number: int) -> Fact:
    """The first is 501 days old, the next 500 ..."""
    when = (utc_now() - timedelta(days=501 - number)).isoformat()
    said = {"id": f"a-{number}", "标题": "井盖", "received_at": when}
    return Fact(EVENT, f"12345/a-{number}", json.dumps(said, ensure_ascii=False))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(archives, "AT_ONCE", 5)
    made = Home.create(tmp_path / "home")
    with made.store() as store:
        store.log.add([event(number) for number in range(ROWS)])
        follow(store)
    return made


def rows(home: Home) -> list[Entry]:
    with home.store() as store:
        return store.log.read(0, 99)


def run(home: Home, *arguments: object) -> Result:
    told = [str(each) for each in arguments]
    return CliRunner().invoke(MAIN, ["log", told[0], "--home", str(home.root), *told[1:]])


def archived(home: Home) -> int:
    with home.store() as store:
        return sum(each.rows for each in store.archives.all())


def change(store: Store, statement: object) -> None:
    with store._database.writing() as connection:
        assert connection.execute(statement).rowcount == 1  # type: ignore[call-overload]


def test_archives_are_made_and_listed(home: Home) -> None:
    whole = rows(home)
    done = run(home, "archive", "--days", 0, "--rows", 4)
    assert (done.exit_code, done.stdout) == (0, f"{home.root}: 8 rows moved into 2 archives, 0.0 MB\n")
    assert run(home, "archive", "--days", 0, "--rows", 4).stdout == f"{home.root}: nothing to archive\n"
    assert rows(home) == whole
    *lines, last = run(home, "list").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [["1", "to", "5"], ["6", "to", "8"]]
    assert last == "8 rows in 2 archives, 0.0 MB; 4 in the database"
    first, second = map(json.loads, run(home, "list", "--json").stdout.splitlines())
    assert [(each["first"], each["last"], each["rows"]) for each in (first, second)] == [(1, 5, 5), (6, 8, 3)]
    assert first["begin"] < first["end"] < second["begin"] < first["archived"] <= second["archived"]
    assert first["bytes"] == home.blobs.path(first["blob"]).stat().st_size


def test_settings_say_what_stays_where_no_option_does(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_DAYS.name, "499")
    monkeypatch.setenv(LOG_ROWS.name, "11")
    run(home, "archive", "--days", 0)
    assert archived(home) == 1
    run(home, "archive")
    assert archived(home) == 3
    monkeypatch.setenv(LOG_DAYS.name, "soon")
    refused = run(home, "archive")
    assert refused.exit_code == 2
    assert f"{LOG_DAYS.name}: 'soon' is no whole number" in refused.stderr


def test_an_empty_log_has_nothing_to_tell(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    assert run(home, "verify").stdout == f"{home.root}: the log is sound, 0 rows\n"
    assert run(home, "list").stdout == "0 rows in 0 archives, 0.0 MB; 0 in the database\n"
    out = tmp_path / "all.parquet"
    assert run(home, "export", out).stdout == f"{out}: 0 rows\n"
    assert pq.read_table(out).num_rows == 0


def test_a_sound_log_is_said_to_be_sound(home: Home) -> None:
    assert run(home, "verify").stdout == f"{home.root}: the log is sound, {ROWS} rows\n"
    run(home, "archive", "--days", 0, "--rows", 4)
    done = run(home, "verify")
    assert done.stdout == f"{home.root}: the log is sound, {ROWS} rows, 8 of them in 2 archives\n"
    assert [line.split("  ")[1] for line in done.stderr.splitlines()] == [
        "reading the log",
        "comparing the archives",
    ]


def test_damage_ends_with_exit_code_5(home: Home) -> None:
    run(home, "archive", "--days", 0, "--rows", 4)
    with home.store() as store:
        change(store, update(schema.log).where(schema.log.c.seq == 10).values(body="{}"))
    done = run(home, "verify")
    assert (done.exit_code, "row 10 of the log is not what was written" in done.stderr) == (5, True)
    with home.store() as store:
        change(store, delete(schema.archived_keys).where(schema.archived_keys.c.seq == 2))
        change(store, delete(schema.log).where(schema.log.c.seq == ROWS))
        change(store, delete(schema.log).where(schema.log.c.seq == 11))
        change(store, delete(schema.log).where(schema.log.c.seq == 10))
    done = run(home, "verify")
    assert (done.exit_code, "key of row 2" in done.stderr) == (5, True)
    with home.store() as store:
        blob = home.blobs.path(store.archives.all()[0].blob)
    flipped = bytearray(blob.read_bytes())
    flipped[40] ^= 1
    blob.write_bytes(flipped)
    done = run(home, "verify")
    assert (done.exit_code, blob.name in done.stderr) == (5, True)
    assert run(home, "export", home.root.parent / "all.ndjson").exit_code == 5
    assert not (home.root.parent / "all.ndjson").exists()


@pytest.mark.parametrize(("since", "until"), [(0, None), (3, 9), (5, 5), (9, 4), (2, 99)])
def test_a_copy_holds_every_row_that_was_asked_for(home: Home, since: int, until: int | None) -> None:
    whole = [each for each in rows(home) if since < each.seq <= (until or 99)]
    run(home, "archive", "--days", 0, "--rows", 4)
    asked = ["--since", since, *([] if until is None else ["--until", until])]
    lines, table = home.root.parent / "log.ndjson", home.root.parent / "log.parquet"
    for out in (lines, table):
        assert run(home, "export", out, *asked).stdout == f"{out}: {len(whole):,} rows\n"
    read = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert read == [each._asdict() | {"body": json.loads(each.body)} for each in whole]
    found = pq.read_table(table).to_pylist()
    assert found == [each._asdict() | {"checksum": row_checksum(*each)} for each in whole]


def test_a_file_of_another_ending_is_refused(home: Home) -> None:
    done = run(home, "export", home.root.parent / "log.csv")
    assert (done.exit_code, "neither .parquet nor .ndjson" in done.stderr) == (2, True)
    assert run(home, "export", home.root / "none" / "log.ndjson").exit_code == 3

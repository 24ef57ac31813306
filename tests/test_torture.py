"""The torture in small: a kill, a power cut, damaged files; and that the torture sees what is wrong."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torture
import torture_damage
from torture_disk import Disk, build_shim, mixture
from torture_events import BreachError, Ledger, Row, check_log, make_event, read_log

from gridmap.store.log import row_checksum


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


def test_nothing_that_was_acknowledged_is_lost_by_a_kill_or_a_power_cut(tmp_path: Path) -> None:
    seen = torture.ingest(tmp_path, rounds=2, seed=4, variants=(torture.MIXED, torture.KILL), quiet=True)
    assert seen.rounds == 2
    assert seen.acknowledged > 0


def test_damage_is_reported_and_never_served(tmp_path: Path, toy: Path) -> None:
    found = torture_damage.try_damage(
        tmp_path, cases=28, seed=3, make_home=partial(shutil.copytree, toy), served=0, events=400
    )
    for part in ("body", "key", "checksum"):
        assert f"4  a byte of a row's {part}: {torture_damage.REPORTED}" in found


WRITES = """
import os, sys
from pathlib import Path
home = Path(sys.argv[1])

def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)

(home / "kept").write_text("one")
(home / "never").write_text("not synced")
sync(home / "kept")
sync(home)
with (home / "kept").open("a") as file:
    file.write(" two")
(home / "old").unlink()
(home / "renamed").rename(home / "other")
(home / "late").write_text("its folder was not synced")
sync(home / "late")
os.truncate(home / "long", 1)
os.kill(os.getpid(), 9)
"""


def test_the_disk_forgets_what_was_not_synced(tmp_path: Path, shim: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("old", "renamed", "long"):
        (home / name).write_text(name)
    disk = Disk(home, tmp_path / "shadow", shim)
    disk.settle()
    environment = os.environ | disk.environment(delay_us=1_000)
    done = subprocess.run([sys.executable, "-c", WRITES, str(home)], env=environment, check=False)
    assert done.returncode == -9
    assert {path.name for path in home.iterdir()} == {"kept", "never", "other", "late", "long"}
    disk.fail(random.Random(0), mixed=False)
    assert {path.name: path.read_text() for path in home.iterdir()} == {
        "kept": "one",
        "old": "old",
        "renamed": "renamed",
        "long": "long",
    }


def test_a_mixture_holds_sectors_of_both_and_nothing_else() -> None:
    old, new = b"o" * 20_000, b"n" * 30_000
    seen = set()
    for seed in range(50):
        found = mixture(old, new, random.Random(seed))
        assert found is not None
        assert len(found) in (len(old), len(new))
        for begin in range(0, len(found), 512):
            piece = set(found[begin : begin + 512])
            assert piece <= set(b"on\0")
            seen |= piece
        assert b"\0" not in found[: len(old)]
    assert seen == set(b"on\0")
    assert mixture(old, old, random.Random(1)) == old


def test_the_torture_sees_what_is_wrong() -> None:
    chance = random.Random(1)
    events = [make_event(f"e-{number}", chance, []) for number in range(3)]
    ledger = Ledger({each.key: each for each in events})
    rows = []
    for number, each in enumerate(events, 1):
        each.tried = each.acknowledged = True
        body = f'{each.kept},"code":null}}'
        rows.append(Row(number, "event", each.key, body, row_checksum(number, "event", each.key, body)))
    check_log(rows, ledger)
    strange = make_event("x", chance, [])
    wrong = {
        "are lost": rows[:2],
        "stands twice": [*rows, rows[0]],
        "is not what was sent": [rows[0]._replace(body=rows[1].body), *rows[1:]],
        "which nobody sent": [*rows, rows[0]._replace(key=strange.key)],
        "says what nobody said": [rows[0]._replace(body=f'{rows[0].body[:-1]},"more":1}}'), *rows[1:]],
    }
    for said, each_rows in wrong.items():
        with pytest.raises(BreachError, match=said):
            check_log(each_rows, ledger)
    ledger.events[events[0].key] = replace(events[0], told="something else")
    with pytest.raises(BreachError, match="not what was acknowledged"):
        check_log(rows, ledger)


def test_a_gap_and_a_wrong_checksum_are_seen_in_the_file(tmp_path: Path, toy: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(toy, home)
    torture_damage.fill(home, 100, 1)
    rows = read_log(home / "gridmap.sqlite")
    assert len(rows) >= 100
    for statement, said in (
        ("UPDATE log SET body = body || ' ' WHERE seq = 5", "wrong checksum"),
        ("DELETE FROM log WHERE seq = 5", "row 5 of the log is missing"),
    ):
        torture_damage.change(home / "gridmap.sqlite", statement)
        with pytest.raises(BreachError, match=said):
            read_log(home / "gridmap.sqlite")

"""`gridmap simulate` as somebody types it, and how scripts/run starts it beside the server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest
from click.testing import CliRunner
from test_simulation import FakeService, written

from gridmap.cli_simulate import Line, read_point, simulate
from gridmap.errors import GridmapError, InputError
from gridmap.simulation import link
from gridmap.simulation.link import WallClock

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parent.parent


@pytest.fixture(name="service")
def _service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """A service that answers in the process, to whatever address it is asked at."""
    service = FakeService(WallClock())
    monkeypatch.setattr(link, "Link", partial(link.Link, transport=service.transport))
    return service


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(simulate, [str(word) for word in words])


def test_a_day_is_played_and_told_in_a_line(service: FakeService) -> None:
    done = typed("--speed", "0", "--hours", "2", "--per-day", "200", "--seed", "3")
    assert (done.exit_code, done.stderr) == (0, "")  # nobody looks at a terminal, so nothing moves there
    assert 0 < len(service.events) < 200
    assert done.stdout.startswith(f"{len(service.events)} events, ")
    assert done.stdout.count("\n") == 1
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert not any("_ender" in repr(handler) for handler in handlers)


def test_everything_can_be_a_drill(service: FakeService) -> None:
    typed("--speed", "0", "--hours", "3", "--per-day", "200", "--drill")
    assert service.events
    assert all(event["drill"] for event in service.events.values())


def test_a_file_is_replayed(service: FakeService, tmp_path: Path) -> None:
    rows = [{"ts": n, "op": "add", "id": str(n), "lon": -120.0 + n, "lat": 37.0} for n in range(5)]
    path = written(tmp_path / "s.parquet", rows)
    done = typed("--replay", path, "--speed", "0", "--limit", "4", "--into", "106.5,29.5")
    assert done.exit_code == 0
    assert [event["lon"] for event in service.events.values()] == [104.5, 105.5, 106.5, 107.5]
    typed("--replay", path, "--speed", "0", "--city")
    assert len(service.events) == 9


def test_a_real_city_is_refused(service: FakeService) -> None:
    service.synthetic = False
    done = typed("--hours", "1")
    assert isinstance(done.exception, InputError)
    assert "serves a real city" in str(done.exception)
    assert not service.events
    attached = typed("--attached")  # beside scripts/run: nothing to say about it
    assert (attached.exit_code, attached.output) == (0, "")


def test_who_does_not_answer_is_named(service: FakeService) -> None:
    service.troubles = [httpx.ConnectError("refused")]
    done = typed()
    assert isinstance(done.exception, GridmapError)
    assert "http://127.0.0.1:8000 does not answer" in str(done.exception)


def test_an_attached_run_waits_for_its_server(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(WallClock, "wait", lambda _, seconds: waits.append(seconds))
    service.troubles = [httpx.ConnectError("refused")] * 9
    done = typed("--attached", "--speed", "0", "--hours", "2", "--per-day", "200")
    assert (done.exit_code, done.output) == (0, "")
    assert sum(waits) > 60
    assert service.events


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(service: FakeService, number: int) -> None:
    inner = service.transport.handler

    def answer(request: httpx.Request) -> Any:
        if request.url.path == "/orders":
            os.kill(os.getpid(), number)
        return inner(request)

    service.transport.handler = answer
    done = typed("--per-day", "20000")
    assert done.exit_code == 0
    assert " events, " in done.stdout


def test_it_ends_with_its_parent(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([17, 17, 17])
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 1))
    assert typed("--attached").exit_code == 0
    assert len(service.asked) <= 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "3"], "are for --replay FILE"),
        (["--into", "1,2"], "are for --replay FILE"),
        (["--speed", "0"], "say --hours"),
        (["--replay", "x.parquet", "--hours", "1"], "a file has --limit"),
        (["--replay", "x.parquet", "--city", "--into", "1,2"], "not both"),
        (["--speed", "-1"], "--speed"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: list[str], said: str) -> None:
    done = typed(*words)
    assert (done.exit_code, done.exception.__class__) == (2, SystemExit)
    assert said in done.stderr


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "29.5,106.5", "nan,1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"into: .* is no place"):
        read_point(text)
    assert read_point("106.5,29.5") == (106.5, 29.5)
    assert read_point(None) is None


def test_the_line_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def echo(text: str = "\n", **_options: object) -> None:
        said.append(text)

    monkeypatch.setattr(click, "echo", echo)
    line = Line(quiet=False)
    line("12 events")
    line("3")
    line.close()
    assert said == ["\r12 events", "\r3        ", "\n"]
    quiet = Line(quiet=True)
    quiet("12 events")
    quiet.close()
    assert len(said) == 3


STUB = """#!/usr/bin/env bash
echo "$@" >>{log}
case $1 in
    serve)
        for _ in $(seq 100); do
            if [ -z "{expects}" ] || grep -q simulate {log}; then break; fi
            sleep 0.05
        done
        echo "served by $$, a child of $PPID"
        exit 7 ;;
    simulate) echo "a word that nobody should see" ;;
esac
"""


def ran(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """scripts/run in a checkout whose gridmap only notes how it was called and whose server exits with 7."""
    log = folder / "log"
    (folder / "scripts").mkdir(exist_ok=True)
    (folder / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "scripts" / "run", folder / "scripts")
    expects = "" if "--no-simulate" in words or "0" in words else "yes"
    for name, text in {
        "scripts/setup": "#!/bin/sh\n",
        ".venv/bin/gridmap": STUB.format(log=log, expects=expects),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    command = [str(folder / "scripts" / "run"), "--home", "h", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    calls = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return done, calls


def test_the_script_starts_it_beside_the_server(tmp_path: Path) -> None:
    done, calls = ran(tmp_path, "--port", "47391")
    assert done.returncode == 7
    assert "nobody should see" not in done.stdout
    assert sorted(calls) == [
        "serve --home h --port 47391",
        "simulate --attached --server http://127.0.0.1:47391 --per-day 6000",
        "status --home h",
    ]
    options = calls[[call.split()[0] for call in calls].index("simulate")].split()[1:]
    assert simulate.make_context("simulate", options).params["attached"]


def test_the_script_can_do_without_it(tmp_path: Path) -> None:
    for words in (
        ["--no-simulate", "--port", "47391"],
        ["--port", "47391", "--no-simulate"],
        ["--port", "0"],
    ):
        done, calls = ran(tmp_path, *words)
        assert done.returncode == 7
        assert [call.split()[0] for call in calls] == ["status", "serve"]
    helped, calls = ran(tmp_path, "--help")
    assert "--no-simulate" in helped.stdout
    assert (helped.returncode, calls) == (0, [])

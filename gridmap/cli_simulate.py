"""`gridmap simulate`: life for a synthetic city."""

from __future__ import annotations

import os
import signal
import sys
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.simulation.link import Clock, Link
    from gridmap.simulation.player import Player


@click.command()
@click.option("--server", default="http://127.0.0.1:8000", show_default=True, metavar="URL")
@click.option(
    "--speed",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="60 plays an hour in a minute, 0 as fast as it goes.",
)
@click.option(
    "--per-day",
    type=click.IntRange(1, 10_000_000),
    default=20_000,
    show_default=True,
    help="Things that are reported in a day.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another day.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="End after so many hours of the day.")
@click.option("--drill", is_flag=True, help="Everything is a drill: shown, never counted.")
@click.option(
    "--replay",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.parquet",
    help="Play a real stream: columns ts, op (add, upd, del), id, lon, lat.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first rows of the file.")
@click.option("--into", metavar="LON,LAT", help="Move the middle of the stream to this place.")
@click.option("--city", is_flag=True, help="Stretch the stream over the city's box.")
@click.option(
    "--attached",
    is_flag=True,
    help="Wait for the server, say nothing, leave a real city in peace, end with the parent process.",
)
def simulate(
    server: str,
    speed: float,
    hours: float | None,
    per_day: int,
    seed: int,
    drill: bool,
    file: Path | None,
    limit: int | None,
    into: str | None,
    city: bool,
    attached: bool,
) -> None:
    """Let a synthetic city live: make its day, or replay a real stream, and send it to a running server.

    Events come from the source `simulator`; simulated staff answer the orders. A city that is not synthetic
    is refused. Ends with Ctrl-C.

    \b
    gridmap simulate                                 the day from now on
    gridmap simulate --speed 60 --hours 24           a day in 24 minutes
    gridmap simulate --replay outages.parquet --speed 0 --city
    """  # noqa: D301 - click wants a real backspace before a block that it must not wrap
    from gridmap.simulation.day import Plan
    from gridmap.simulation.runs import play_day, play_file

    place = read_point(into)
    check_options(file, speed, hours, limit is not None or place is not None or city)
    if place is not None and city:
        raise click.UsageError("Say --into or --city, not both.")
    told = Line(quiet=attached or not sys.stderr.isatty())

    def made(link: Link, clock: Clock) -> Player:
        if file is None:
            plan = Plan(seed, per_day, drill)
            return play_day(link, clock, plan, speed=speed, hours=hours, told=told)
        return play_file(link, clock, file, speed=speed, limit=limit, into=place, city=city, told=told)

    said = run(server, made, attached)
    told.close()
    if said and not attached:
        click.echo(said)


def check_options(file: Path | None, speed: float, hours: float | None, of_replay: bool) -> None:
    """Refuse options that do not go together."""
    if file is None and of_replay:
        raise click.UsageError("--limit, --into and --city are for --replay FILE.")
    if file is None and not speed and hours is None:
        raise click.UsageError("At --speed 0 the days have no end: say --hours.")
    if file is not None and hours is not None:
        raise click.UsageError("--hours is for a day; a file has --limit.")


def read_point(text: str | None) -> tuple[float, float] | None:
    """A place from LON,LAT. InputError where it is none."""
    if text is None:
        return None
    try:
        lon, lat = map(float, text.split(","))
    except ValueError as error:
        raise InputError("into", f"{text!r} is no place; write LON,LAT, such as 106.577,29.559") from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InputError("into", f"{text!r} is no place on Earth; the longitude comes first")
    return lon, lat


def run(server: str, made: Any, attached: bool) -> str:
    """Play what `made` makes of a link and a clock, until its end or a signal; what was done, in a line.

    An attached run waits for the server as long as it takes, ends when its parent does, and leaves a real
    city in peace.
    """
    from gridmap.simulation.link import PATIENCE_S, EndedError, Link, WallClock

    parent = os.getppid()
    clock = WallClock(lambda: attached and os.getppid() != parent)
    before = {number: signal.signal(number, _ender(clock)) for number in (signal.SIGTERM, signal.SIGINT)}
    link = Link(server, clock, patience_s=inf if attached else PATIENCE_S)
    player: Player | None = None
    try:
        link.check_synthetic(None if attached else 0.0)
        player = made(link, clock)
        player.run()
    except EndedError:
        pass
    except InputError as error:
        if not (attached and error.name == "server"):
            raise
    finally:
        link.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return "" if player is None else player.tally.line(clock.now())


def _ender(clock: Any) -> Any:
    """What a signal does: the first lets what is under way come to its end, the second does not."""
    told: list[bool] = []

    def end(_number: int, _frame: object) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(True)
        clock.end()

    return end


class Line:
    """A line on stderr that is written over; nothing at all where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._long = 0

    def __call__(self, text: str) -> None:
        """Show a text in place of the last one."""
        if not self._quiet:
            click.echo("\r" + text.ljust(self._long), nl=False, err=True)
            self._long = len(text)

    def close(self) -> None:
        """Begin a new line, if there was one."""
        if self._long:
            click.echo(err=True)

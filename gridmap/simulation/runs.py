"""What a run is made of: a day from now on with staff, or a file that is replayed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from itertools import takewhile
from typing import TYPE_CHECKING

from gridmap.simulation.day import CHINA, Plan, days
from gridmap.simulation.office import Office
from gridmap.simulation.player import Player
from gridmap.simulation.replay import around, onto, open_stream, reports
from gridmap.simulation.served_city import ServedCity
from gridmap.simulation.staff import Pace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridmap.simulation.link import Clock, Link
    from gridmap.simulation.replay import Move


def play_day(
    link: Link,
    clock: Clock,
    plan: Plan,
    *,
    speed: float = 1.0,
    hours: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Player:
    """A run of the day that goes on from now, with staff; it ends after so many hours of the day, if given.

    At the pace of the clock the events are those of the day, whenever the run is begun. Another speed makes a
    day of its own, with its beginning in the ids.
    """
    start = datetime.fromtimestamp(clock.now(), CHINA)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    since = (start - midnight).total_seconds()
    if speed != 1.0:
        plan = replace(plan, name=f"{start:%H%M%S}x{speed:g}-")
    found = days(ServedCity(link), plan, start.date(), since)
    if hours is not None:
        until = since + hours * 3600
        found = takewhile(lambda report: report.second < until, found)
    office = Office(link, Pace(plan.seed, speed))
    return Player(
        link, found, clock, speed=speed, since=since, restamp=speed != 1.0, office=office, told=told
    )


def play_file(
    link: Link,
    clock: Clock,
    path: Path,
    *,
    speed: float = 1.0,
    limit: int | None = None,
    into: tuple[float, float] | None = None,
    city: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Player:
    """A run of a file's events. `into` is where the middle of its box goes; with `city` it covers the city's.

    As fast as it goes (speed 0) events keep their own times, and the same again is the same; at any other
    speed they happen when they are sent.
    """
    stream = open_stream(path)
    move: Move | None = None
    target: tuple[float, ...] = ()
    if into is not None:
        target, move = into, around(stream.box, *into)
    elif city:
        target = bounds = ServedCity(link).bounds()
        move = onto(stream.box, bounds)
    name = blake2b(f"{path.name}/{target}".encode(), digest_size=3).hexdigest()
    if speed:
        name = f"{datetime.fromtimestamp(clock.now(), CHINA):%y%m%d%H%M%S}-{name}"
    found = reports(stream, move, limit=limit, name=name)
    return Player(link, found, clock, speed=speed, restamp=bool(speed), told=told)

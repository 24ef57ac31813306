"""`gridmap ingest`: events from a file or a pipe into a city, or to the service of one."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, TextIO
from urllib.parse import urlsplit

import click

from gridmap.cli_options import place_option
from gridmap.cli_output import SHOWN, Progress
from gridmap.client import ServiceError
from gridmap.errors import BusyError, InputError, NotFoundError
from gridmap.events.lines import Rejection, read_array, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gridmap.events.document import Given
    from gridmap.events.intake import Answer, Intake
    from gridmap.lookup import Lookup
    from gridmap.model import Area, Edition
    from gridmap.store.address import CityAddress
    from gridmap.surroundings import Source
    from gridmap.types import FloatArray, Int32Array

PIECE: Final = 1 << 20
"""Bytes read at a time, some 4,000 events; of a pipe what there is, so that nobody waits for a full piece."""

LISTED: Final = 1_000
"""Lines of a request: the service lists no more rejections than that."""

BUSY: Final = 503
TRIES: Final = 10
PAUSE_S: Final = 1.0
"""How often, and after how long, a service that has too much to do is asked again."""

REPLY_S: Final = 120.0
"""How long a service may take to answer: another writer may have the database."""

_MARK: Final = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""


class Piece(NamedTuple):
    """Whole lines, the number of the first one, and which share of all has been read with them."""

    first: int
    body: bytes
    share: float


class Told(NamedTuple):
    """What became of a piece."""

    accepted: int
    duplicates: int
    rejected: Sequence[Rejection]
    unlisted: int = 0
    """Rejected ones beyond those that were listed."""


@dataclass(slots=True)
class Count:
    """What became of everything so far."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    shown: list[Rejection] = field(default_factory=list)


class Door(Protocol):
    """Where events go."""

    def send(self, piece: Piece, *, listed: bool) -> Callable[[], Told]:
        """Have a piece written (`listed`: it is a JSON list); what is given tells what became of it."""


@click.command()
@place_option
@click.argument("source", metavar="[FILE|-]", default="-", type=click.File("rb"))
@click.option(
    "--server", metavar="URL", help="Send them to a running service, such as http://127.0.0.1:8000."
)
@click.option(
    "--rejected",
    "rejected_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the lines that cannot be used, with the reasons, as a JSON object a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was done.")
def ingest(
    place: CityAddress, source: BinaryIO, server: str | None, rejected_file: Path | None, as_json: bool
) -> None:
    """Store events: a JSON object a line (NDJSON), or one JSON list, from a file or a pipe.

    Each gets its grid by the current edition. Lines that cannot be used are told with the reason and left
    out. What is there already stays as it is, so a command that was interrupted can be given again. The
    service need not run; one that runs follows within a second, else it does at its next start.

    \b
    gridmap ingest events.ndjson --home H
    tail -f feed.ndjson | gridmap ingest --home H
    gridmap ingest events.json --server http://127.0.0.1:8000

    Exit code 1 when no line could be used.
    """  # noqa: D301 - click wants a real backspace before a block that it must not wrap
    count = Count()
    with ExitStack() as ends:
        file = ends.enter_context(rejected_file.open("w", encoding="utf-8")) if rejected_file else None
        progress = ends.enter_context(Progress())
        door = ends.enter_context(closing(_Remote(server)) if server else _local(place))
        _run(door, pieces_of(source), lambda piece, told: _note(count, piece, told, file), progress)
    if as_json:
        found = {"accepted": count.accepted, "duplicates": count.duplicates, "rejected": count.rejected}
        click.echo(json.dumps(found))
    else:
        _print(count, server or str(place), rejected_file)
    if count.rejected and not (count.accepted or count.duplicates):
        raise SystemExit(1)


def pieces_of(source: BinaryIO) -> Iterator[Piece]:
    """Whole lines of a stream as they come; a stream that begins with a bracket is one piece."""
    size, seen, line, rest = _size_of(source), 0, 1, b""
    while more := _more(source):
        if seen == 0:
            more = more.removeprefix(_MARK)
            if more.lstrip()[:1] == b"[":
                yield Piece(1, more + source.read(), 1.0)
                return
        seen += len(more)
        begun, end, over = more.rpartition(b"\n")
        if end:
            body = rest + begun
            yield Piece(line, body, min(seen / size, 1.0) if size else 0.0)
            line += body.count(b"\n") + 1
            rest = over
        else:
            rest += more
    if rest:
        yield Piece(line, rest, 1.0)


def _more(source: BinaryIO) -> bytes:
    read = getattr(source, "read1", source.read)
    found: bytes = read(PIECE)
    return found


def _size_of(source: BinaryIO) -> int:
    """The size of a file, 0 of what has none."""
    try:
        return os.fstat(source.fileno()).st_size
    except (OSError, AttributeError):
        return 0


def _run(
    door: Door, pieces: Iterator[Piece], note: Callable[[Piece, Told], None], progress: Progress
) -> None:
    """Send piece after piece; while one is written the next is read."""
    progress("storing events", 0.0)
    before: tuple[Piece, Callable[[], Told]] | None = None
    for piece in pieces:
        under_way = piece, door.send(piece, listed=piece.body.lstrip()[:1] == b"[")
        if before is not None:
            note(before[0], before[1]())
            progress("storing events", before[0].share)
        before = under_way
    if before is not None:
        note(before[0], before[1]())
        progress("storing events", 1.0)


def _note(count: Count, piece: Piece, told: Told, file: TextIO | None) -> None:
    count.accepted += told.accepted
    count.duplicates += told.duplicates
    count.rejected += len(told.rejected) + told.unlisted
    count.shown += told.rejected[: SHOWN - len(count.shown)]
    if file is None or not told.rejected:
        return
    lines = [] if piece.body.lstrip()[:1] == b"[" else piece.body.split(b"\n")
    for line, reason in told.rejected:
        said = lines[line - piece.first].decode("utf-8", "replace") if lines else None
        file.write(json.dumps({"line": line, "reason": reason, "said": said}, ensure_ascii=False) + "\n")
    file.flush()


def _print(count: Count, where: str, rejected_file: Path | None) -> None:
    """Say what was done: the rejected lines first, the counts last."""
    for line, reason in count.shown:
        click.echo(f"line {line}: {reason}", err=True)
    if count.rejected > len(count.shown):
        told = f"{rejected_file} lists them all" if rejected_file else "--rejected FILE lists them all"
        click.echo(f"... and {count.rejected - len(count.shown):,} more; {told}", err=True)
    click.echo(
        f"{where}: {count.accepted:,} events stored, {count.duplicates:,} were there already, "
        f"{count.rejected:,} rejected"
    )


# Into a store of our own


class LeanCity:
    """What placing asks of an edition, without all that a server makes of one."""

    def __init__(self, lookup: Lookup, source: Source) -> None:
        self.edition: Edition = lookup.edition
        self._lookup = lookup
        self._source = source

    def rows_at(self, lons: FloatArray, lats: FloatArray) -> Int32Array:
        """The rows of the grids at points in degrees."""
        return self._lookup.index.locate_many(lons, lats)

    def area_at(self, row: int) -> Area | None:
        """The grid of a row."""
        return self._lookup.partition.finest.area(row) if row >= 0 else None

    def has(self, code: str) -> bool:
        """Whether there is an area of a code."""
        return code in self._places

    def area(self, code: str) -> Area:
        """The area of a code. NotFoundError: there is none."""
        if code not in self._places:
            raise NotFoundError(f"There is no area {code!r} in edition {self.edition.number}.")
        depth, row = self._places[code]
        return self._lookup.partition.levels[depth].area(row)

    def chain(self, code: str) -> list[Area]:
        """The areas from the widest level down to the area itself, which comes last."""
        out = [self.area(code)]
        while (parent := out[-1].parent) is not None and self.has(parent):
            out.append(self.area(parent))
        return out[::-1]

    def buildings_at(self, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Where those of some codes stand that are buildings, in degrees."""
        return self._source.buildings_at(codes)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        levels = enumerate(self._lookup.partition.levels)
        return {code: (depth, row) for depth, table in levels for row, code in enumerate(table.codes)}


@contextmanager
def _local(place: CityAddress) -> Iterator[Door]:
    from gridmap import crs
    from gridmap.affairs import PEOPLE
    from gridmap.events.intake import Intake
    from gridmap.lookup import lookup_of
    from gridmap.store.store import utc_now
    from gridmap.surroundings import Source

    with place.open() as store:
        crs.prepare()
        source = Source(place)
        city = LeanCity(lookup_of(store, place), source)
        secret = store.log.secret(PEOPLE)
        intake = Intake(store.log, lambda: city, utc_now)
        try:
            yield _Local(intake, secret)
        finally:
            intake.close()
            source.close()


class _Local:
    """Writes events by an intake of this process."""

    def __init__(self, intake: Intake, secret: bytes) -> None:
        self._intake = intake
        self._secret = secret

    def send(self, piece: Piece, *, listed: bool) -> Callable[[], Told]:
        from gridmap.events.intake import AT_ONCE

        items = read_array(piece.body, self._secret) if listed else read_lines(piece.body, self._secret)
        rejected: list[Rejection] = []
        lines: list[int] = []
        events: list[Given] = []
        for number, item in items:
            if isinstance(item, InputError):
                rejected.append(Rejection(number + piece.first - 1, str(item)))
            else:
                lines.append(number + piece.first - 1)
                events.append(item)
        parcels = [events[begin : begin + AT_ONCE] for begin in range(0, len(events), AT_ONCE)]
        if listed:  # it may hold more than may wait
            answers = [answer for parcel in parcels for answer in self._intake.take(parcel)]
            return lambda: _told(lines, answers, rejected)
        under_way = [self._intake.promise(parcel) for parcel in parcels]
        return lambda: _told(lines, [each for written in under_way for each in written.result()], rejected)


def _told(lines: Sequence[int], answers: Sequence[Answer], rejected: Sequence[Rejection]) -> Told:
    from gridmap.events.intake import NEW, OTHER

    accepted = duplicates = 0
    refused = [*rejected]
    for line, answer in zip(lines, answers, strict=True):
        if isinstance(answer, InputError):
            refused.append(Rejection(line, str(answer)))
        elif answer.outcome == OTHER:
            reason = f"another event is known by this source and id (row {answer.seq} of the log)"
            refused.append(Rejection(line, f"id: {reason}"))
        elif answer.outcome == NEW:
            accepted += 1
        else:
            duplicates += 1
    return Told(accepted, duplicates, sorted(refused))


# To a service


class _Remote:
    """Sends events to a service, over one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("server", f"{url!r} is no address; write http://HOST:PORT")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=REPLY_S)
        self._path = f"{parts.path.rstrip('/')}/events"
        self._url = url

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send(self, piece: Piece, *, listed: bool) -> Callable[[], Told]:
        """Have a piece written: this waits until it is."""
        if listed:
            told = self._post(piece.body, "application/json", 0)
            return lambda: told
        lines = piece.body.split(b"\n")
        parts = [
            self._post(
                b"\n".join(lines[begin : begin + LISTED]), "application/x-ndjson", piece.first - 1 + begin
            )
            for begin in range(0, len(lines), LISTED)
        ]
        rejected = [rejection for part in parts for rejection in part.rejected]
        unlisted = sum(part.unlisted for part in parts)
        accepted, duplicates = sum(part.accepted for part in parts), sum(part.duplicates for part in parts)
        return lambda: Told(accepted, duplicates, rejected, unlisted)

    def _post(self, body: bytes, media_type: str, before: int) -> Told:
        for _ in range(TRIES):
            status, said = self._exchange(body, media_type)
            if status != BUSY:
                break
            time.sleep(PAUSE_S)
        if status == BUSY:
            raise BusyError(f"{self._url}: {_reason(said)}; what was taken before is kept, try again later")
        if status != 200:
            raise ServiceError(f"{self._url}: {_reason(said)}", status, said)
        rejected = [Rejection(each["line"] + before, each["reason"]) for each in said["rejected"]]
        return Told(said["accepted"], said["duplicates"], rejected, said["rejected_count"] - len(rejected))

    def _exchange(self, body: bytes, media_type: str) -> tuple[int, dict[str, Any]]:
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": media_type})
            reply = self._connection.getresponse()
            text = reply.read()
        except (OSError, HTTPException) as error:
            advice = "what was acknowledged is kept; give the same command again when the service is there"
            raise ServiceError(f"{self._url} does not answer ({error}): {advice}") from error
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict) or (reply.status == 200 and "rejected_count" not in said):
            raise ServiceError(f"{self._url}: answers {reply.status} with something that is no gridmap's")
        return reply.status, said


def _reason(said: dict[str, Any]) -> str:
    """The sentence of a problem document."""
    return str(said.get("detail") or said.get("title") or "refused")

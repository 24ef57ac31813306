"""The whole of `gridmap assign`: look at the files, send out tasks, put finished files in their place."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gridmap.boundaries.whole import whole_file
from gridmap.bulk import csv_file, parquet_file
from gridmap.bulk.answer import keep
from gridmap.bulk.inputs import find_inputs
from gridmap.bulk.parts import Counts, Order, read_report, report_of
from gridmap.bulk.question import Added, Question
from gridmap.bulk.work import Work
from gridmap.errors import InputError
from gridmap.lookup import open_lookup
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from gridmap.bulk.inputs import Found
    from gridmap.bulk.parts import Task
    from gridmap.bulk.question import Asked
    from gridmap.model import Edition

    Engine = Callable[[Iterable[Order]], Iterator[tuple[Order, Counts]]]

MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark that tells Excel that a CSV file is UTF-8."""


@dataclass(frozen=True)
class Refused:
    """A row without a usable place: its file, its number there (`unit` says of lines or rows), and why.

    Rows from Spark have no number.
    """

    file: str
    unit: str
    number: int | None
    reason: str


@dataclass(frozen=True)
class Summary:
    """What a job did. `refused` are the first refused rows; all are in `refused_file`, where there are any.

    `kept` counts the parts that an earlier run had done; `anew` says in what the unfinished job found there
    was another one.
    """

    counts: Counts
    files: int
    edition: int
    checksum: str
    columns: dict[str, str]
    refused: list[Refused]
    refused_file: Path | None
    kept: int
    anew: list[str]
    seconds: float

    def document(self) -> dict[str, Any]:
        """As one JSON document."""
        counts, rate = self.counts, self.counts.rows / max(self.seconds, 1e-9)
        return {
            "rows": counts.rows,
            "located": counts.located,
            "nowhere": counts.nowhere,
            "rejected": counts.rejected,
            "rejected_file": str(self.refused_file) if self.refused_file else None,
            "rejections": [asdict(each) for each in self.refused],
            "files": self.files,
            "edition": self.edition,
            "checksum": self.checksum,
            "columns": self.columns,
            "parts_kept": self.kept,
            "seconds": round(self.seconds, 3),
            "rows_per_s": round(rate),
        }


def assign(
    source: Path,
    out: Path,
    place: CityAddress,
    asked: Asked,
    engine: Engine,
    *,
    edition: int | None = None,
    shown: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Summary:
    """Write `source`, a file or a folder, to `out` with the codes of the areas that each row lies in.

    `engine` carries out orders (see `pool` and `dask`). `out` appears when it is whole; until then a folder
    beside it keeps what is done, and the same call goes on with it. Rows without a usable place stay in the
    output, without codes, and are listed in `OUT.rejected.csv`. Raises InputError for what cannot be read,
    written or understood, before any work, and as `open_lookup` does.
    """
    begin = time.perf_counter()
    tell = progress or (lambda _step, _share: None)
    tell("opening the edition", 0.0)
    check_places(source, out)
    place = CityAddress(place.home.absolute(), place.url, place.blobs_url)
    sure, asked = settled(place, asked, edition)
    tell("looking at the files", 0.0)
    found = find_inputs(source, out, asked)
    questions = [Question(place, sure.number, sure.checksum, asked.added, each.input.spot) for each in found]
    with Work.begin(out.absolute(), _described(source, found, questions)) as work:
        run = _Run(work, found, questions, tell)
        run.carry_out(engine)
        counts, refused, listed = run.list_refused(out, shown)
        _place(work, source, out, found)
        work.remove()
    columns = {each.column: each.level for each in asked.added}
    seconds = time.perf_counter() - begin
    facts = (len(found), sure.number, sure.checksum, columns)
    return Summary(counts, *facts, refused, listed, run.kept, work.changed, seconds)


def settled(place: CityAddress, asked: Asked, number: int | None) -> tuple[Edition, Asked]:
    """The edition meant, and what is asked for with the finest level where no level was named.

    It stays open for this process, and what workers need for opening it is made once. NotFoundError: there is
    no such edition or level.
    """
    lookup = open_lookup(place, number)
    keep(place, lookup)
    finest = lookup.partition.finest.level
    added = asked.added or (Added(finest, f"{finest}_code"),)
    for each in added:
        lookup.partition.depth_of(each.level)
    return lookup.edition, replace(asked, added=added)


def check_places(source: Path, out: Path) -> None:
    """Refuse an output that is read itself, or that is there already as another thing than it must become."""
    whole, target = source.resolve(), out.resolve()
    if whole == target or whole in target.parents or target in whole.parents:
        raise InputError(str(out), "is what is read, or inside it; name another place to write to")
    if not target.parent.is_dir():
        raise InputError(str(out), "the folder that it shall be in is not there: make it, or name another")
    if source.is_dir() and out.is_dir() and not any(out.iterdir()):
        return
    if source.is_dir() and out.exists():
        raise InputError(str(out), "is there already: name a folder that is not, or remove it")
    if source.is_file() and out.is_dir():
        raise InputError(str(out), "is a folder: name the file to write")


def _described(source: Path, found: list[Found], questions: list[Question]) -> dict[str, Any]:
    """All that the output depends on, and no password: equal descriptions give equal outputs."""
    return {
        "gridmap": version("gridmap"),
        "cut": [parquet_file.TASK_ROWS, csv_file.BLOCK],
        "input": str(source.absolute()),
        "files": [[each.name, each.size, each.mtime_ns] for each in found],
        "edition": questions[0].edition,
        "checksum": questions[0].checksum,
        "columns": {added.column: added.level for added in questions[0].added},
        "places": [[type(each.spot).__name__, *each.spot.names, each.spot.crs] for each in questions],
    }


class _Run:
    """One run of a job over its files."""

    def __init__(
        self, work: Work, found: list[Found], questions: list[Question], tell: Callable[[str, float], None]
    ) -> None:
        self._work = work
        self._found = found
        self._questions = questions
        self._tell = tell
        self._left: dict[int, set[int]] = {}  # the tasks of each file that are not done
        self._sent: set[int] = set()  # the files of which all tasks are on their way
        self._total = max(sum(each.size for each in found), 1)
        self._share = 0.0
        self.kept = 0

    def carry_out(self, engine: Engine) -> None:
        """Have all tasks done that are not done yet, and finish each file when its last one is."""
        for order, _counts in engine(self._orders()):
            self._left[order.file].discard(order.number)
            self._passed(order.file, order.task.share)
            self._finish_if_done(order.file)
        for file in range(len(self._found)):
            self._finish_if_done(file)

    def _orders(self) -> Iterator[Order]:
        for file, found in enumerate(self._found):
            left = self._left[file] = set()
            if self._work.finished(found.name):
                self._passed(file, 1.0)
                continue
            tasks: Iterator[Task] = found.input.tasks(self._questions[file])
            for number, task in enumerate(tasks):
                part = self._work.part(file, number)
                if report_of(part).exists() and part.exists():
                    self.kept += 1
                    self._passed(file, task.share)
                    continue
                left.add(number)
                yield Order(file, number, part, task)
            self._sent.add(file)

    def _passed(self, file: int, share: float) -> None:
        self._share += share * self._found[file].size / self._total
        self._tell(f"assigning {self._found[file].name}", min(self._share, 1.0))

    def _finish_if_done(self, file: int) -> None:
        found = self._found[file]
        if self._left[file] or file not in self._sent or self._work.finished(found.name):
            return
        facts = found.input.path.stat()
        if (facts.st_size, facts.st_mtime_ns) != (found.size, found.mtime_ns):
            raise InputError(str(found.input.path), "has changed while it was read: start again")
        question, parts = self._questions[file], self._work.reports(file)
        self._work.finish(found.name, file, lambda target: found.input.assemble(parts, question, target))

    def list_refused(self, out: Path, shown: int) -> tuple[Counts, list[Refused], Path | None]:
        """Count all rows and write the refused ones to their file; gives the first of them too."""
        from pyarrow import csv

        self._tell("writing", 1.0)
        total, first = Counts(), list[Refused]()
        path = out.with_name(f"{out.name}.rejected.csv")
        with whole_file(path) as part, part.open("wb") as file:
            file.write(MARK + b"file,unit,number,reason\n")
            for name, unit, counts, table in self._reports():
                total += counts
                for row in table.slice(0, shown - len(first)).to_pylist():
                    first.append(Refused(name, unit, row["number"], row["reason"]))
                if table.num_rows:
                    whole = _beside(name, unit, table)
                    csv.write_csv(whole, file, csv.WriteOptions(include_header=False))
        if not total.rejected:
            path.unlink()
        return total, first, path if total.rejected else None

    def _reports(self) -> Iterator[tuple[str, str, Counts, Any]]:
        for file, found in enumerate(self._found):
            for part in self._work.reports(file):
                yield found.name, found.input.unit, *read_report(part)


def _beside(name: str, unit: str, refused: Any) -> Any:
    """Refused rows with their file and unit before them."""
    import pyarrow as pa

    count = refused.num_rows
    return pa.table(
        {
            "file": pa.repeat(name, count),
            "unit": pa.repeat(unit, count),
            "number": refused.column("number"),
            "reason": refused.column("reason"),
        }
    )


def _place(work: Work, source: Path, out: Path, found: list[Found]) -> None:
    """Give what is finished its name: all of it at once."""
    finished = work.out if source.is_dir() else work.out / found[0].name
    try:
        finished.replace(out)
    except OSError as error:
        raise InputError(str(out), f"cannot be written ({error.strerror}): choose another place") from error

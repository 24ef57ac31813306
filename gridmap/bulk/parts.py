"""What a task leaves behind: a part of the output, and beside it, written last, a report of what was in it.

A report is an Arrow file of the refused rows (their number and reason); its metadata count all rows. A part
without a report is none, so a killed worker's work is done again.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from gridmap.bulk.arrays import empty_batch
from gridmap.durable import part_file, settle
from gridmap.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from gridmap.types import Int64Array

COUNTS: Final = b"counts"
REFUSED: Final = pa.schema([("number", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there were, how many of them lie in no area, and how many have no usable place."""

    rows: int = 0
    nowhere: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def located(self) -> int:
        """The rows that got a code."""
        return self.rows - self.nowhere - self.rejected


class Task(Protocol):
    """A piece of one file, to be done in any process."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def share(self) -> float:
        """How much of the file's work it is, 0 to 1."""

    def write(self, file: BinaryIO) -> tuple[Counts, Any]:
        """Write the part; gives the counts and the refused rows, an Arrow table of `number` and `reason`."""


@dataclass(frozen=True)
class Order:
    """A task with its place: the number of its file and its own, and where its part goes."""

    file: int
    number: int
    part: Path
    task: Task

    def carry_out(self) -> Counts:
        """Do the task, and leave a part and a report.

        InputError: the file cannot be read here, is damaged, or the part cannot be written.
        """
        try:
            return self._carried_out()
        except (OSError, pa.ArrowException) as error:
            where = getattr(error, "filename", None) or self.task.path
            reason = getattr(error, "strerror", None) or str(error)
            text = f"cannot be used by a worker ({reason}): it must be whole, with space to write beside OUT,"
            raise InputError(str(where), f"{text} and seen by all under the same name") from error

    def _carried_out(self) -> Counts:
        with part_file(self.part.parent) as (file, name):
            counts, refused = self.task.write(file)
            settle(file, name, self.part)
        with part_file(self.part.parent) as (file, name):
            _write_report(file, counts, refused)
            settle(file, name, report_of(self.part))
        return counts


def report_of(part: Path) -> Path:
    """The report beside a part."""
    return part.with_name(f"{part.name}.report")


def read_report(part: Path) -> tuple[Counts, Any]:
    """What the report of a part says: counts, and the refused rows as a table."""
    with pa.OSFile(str(report_of(part))) as file:
        table = pa.ipc.open_file(file).read_all()
    counts = [int(each) for each in table.schema.metadata[COUNTS].split()]
    return Counts(*counts), table


def refused_rows(numbers: Int64Array, reasons: Any) -> Any:
    """A table of refused rows: of all numbers and reasons those that have a reason."""
    if len(reasons) == reasons.null_count:
        return pa.Table.from_batches([empty_batch(REFUSED)])
    table = pa.table({"number": pa.array(numbers), "reason": reasons}, REFUSED)
    return table.filter(table.column("reason").is_valid())


def _write_report(file: BinaryIO, counts: Counts, refused: Any) -> None:
    said = {COUNTS: " ".join(map(str, astuple(counts))).encode()}
    table = refused.replace_schema_metadata(said)
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)

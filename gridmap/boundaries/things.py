"""Buildings, households, devices and staff posts from files, with a reason for every row that is refused.

Theory of operation. A file is read a batch at a time; columns are checked as a whole (`values`) against the
table of fields (`fields`), places go to the lattice, codes of buildings become rows. Good rows are kept as
small columns, refused ones as a line number and a sentence, so twelve million households need little more
memory than the table that they become. At the end what no two may share is compared, and the rows are sorted
as the stored tables are. Nothing is dropped silently: rows kept and rows refused are all rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.boundaries.fields import THINGS, Field, Kind
from gridmap.boundaries.naming import named_crs, placed
from gridmap.boundaries.sorting import in_order, later_copies
from gridmap.boundaries.sources import open_source
from gridmap.boundaries.spots import Spots
from gridmap.boundaries.values import Faults, numbers, texts
from gridmap.boundaries.whole import whole_file
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gridmap.boundaries.delimited import Batch

PLACES: Final = ("lon", "lat", "x", "y")


@dataclass(frozen=True)
class Rejection:
    """A row that was refused: its line in a CSV file (the header is line 1), or its row in a Parquet file."""

    line: int
    reason: str


@dataclass(frozen=True)
class Things:
    """What a file holds: `table`, an Arrow table that the store takes, and what was refused.

    `refused` is an Arrow table too (line, reason), for a file may be wrong in every row; `unit` says whether
    its numbers are lines or rows, counted from 1.
    """

    kind: str
    table: Any
    refused: Any
    unit: str

    def rejections(self, most: int | None = None) -> list[Rejection]:
        """The refused rows in the order of the file, all or the first ones."""
        rows = self.refused if most is None else self.refused.slice(0, most)
        return [Rejection(row["line"], row["reason"]) for row in rows.to_pylist()]

    def write_refused(self, path: Path) -> int:
        """Write the refused rows as CSV (UTF-8 with a byte order mark, for Excel); gives how many."""
        from pyarrow import csv

        table = self.refused.rename_columns([self.unit, "reason"])
        with whole_file(path) as part, part.open("wb") as file:
            file.write(b"\xef\xbb\xbf")
            csv.write_csv(table, file)
        return int(table.num_rows)


def read_things(
    kind: str,
    path: Path,
    columns: Mapping[str, str] | None = None,
    *,
    crs: str | None = None,
    known: Mapping[str, Any] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Things:
    """Read things of a kind (buildings, households, devices, staff) from a CSV or Parquet file.

    `columns` says in which column of the file each field is; a field that it does not name is taken from the
    column of its own name, where there is one. `crs` names the datum of lon and lat. `known` holds the codes
    that may be referred to: "buildings", in the order of their rows, and "grids"; of things that it lacks
    every code is believed, except that households need their buildings.

    Raises InputError for what is wrong with the whole file: not readable, a column missing, ambiguous or of a
    wrong type, the datum not named, no rows at all.
    """
    if kind not in THINGS:
        raise InputError("kind", f"there are no {kind!r}; files are read for {', '.join(THINGS)}")
    reading = _Reading(THINGS[kind], path, dict(columns or {}), crs, known or {})
    for batch in reading.source.batches(reading.wanted):
        reading.take(batch)
        if progress is not None:
            progress(f"reading {path.name}", batch.share)
    return reading.finished()


class _Reading:
    """One file on its way into a table: gathers good columns and refused rows, batch by batch."""

    def __init__(
        self, kind: Kind, path: Path, named: dict[str, str], crs: str | None, known: Mapping[str, Any]
    ) -> None:
        self._kind = kind
        self._path = path
        self.source = open_source(path)
        self.places = placed(kind, path, named, self.source.columns)
        self.wanted = list(dict.fromkeys(self.places.values()))
        self._known = {name: _codes(codes) for name, codes in known.items()}
        self._spots = Spots(str(path), named_crs(self.places, crs))
        self._good: dict[str, list[Any]] = {name: [] for name in kind.stored}
        self._lines: list[Any] = []
        self._refused: list[Any] = []
        self._rows = 0
        if kind.name == "households" and "building" in self.places and "buildings" not in self._known:
            said = "households name their buildings by code, and no buildings are stored; read those first"
            raise InputError(str(path), said)

    def take(self, batch: Batch) -> None:
        """Check a batch, keep its good rows, note the others."""
        import pyarrow as pa

        faults = Faults(len(batch.lines))
        found = self._checked(batch, faults)
        self._rows += len(batch.lines) + len(batch.broken)
        if batch.broken:
            lines, reasons = zip(*batch.broken, strict=True)
            self._refuse(np.array(lines, np.int64), pa.array(reasons, pa.string()))
        if faults.bad.any():
            rows, reasons = faults.reasons()
            self._refuse(batch.lines[rows], reasons)
            keep = pa.array(~faults.bad)
            found = {name: values.filter(keep) for name, values in found.items()}
        for name, values in found.items():
            self._good[name].append(values)
        if self._kind.unique:
            self._lines.append(batch.lines[~faults.bad])

    def finished(self) -> Things:
        """The table and the refused rows. InputError when the file had no rows."""
        import pyarrow as pa

        if not self._rows:
            raise InputError(str(self._path), "has no rows: there is nothing to read")
        arrays = {name: pa.chunked_array(parts) for name, parts in self._good.items()}
        self._good.clear()
        table = pa.table(arrays)
        if self._kind.unique:
            table = self._without_copies(table)
        table = in_order(table, self._kind.order)
        for name in self._kind.stored:
            if self._stored_type(name) == "dictionary":
                at = table.column_names.index(name)
                table = table.set_column(at, name, table.column(name).combine_chunks().dictionary_encode())
        schema = pa.schema([("line", pa.int64()), ("reason", pa.string())])
        refused = pa.concat_tables(self._refused) if self._refused else schema.empty_table()
        return Things(self._kind.name, table, in_order(refused, ("line",)), self.source.unit)

    def _checked(self, batch: Batch, faults: Faults) -> dict[str, Any]:
        """The stored columns of a batch; refused rows hold anything."""
        import pyarrow as pa

        given = {name: batch.columns[self.wanted.index(place)] for name, place in self.places.items()}
        found: dict[str, Any] = {}
        for field in self._kind.fields:
            where = (
                f"{self._path}, column {self.source.columns[self.places[field.name]]!r}"
                if field.name in given
                else ""
            )
            if field.name in PLACES:
                if field.name in given:
                    found[field.name] = numbers(field, given[field.name], faults, where)
            elif field.name in given:
                found[field.name] = self._column(field, given[field.name], faults, where)
            elif not field.required:
                found[field.name] = _default(field, len(batch.lines))
        if "building_row" in found:
            found["building"] = found.pop("building_row")
        if "x" in self._kind.stored:
            xs, ys = self._spots.lattice(found, faults)
            found |= {"x": pa.array(xs), "y": pa.array(ys)}
        return {name: found[name] for name in self._kind.stored}

    def _column(self, field: Field, values: Any, faults: Faults, where: str) -> Any:
        import pyarrow as pa

        if field.form != "text":
            checked = numbers(field, values, faults, where)
            if field.refers in self._known:
                beyond = checked >= len(self._known[field.refers])
                faults.add(beyond, field.name, values, "'", f"' is no row of the {field.refers}")
            return pa.array(checked).cast(_type(field), safe=False)
        checked = texts(field, values, faults, where)
        if field.refers not in self._known:
            return checked
        return self._resolved(field, checked, faults)

    def _resolved(self, field: Field, checked: Any, faults: Faults) -> Any:
        """Compare codes with those that are known; they become rows where rows are stored."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = pc.index_in(checked, value_set=self._known[field.refers])
        unknown = np.asarray(pc.and_(rows.is_null(), checked.is_valid()).to_numpy(zero_copy_only=False))
        faults.add(unknown, field.name, checked, "'", f"' is none of the {field.refers} here")
        return pc.fill_null(rows, 0) if _type(field) == pa.int32() else checked

    def _without_copies(self, table: Any) -> Any:
        """The table without rows whose code stands in an earlier one; those are refused, naming it."""
        import pyarrow as pa

        lines = np.concatenate(self._lines)
        copies, originals = later_copies(table.column(self._kind.unique))
        if not len(copies):
            return table
        codes = table.column(self._kind.unique).take(pa.array(copies)).to_pylist()
        reasons = [
            f"{self._kind.unique}: '{code}' stands in {self.source.unit} {line} already"
            for code, line in zip(codes, lines[originals].tolist(), strict=True)
        ]
        self._refuse(lines[copies], pa.array(reasons, pa.string()))
        keep = np.ones(len(lines), np.bool_)
        keep[copies] = False
        return table.filter(pa.array(keep))

    def _refuse(self, lines: Any, reasons: Any) -> None:
        import pyarrow as pa

        self._refused.append(pa.table({"line": pa.array(lines, pa.int64()), "reason": reasons}))

    def _stored_type(self, name: str) -> str:
        return self._kind.field(name).stored


def _codes(codes: Any) -> Any:
    """Codes as one Arrow array of texts."""
    import pyarrow as pa

    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    return (codes if isinstance(codes, pa.Array) else pa.array(list(codes), pa.string())).cast(pa.string())


def _default(field: Field, rows: int) -> Any:
    import pyarrow as pa

    return pa.repeat(pa.scalar(field.default, _type(field)), rows)


def _type(field: Field) -> Any:
    import pyarrow as pa

    return pa.type_for_alias("string" if field.stored == "dictionary" else field.stored)

"""The files of a job: one, or all of a folder, each opened and checked before any work begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from gridmap.bulk import csv_file, parquet_file
from gridmap.bulk.csv_file import CsvInput
from gridmap.bulk.parquet_file import ParquetInput
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gridmap.bulk.question import Asked

    Input: TypeAlias = CsvInput | ParquetInput

KNOWN: Final = (*parquet_file.SUFFIXES, *csv_file.SUFFIXES)
HIDDEN: Final = (".", "_")
"""How the names of files begin that are no data: .part-1, _SUCCESS."""


@dataclass(frozen=True)
class Found:
    """A file of a job: its name below the folder (its own name when it is alone), and the opened file."""

    name: str
    input: Input
    size: int
    mtime_ns: int


def find_inputs(source: Path, out: Path, asked: Asked) -> list[Found]:
    """Open the file, or all files of a folder and the folders in it, in the order of their names.

    Raises InputError for a source that is not there, that holds nothing to read, or that cannot be written
    under the name of `out`; and for every file what `CsvInput` and `ParquetInput` raise.
    """
    if source.is_dir():
        paths = sorted(_files_in(source))
        if not paths:
            raise InputError(str(source), f"holds no file of a known type ({', '.join(KNOWN)})")
        return [_opened(path, path.relative_to(source).as_posix(), asked) for path in paths]
    if not source.is_file():
        raise InputError(str(source), "there is no such file or folder: look at its name")
    if _kind(source) != _kind(out):
        text = f"is written as {source.name} is read; name a file that ends in {_suffix(source) or KNOWN}"
        raise InputError(str(out), text)
    return [_opened(source, source.name, asked)]


def _files_in(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(HIDDEN):
            continue
        if path.is_dir():
            yield from _files_in(path)
        elif _suffix(path):
            yield path


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return max((suffix for suffix in KNOWN if name.endswith(suffix)), key=len, default="")


def _kind(path: Path) -> type[Input] | None:
    suffix = _suffix(path)
    if suffix in parquet_file.SUFFIXES:
        return ParquetInput
    return CsvInput if suffix else None


def _opened(path: Path, name: str, asked: Asked) -> Found:
    kind = _kind(path)
    if kind is None:
        raise InputError(str(path), f"is of no known type ({', '.join(KNOWN)}): save it as CSV or Parquet")
    try:
        facts = path.stat()
        return Found(name, kind(path, asked), facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror}): look at its rights") from error

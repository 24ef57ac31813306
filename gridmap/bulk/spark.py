"""The pure function inside Spark: `mapInArrow`, once for any data frame, once for files of Parquet.

Spark reads, cuts and writes in its own way: rows come in no order, the output is a folder of parts, and what
is wrong with a row stands beside it, in the column that `answer.REASON` names. Executors need gridmap, and
see the home (or the database) under the same address.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gridmap.bulk.answer import BATCH_ROWS, REASON, assign_batch
from gridmap.bulk.arrays import select
from gridmap.bulk.geometry import spot_of
from gridmap.bulk.job import Refused, Summary, check_places, settled
from gridmap.bulk.parquet_file import SUFFIXES, check_free
from gridmap.bulk.parts import Counts
from gridmap.bulk.places import check_types
from gridmap.bulk.question import Columns, Points, Question
from gridmap.errors import InputError, MissingExtraError
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gridmap.bulk.question import Asked

SETTINGS: Final = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.ui.enabled": "false",
}
"""Spark's own batches have 10,000 rows, a size for slow functions; and a job of seconds needs no web page."""


def with_codes(frame: Any, question: Question) -> Any:
    """A Spark data frame with the columns of codes, and of reasons, added to each row."""
    from pyspark.sql.types import StringType, StructField, StructType

    names = [*(added.column for added in question.added), REASON]
    schema = StructType([*frame.schema.fields, *(StructField(name, StringType()) for name in names)])
    return frame.mapInArrow(partial(answers, question=question), schema)


def answers(batches: Iterable[Any], question: Question) -> Iterator[Any]:
    """Give every row of every batch its codes, as texts: Spark knows no dictionaries."""
    for batch in batches:
        done = assign_batch(batch, question)
        for added in question.added:
            place = done.schema.get_field_index(added.column)
            done = done.set_column(place, added.column, done.column(place).dictionary_decode())
        yield done


def assign_in_spark(
    source: Path,
    out: Path,
    place: CityAddress,
    asked: Asked,
    master: str,
    *,
    edition: int | None = None,
    shown: int = 0,
) -> Summary:
    """Write a file or a folder of Parquet with codes to a new folder.

    `master` is where Spark is: spark://HOST:7077, or local[2] for two threads here, each with its Python.

    Raises InputError for what is no Parquet, for an output that is there already, and as `job.assign` does;
    MissingExtraError: pyspark or Java is not installed.
    """
    begin = time.perf_counter()
    check_places(source, out)
    if out.exists():
        raise InputError(str(out), "is there already: Spark writes a new folder, name one")
    place = CityAddress(place.home.absolute(), place.url, place.blobs_url)
    sure, asked = settled(place, asked, edition)
    files = _parquet_files(source)
    question = Question(place, sure.number, sure.checksum, asked.added, _same_spot(files, asked))
    session = _session(master)
    try:
        frame = session.read.parquet(str(source.absolute()))
        with_codes(frame, question).write.parquet(str(out.absolute()))
        written = session.read.parquet(str(out.absolute()))
        counts, refused = _counted(written, question.added[0].column, shown)
    finally:
        session.stop()
    columns = {each.column: each.level for each in asked.added}
    facts = (len(files), sure.number, sure.checksum, columns)
    return Summary(counts, *facts, refused, None, 0, [], time.perf_counter() - begin)


def _parquet_files(source: Path) -> list[Path]:
    found = sorted(source.rglob("*")) if source.is_dir() else [source]
    found = [path for path in found if path.name.lower().endswith(SUFFIXES) and path.is_file()]
    if not found:
        raise InputError(str(source), "is or holds no Parquet file: take --engine pool or dask for others")
    return found


def _same_spot(files: list[Path], asked: Asked) -> Columns | Points:
    """Where the places of all files are. InputError: not in the same columns and the same datum in all."""
    from pyarrow.parquet import read_schema

    spots: dict[Columns | Points, Path] = {}
    for path in files:
        schema = read_schema(path)
        spot = spot_of(schema, asked, str(path))
        check_types(select(schema, spot.names), spot, str(path))
        check_free([*(added.column for added in asked.added), REASON], schema.names, str(path))
        spots.setdefault(spot, path)
    if len(spots) > 1:
        (first, one), (second, other) = list(spots.items())[:2]
        text = f"its places are not as those of {one} ({second} and {first}): assign them one by one"
        raise InputError(str(other), text)
    return next(iter(spots))


def _session(master: str) -> Any:
    """A Spark session. MissingExtraError: there is no pyspark or no Java; InputError: no Spark there."""
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise MissingExtraError("Spark is not installed here: pip install 'gridmap[spark]'") from error
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise MissingExtraError("Spark needs Java 17 or newer: sudo apt-get install default-jre-headless")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("gridmap assign")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    if master.startswith("local"):  # nobody else calls this driver, and its own name may not resolve
        builder = builder.config("spark.driver.host", "127.0.0.1")
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise InputError("scheduler", f"Spark does not start at {master}: {error}") from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _counted(frame: Any, column: str, shown: int) -> tuple[Counts, list[Refused]]:
    """Count the rows of an output, and give the first reasons; its rows have no numbers."""
    from pyspark.sql.functions import col, count_if

    refused = col(REASON).isNotNull()
    found = frame.agg({"*": "count"}).collect()[0]
    nowhere, rejected = frame.agg(count_if(col(column).isNull() & ~refused), count_if(refused)).collect()[0]
    reasons = frame.where(refused).select(REASON).limit(shown).collect()
    first = [Refused("", "row", None, reason) for (reason,) in reasons]
    return Counts(found[0], nowhere, rejected), first

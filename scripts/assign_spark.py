#!/usr/bin/env python3
"""An example job for Spark: a data frame of households gets the codes of its grids, by `mapInArrow`.

    .venv/bin/python scripts/assign_spark.py IN OUT --home H --lon lon --lat lat --crs wgs84 --master local[2]

On a cluster the home (or a database, --store) must be seen by every executor under the same address, and
gridmap be installed there: `spark-submit --conf spark.pyspark.python=/opt/gridmap/bin/python ...` names the
Python that has it. The output is a folder of Parquet; rows without a usable place are in it with the reason
in the column `gridmap_reason`. What to take for a job of your own is `with_codes(frame, question)`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def options() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("source", metavar="IN", help="Parquet, anything that Spark reads as such")
    parser.add_argument("out", metavar="OUT", help="a folder that is not there yet")
    parser.add_argument("--home", type=Path, default=Path("home"), help="the folder that holds the city")
    parser.add_argument("--store", help="postgresql://..., instead of a home")
    parser.add_argument("--lon", required=True, help="the column of longitudes")
    parser.add_argument("--lat", required=True, help="the column of latitudes")
    parser.add_argument("--crs", required=True, help="their datum: wgs84, gcj02, bd09, EPSG:4524 ...")
    parser.add_argument("--level", default="grid", help="the level whose codes are added (default: grid)")
    parser.add_argument("--master", help="spark://HOST:7077 or local[2]; spark-submit knows it by itself")
    return parser.parse_args()


def main() -> None:
    """Read, add codes, write."""
    from pyspark.sql import SparkSession

    from gridmap.bulk.question import Added, Columns, Question
    from gridmap.bulk.spark import SETTINGS, with_codes
    from gridmap.crs import check_crs
    from gridmap.lookup import open_lookup
    from gridmap.store.address import CityAddress

    asked = options()
    place = CityAddress(asked.home.absolute(), asked.store)
    edition = open_lookup(place).edition
    question = Question(
        place,
        edition.number,  # every executor asks this edition, whatever is published meanwhile
        edition.checksum,
        (Added(asked.level, f"{asked.level}_code"),),
        Columns(asked.lon, asked.lat, check_crs(asked.crs)),
    )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("gridmap example")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = (builder.master(asked.master) if asked.master else builder).getOrCreate()
    try:
        with_codes(spark.read.parquet(asked.source), question).write.parquet(asked.out)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()

"""Codes of areas for whole files of places: `gridmap assign`, and the same inside Dask and Spark.

One pure function does the work (`answer.assign_batch`): Arrow batch in, Arrow batch out, with the codes of
the levels asked for. Around it: `places` reads coordinates out of a batch; `parquet_file` and `csv_file` cut
a file into tasks and make one file of what comes back; `work` remembers what is done; `pool` and `dask` carry
tasks out; `job` is the whole of it. Spark cuts and writes by itself (`spark`).
"""

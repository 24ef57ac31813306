"""A Dask scheduler with two worker processes on loopback, which ends when its standard input does.

Whoever starts it as a process reads its address from the first line and keeps its input open: so it is gone
when he is, however he ends. Its warnings stay in its own process.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster; gives its address."""
    command = [sys.executable, __file__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("tcp://"), "the Dask cluster did not start"
            yield address
        finally:
            process.stdin.close()


def main() -> None:
    """Run a cluster until the input ends."""
    from distributed import LocalCluster

    options = {"n_workers": WORKERS, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(**options) as local:
        sys.stdout.write(f"{local.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()

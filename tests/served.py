"""The service itself, in a process of its own, as `gridmap serve` starts it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 120


@contextmanager
def served(home: Path, *options: str, ahead_s: int = 0) -> Iterator[str]:
    """The address of the service of a home, without a slash at its end; it must end in peace.

    Its clock goes `ahead_s` seconds ahead of the machine's.
    """
    begin = "from gridmap.cli import main; main()"
    if ahead_s:
        names = "from datetime import timedelta; from gridmap.store import store; now = store.utc_now"
        begin = f"{names}; store.utc_now = lambda: now() + timedelta(seconds={ahead_s}); {begin}"
    told = [sys.executable, "-X", "faulthandler", "-c", begin]  # a crash says in which line of which thread
    command = [*told, "serve", "--home", str(home), "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "serves edition" in line, f"gridmap serve said {line!r}"
        yield line.split()[-1].rstrip("/")
    finally:
        process.terminate()
        process.stdout.close()
        code = process.wait(PATIENCE_S)
        assert code == 0, f"gridmap serve ended with exit code {code}"


def get(address: str) -> bytes:
    """What an address answers, whatever proxy the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=PATIENCE_S) as reply:
        return bytes(reply.read())


def get_json(address: str) -> Any:
    """The JSON that an address answers."""
    return json.loads(get(address))

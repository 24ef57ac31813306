"""Toytown's service with a log of its own, for the tests of what is reported over HTTP."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from checked import Checked
from store_contract import SqliteSpec
from webtown import make_twin

from gridmap.affairs import KEEPER, Affairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.store.store import Store
    from gridmap.twin import Twin

NDJSON = "application/x-ndjson"
PATIENCE_S = 60


class Reported(Checked):
    """Reports events, and holds every reply against the OpenAPI document."""

    def __init__(self, twin: Twin, affairs: Affairs, store: Store) -> None:
        super().__init__(twin, affairs)
        self.affairs = affairs
        self.store = store

    def report(self, said: dict[str, Any], status: int = 201) -> Any:
        """POST one event."""
        return self.json("/events", status, method="POST", json=said)

    def report_lines(self, lines: Sequence[bytes | dict[str, Any]], status: int = 200) -> Any:
        """POST a line for each event; bytes are sent as they are."""
        written = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines]
        body = b"\n".join(written)
        return self.json("/events", status, method="POST", data=body, content_type=NDJSON)

    def settle(self) -> None:
        """Wait until the keeper has taken all there is."""
        end, book = time.monotonic() + PATIENCE_S, self.affairs.book
        while book.looking(lambda desk: desk.checkpoint(KEEPER)) < book.head():
            assert time.monotonic() < end
            time.sleep(0.01)


@contextmanager
def reporting(folder: Path, twin: Twin | None = None) -> Iterator[Reported]:
    """The service of a twin, Toytown's without one, whose log is in a folder."""
    served = twin or make_twin()
    with SqliteSpec(str(folder / "city")).open() as store:
        affairs = Affairs(served, store)
        try:
            yield Reported(served, affairs, store)
        finally:
            affairs.close()

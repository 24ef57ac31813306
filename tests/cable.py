"""A cable between a browser and a service, that can be cut, or go dead without a word."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 65_536


class Cable:
    """Passes every connection on to a service, whose address may change meanwhile."""

    def __init__(self, target: str) -> None:
        self.lead_to(target)
        self._flows = Event()
        self._flows.set()
        self._is_cut = False
        self._ends: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def lead_to(self, target: str) -> None:
        """From now on connections go to another service."""
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)

    def cut(self) -> None:
        """End every connection, and take no new one until it is mended."""
        self._is_cut = True
        for end in self._ends:
            _shut(end)
        self._ends = []

    def mend(self) -> None:
        """Let everything pass again."""
        self._is_cut = False
        self._flows.set()

    def deaden(self) -> None:
        """Let no byte pass any more, in connections that stay as they are; new ones get no answer."""
        self._flows.clear()

    def end(self) -> None:
        """Take it away."""
        self._flows.set()
        self.cut()
        _shut(self._listening)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                _shut(near)
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                _shut(near)
                continue
            self._ends += [near, far]
            for one, other in ((near, far), (far, near)):
                Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(CHUNK):
                self._flows.wait()
                other.sendall(data)
        _shut(one)
        _shut(other)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def cable(target: str) -> Iterator[Cable]:
    """A cable to a service."""
    laid = Cable(target)
    try:
        yield laid
    finally:
        laid.end()

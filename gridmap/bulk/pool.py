"""A pool of processes of which the caller is one: others are started when there is work enough for them.

Why not the standard library's: there the caller only waits; what is sent to a process that is still importing
waits with it (a second and a half, twice what twelve million rows take here); and workers outlive a caller
that is killed. Here the caller begins at once. When it has been at work for as long as starting others takes,
it starts them, so it never spends more than twice the time of whoever knew beforehand what is best. An order
goes to a worker that has said it is ready, the caller does what nobody has taken, and nobody is waited for
who has nothing to do.

Each worker has a pipe of its own. When the caller ends, however it ends, the pipe ends, and so does the
worker when it has done what it is at; a worker that ends ends its pipe, and the caller says so. Workers come
from a fork server, not from the caller: that has threads (Arrow's, a progress bar's), which do not survive a
fork. The server imports what workers need, once for all of them.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
import traceback
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection


class Work(Protocol):
    """What can be carried out in any process: it travels by pickle, and so does what comes of it."""

    def carry_out(self) -> Any:
        """Do it."""


OrderT = TypeVar("OrderT", bound=Work)

PRELOADED: Final = ("gridmap.bulk.parquet_file", "gridmap.bulk.csv_file")

GOES_ON: Final = "the same command goes on with what is left"

AHEAD: Final = 2
"""Orders that a worker has: the one it is at, and the next, for the caller may be busy when that is done."""


PATIENCE_S: Final = 2.0
"""For so long, by its processor's clock, the caller works alone; it is what starting others costs."""


def in_pool(
    orders: Iterable[OrderT], processes: int, preloaded: Sequence[str] = PRELOADED, after: str = GOES_ON
) -> Iterator[tuple[OrderT, Any]]:
    """Carry out orders in at most so many processes, of which this is one; gives what is done in any order.

    `preloaded` names the modules that all workers need. Raises what an order raises; InputError when a
    process was killed, as the system does for want of memory: it says what comes `after` that.
    """
    remaining, workers = iter(orders), list[_Worker]()
    begin = time.process_time()
    try:
        while True:
            for worker in workers:
                worker.feed(remaining)
            mine = next(remaining, None)
            if mine is not None:
                yield mine, mine.carry_out()
            elif not any(worker.orders for worker in workers):
                return
            if not workers and processes > 1 and time.process_time() - begin >= PATIENCE_S:
                workers = _start(processes - 1, preloaded, after)
            heard = wait([worker.pipe for worker in workers], timeout=0 if mine else None)
            for worker in workers:
                if worker.pipe in heard:
                    yield from worker.answered()
    finally:
        for worker in workers:
            worker.stop()


def _start(count: int, preloaded: Sequence[str], after: str) -> list[_Worker]:
    multiprocessing.set_forkserver_preload(list(preloaded))
    return [_Worker(after) for _ in range(count)]


class _Worker:
    """A process that carries out orders one after the other, as the caller sees it."""

    def __init__(self, after: str) -> None:
        context = multiprocessing.get_context("forkserver")
        self.pipe, theirs = context.Pipe()
        self.orders: deque[Work] = deque()
        self._after = after
        self._ready = False
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def feed(self, remaining: Iterator[Work]) -> None:
        """Give it orders, when it is ready and has not enough."""
        while self._ready and len(self.orders) < AHEAD:
            order = next(remaining, None)
            if order is None:
                return
            try:
                self.pipe.send(order)
            except OSError as error:
                raise self._killed() from error
            self.orders.append(order)

    def answered(self) -> Iterator[tuple[Any, Any]]:
        """Hear what it says: that it is ready, what is done, or what went wrong."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise self._killed() from error
        if isinstance(said, BaseException):
            raise said
        if not self._ready:
            self._ready = True
            return
        yield self.orders.popleft(), said

    def stop(self) -> None:
        """End it, whatever it is at: a part is whole or not there."""
        self.pipe.close()
        self._process.terminate()
        self._process.join()

    def _killed(self) -> InputError:
        text = f"a worker was killed, perhaps for want of memory; {self._after}"
        return InputError("processes", f"{text}, and fewer --processes need less memory")


def _serve(pipe: Connection[Any, Any]) -> None:
    """Carry out orders until the caller has none, or is no more. Ctrl-C is for the caller alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            pipe.send(_answer(pipe.recv()))


def _answer(order: Work) -> Any:
    try:
        return order.carry_out()
    except Exception as error:  # whatever it is, the caller raises it
        return _portable(error)


def _portable(error: Exception) -> Exception:
    """An error that can travel: itself, or what it says."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # errors of libraries may fail in any way
        return RuntimeError("".join(traceback.format_exception(error)))
    return error

"""The tasks of a job on the workers of a Dask cluster: the way past one machine, with the same output."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gridmap.bulk.parts import Counts, Order

IN_FLIGHT: Final = 3
"""Orders for each thread of the workers: one at work, one waiting for it, one on its way."""

CONNECT_S: Final = 30
"""How long a scheduler may take to answer."""


def on_dask(orders: Iterable[Order], scheduler: str) -> Iterator[tuple[Order, Counts]]:
    """Carry out orders on the workers of a scheduler (tcp://HOST:PORT); gives what is done in any order.

    Workers need gridmap, and see the home (or the database) and the files under the same names as here.
    Raises what a task raises; MissingExtraError: Dask is not installed; InputError: no scheduler answers, it
    has no workers, or they were lost.
    """
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise MissingExtraError("Dask is not installed here: pip install 'gridmap[dask]'") from error
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        text = f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler`"
        raise InputError("scheduler", text) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError("scheduler", f"{scheduler} has no workers: `dask worker {scheduler}` starts one")
        remaining, flying = iter(orders), dict[Any, "Order"]()
        finished = as_completed(loop=client.loop)
        try:
            _send(client, remaining, flying, finished, threads * IN_FLIGHT)
            for future in finished:
                counts = future.result()
                _send(client, remaining, flying, finished, 1)
                yield flying.pop(future), counts
        except KilledWorker as error:
            text = f"Dask lost its workers ({error}); the same command goes on with what is left"
            raise InputError("scheduler", text) from error
        finally:
            with suppress(Exception):  # the scheduler itself may be what is lost
                client.cancel(list(flying))


def _send(
    client: Any, remaining: Iterator[Order], flying: dict[Any, Order], finished: Any, count: int
) -> None:
    """Send so many orders, or what there is."""
    for _, order in zip(range(count), remaining, strict=False):
        future = client.submit(carry_out, order, pure=False)
        flying[future] = order
        finished.add(future)


def carry_out(order: Order) -> Counts:
    """Carry out one order, on whatever machine this is."""
    return order.carry_out()

"""`gridmap hooks`: other systems that are told what stands in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from gridmap.cli_options import place_option
from gridmap.errors import NotFoundError

if TYPE_CHECKING:
    from gridmap.store.address import CityAddress
    from gridmap.store.outbook import Hook, OutBook

MOST: int = 1_000
"""Dead letters that are listed."""


@click.group()
def hooks() -> None:
    """Webhooks: other systems that are told of events, orders, notices and editions.

    The bodies are signed by the rules of Standard Webhooks; a running server tells them.
    """


@hooks.command()
@place_option
@click.argument("address", metavar="URL")
@click.option(
    "--kinds", default="", metavar="KIND[,KIND]", help="event, order, notice, edition; default: all."
)
def add(place: CityAddress, address: str, kinds: str) -> None:
    """Tell an address what happens from now on. Prints the secret that its bodies are signed with."""
    from gridmap.outbox import new_hook

    with place.open() as store:
        wanted = tuple(kind.strip() for kind in kinds.split(",") if kind.strip())
        hook = new_hook(address, wanted, store.log.head())
        store.hooks.add(hook)
    click.echo(f"{hook.id}\t{hook.secret}")


@hooks.command("list")
@place_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line each.")
def list_(place: CityAddress, *, as_json: bool) -> None:
    """List the hooks: what waits for each, and what could not be told."""
    with place.open() as store:
        for hook in store.hooks.hooks(ended=True):
            counts = store.hooks.counts(hook.id)
            state = "live" if hook.ended_ms is None else "ended"
            said = {
                "id": hook.id,
                "address": hook.address,
                "state": state,
                "kinds": list(hook.kinds),
                "waits": counts.get("waits", 0),
                "dead": counts.get("dead", 0),
            }
            line = json.dumps(said, ensure_ascii=False) if as_json else _in_words(said)
            click.echo(line)


@hooks.command()
@place_option
@click.argument("hook", metavar="HOOK")
def dead(place: CityAddress, hook: str) -> None:
    """List what could not be told to a hook: number in the log, tries, why."""
    from gridmap.store.outbook import DEAD

    with place.open() as store:
        for letter in store.hooks.letters(_known(store.hooks, hook).id, DEAD, MOST):
            click.echo(f"{letter.seq}\t{letter.tries}\t{letter.problem or ''}")


@hooks.command()
@place_option
@click.argument("hook", metavar="HOOK")
@click.option(
    "--since", type=click.IntRange(0), help="All that stands behind this number; else dead letters."
)
def replay(place: CityAddress, hook: str, since: int | None) -> None:
    """Tell dead letters again, or everything behind a number of the log."""
    from gridmap.order_rows import milliseconds
    from gridmap.store.store import utc_now

    with place.open() as store:
        count = store.hooks.replay(_known(store.hooks, hook), since, milliseconds(utc_now()))
    click.echo(f"{count:,} to be told again")


@hooks.command()
@place_option
@click.argument("hook", metavar="HOOK")
def end(place: CityAddress, hook: str) -> None:
    """Tell a hook no more."""
    from gridmap.order_rows import milliseconds
    from gridmap.store.store import utc_now

    with place.open() as store:
        store.hooks.end(_known(store.hooks, hook).id, milliseconds(utc_now()))
    click.echo(f"{hook} is told no more")


def _known(book: OutBook, id_: str) -> Hook:
    found = next((each for each in book.hooks(ended=True) if each.id == id_), None)
    if found is None:
        raise NotFoundError(f"There is no hook {id_!r}; `gridmap hooks list` lists them.")
    return found


def _in_words(said: dict[str, object]) -> str:
    kinds = said["kinds"]
    told = ", ".join(map(str, kinds)) if isinstance(kinds, list) and kinds else "everything"
    return (
        f"{said['id']}\t{said['state']}\t{told}\t{said['waits']} wait\t{said['dead']} dead\t{said['address']}"
    )

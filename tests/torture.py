"""Trials by torture: servers killed while events come in, a disk that forgets, files that are damaged.

`scripts/torture ingest --rounds N` runs two servers on one home; clients send events to both, one at a time
and in batches, until both are killed with SIGKILL. In two rounds of three the home is then put back to what
its disk would hold after a power cut (`torture_disk` says how, and how pessimistic that is). Then both are
started again, which must take less than ten seconds, and everything is compared with what was sent and
acknowledged: the log straight from the file, what both servers serve, and what is open with a plain replay.
What was sent and not acknowledged may be there or not; it is sent again.

`scripts/torture damage` flips bytes in rows of the log, tears its pages and cuts the file (`torture_damage`).

What is wrong ends the torture with exit code 1; the home and all that was sent are kept as evidence.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from torture_damage import try_damage
from torture_disk import Disk, NoCompilerError, build_shim
from torture_events import (
    BreachError,
    Ledger,
    check_log,
    check_orders,
    check_people,
    check_served,
    check_situations,
    read_log,
)
from torture_load import Load, Server, start

from gridmap.cli import main as gridmap

if TYPE_CHECKING:
    from collections.abc import Sequence

TOYTOWN = Path(__file__).parent.parent / "data" / "toytown" / "toytown.geojson"

ALLOWED_S = 10.0
"""How long a start may take after a kill."""

STARVED = 0.4
"""A slow start is the machine's when the server had less than this share of one processor meanwhile."""

PATIENCE_S = 60.0
"""How long the keeper may take until what is open is up to date."""

FRESH = 15
"""Rounds after which a new home is begun: each round reads the whole log."""

KILL, SYNCED, MIXED = "kill", "synced", "mixed"
VARIANTS = (KILL, SYNCED, MIXED)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make_home(home: Path) -> None:
    """A home with Toytown, nine grids."""
    done = CliRunner().invoke(gridmap, ["load", str(TOYTOWN), "--home", str(home)])
    if done.exit_code != 0:
        raise SystemExit(f"Toytown could not be loaded: {done.output}")


@dataclass(slots=True)
class Seen:
    """What the rounds have seen."""

    rounds: int = 0
    acknowledged: int = 0
    unheard: int = 0
    """Events under way at a kill."""
    kept: int = 0
    """Of those, how many were in the log nevertheless."""
    slowest_s: float = 0.0
    up_s: float = 0.0
    starved: int = 0
    """Starts that took too long because others had the processor."""


class Torture:
    """One home under torture, and everything that was ever sent to it."""

    def __init__(self, folder: Path, shim: Path, seed: int) -> None:
        self.folder = folder
        self.seen = Seen()
        self._chance = random.Random(seed)
        self._shim = shim
        self._servers: list[Server] = []
        self._errors = folder / "stderr.txt"
        self._homes = 0
        self._variant = KILL

    def close(self) -> None:
        """End every server."""
        for each in self._servers:
            each.gone()
        self._servers = []

    def begin(self, variant: str) -> None:
        """A new home, and two servers on it that know how they will end."""
        self.close()
        for old in (self.folder / "home", self.folder / "home.before"):
            shutil.rmtree(old, ignore_errors=True)
        base = self.folder / "base"
        if not base.exists():
            make_home(base)
        shutil.copytree(base, self.folder / "home")
        self._homes += 1
        self.ledger = Ledger()
        self._disk = Disk(self.folder / "home", self.folder / "shadow", self._shim)
        self._disk.settle()
        self._start(variant, after_kill=False)

    def round(self, following: str, servers: int = 2) -> None:
        """Send until the kill, put the disk back, start again, look at everything."""
        label = f"{self._homes}-{self.seen.rounds}"
        self._load(label)
        for each in self._servers:
            each.gone()
        if self._variant != KILL:
            self._disk.fail(self._chance, mixed=self._variant == MIXED)
        under_way = {each.key for each in self.ledger.unanswered()}
        self._start(following, servers)
        rows = self._settled()
        self._check(rows)
        seen = self.seen
        seen.rounds += 1
        seen.unheard += len(under_way)
        seen.kept += len(under_way & {row.key for row in rows})

    def _load(self, label: str) -> None:
        before = sum(each.acknowledged for each in self.ledger.events.values())
        known = [*getattr(self, "_known", [])][-500:] if self.ledger.events else []
        load = Load(self.ledger, self._chance, label, known)
        seconds = self._chance.uniform(0.1, 1.2)
        load.run(self._servers, seconds, lambda number: self._servers[number].kill())
        self._known = load.known
        after = sum(each.acknowledged for each in self.ledger.events.values())
        self.seen.acknowledged += after - before

    def _start(self, variant: str, servers: int = 2, *, after_kill: bool = True) -> None:
        self._variant = variant
        delay_us = self._chance.choice((0, 2_000, 10_000))
        environment = {} if variant == KILL else self._disk.environment(delay_us)
        if variant != KILL:
            self._disk.settle()
        self._servers = start(self._disk.home, self._errors, environment, servers)
        self.seen.up_s = max(each.up_s for each in self._servers)
        for each in self._servers if after_kill else ():  # the first start may have to compile kernels
            self.seen.slowest_s = max(self.seen.slowest_s, each.up_s)
            starved = each.cpu_s < each.up_s * STARVED
            if each.up_s > ALLOWED_S and not starved:
                raise BreachError(f"a server was up only after {each.up_s:.1f} s")
            self.seen.starved += each.up_s > ALLOWED_S

    def _settled(self) -> list[Any]:
        """The log, when the keeper has caught up with it and all that is open is as a replay says."""
        until = time.monotonic() + PATIENCE_S
        database = self._disk.home / "gridmap.sqlite"
        while True:
            rows = read_log(database)
            if check_situations(database, rows):
                return rows
            if time.monotonic() > until:
                raise BreachError(
                    f"the keeper has not caught up with {len(rows)} rows within {PATIENCE_S:.0f} s"
                )
            time.sleep(0.1)

    def _check(self, rows: list[Any]) -> None:
        check_log(rows, self.ledger)
        database = self._disk.home / "gridmap.sqlite"
        check_people(database, self.ledger, rows)
        check_orders(database, rows)
        by_number = {row.seq: row for row in rows}
        for server in self._servers:
            after = 0
            while after < len(rows):
                status, page = server.ask(f"/events?since={after}&limit=10000")
                if status != 200:
                    raise BreachError(f"GET /events behind row {after} was answered {status}: {page[:300]!r}")
                count, after = check_served(page, by_number)
                if not count and after < len(rows):
                    raise BreachError(f"nothing is served behind row {after} of {len(rows)}")

    def keep_evidence(self, breach: BreachError) -> None:
        """Write down what was sent and what is wrong, beside the home."""
        said = [asdict(each) for each in self.ledger.events.values()]
        (self.folder / "sent.json").write_text(json.dumps(said, ensure_ascii=False, indent=0))
        (self.folder / "breach.txt").write_text(f"round {self.seen.rounds}, {self._variant}: {breach}\n")


def ingest(
    folder: Path, rounds: int, seed: int, variants: Sequence[str] = VARIANTS, *, quiet: bool = False
) -> Seen:
    """Torture the intake for some rounds. BreachError: a promise was broken."""
    torture = Torture(folder, build_shim(folder), seed)
    begun = time.monotonic()
    try:
        for number in range(rounds):
            variant = variants[number % len(variants)]
            if number % FRESH == 0:
                torture.begin(variant)
            last = number + 1 == rounds
            torture.round(variants[(number + 1) % len(variants)], servers=1 if last else 2)
            if not quiet:
                _show(torture.seen, rounds, variant, time.monotonic() - begun)
    except BreachError as breach:
        torture.keep_evidence(breach)
        raise
    finally:
        torture.close()
    return torture.seen


def _show(seen: Seen, rounds: int, variant: str, seconds: float) -> None:
    """A line for each round in a log, one that stays in its place for a person."""
    left = seconds / seen.rounds * (rounds - seen.rounds)
    line = (
        f"{seen.rounds:4}/{rounds} {variant:7}{seconds:6.0f} s, {left:.0f} s left; up in {seen.up_s:.1f} s "
        f"(most {seen.slowest_s:.1f}); {seen.acknowledged:,} acknowledged, {seen.unheard:,} under way, "
        f"{seen.kept:,} of these kept"
    )
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
    elif seen.rounds % 10 == 0 or seen.rounds == rounds:
        say(line)


def run(given: argparse.Namespace, folder: Path) -> None:
    """Do what was asked. BreachError: something is wrong."""
    if given.what in ("ingest", "all"):
        variants = (given.variant,) if given.variant else VARIANTS
        seen = ingest(folder, given.rounds, given.seed, variants)
        say(
            f"\n{seen.rounds} rounds: {seen.acknowledged:,} acknowledged events, each there once and as it "
            f"was sent; {seen.unheard:,} under way at a kill, {seen.kept:,} of them whole in the log, the "
            f"others not at all; the slowest start took {seen.slowest_s:.1f} s"
            + (f", {seen.starved} starts had no processor for themselves" if seen.starved else "")
        )
    if given.what in ("damage", "all"):
        say(try_damage(folder, given.cases, given.seed, make_home))


def main() -> int:
    """Torture; gives the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("ingest", "damage", "all"))
    parser.add_argument("--rounds", type=int, default=300, help="Kills; default 300.")
    parser.add_argument("--cases", type=int, default=600, help="Damaged files; default 600.")
    parser.add_argument("--variant", choices=VARIANTS, help="Only this one; default: one after the other.")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gridmap-torture-"))
    try:
        run(given, folder)
    except NoCompilerError as error:
        sys.stderr.write(f"torture: {error}\n")
        shutil.rmtree(folder)
        return 1
    except BreachError as breach:
        sys.stderr.write(f"\ntorture: {breach}\ntorture: the evidence is in {folder}\n")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the command line shows a person: progress, findings, what was mended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.boundaries.repair import Mend
    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition, Finding

SHOWN: Final = 20
"""Findings printed for a person; --json prints all."""


class Progress:
    """Shows how far long work is: a bar for a person, a line per step for a log."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._live = sys.stderr.isatty()
        self._step = ""
        form = "{percentage:3.0f} % |{bar}| {elapsed} {desc}"
        self._bar = tqdm(total=100, bar_format=form, leave=False, disable=not self._live)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()

    def __call__(self, step: str, share: float) -> None:
        """Say which step is at work and which share of the whole is done."""
        if step != self._step and not self._live:
            click.echo(f"{share:4.0%}  {step}", err=True)
        self._step = step
        self._bar.set_description_str(step, refresh=False)
        self._bar.n = round(share * 100)
        self._bar.refresh()


def write_found(
    partition: Partition,
    findings: Sequence[Finding],
    edition: Edition | None,
    png: Path | None,
    geojson: Path | None,
) -> None:
    """Write findings to the files that a person asked for."""
    if geojson:
        from gridmap.boundaries.report import write_findings

        write_findings(findings, partition, geojson)
    if png:
        from gridmap.boundaries.pictures.sheet import draw_findings

        draw_findings(partition, findings, png, edition=edition)


def mend_lines(mends: Sequence[Mend], households: Sequence[int] | None) -> Iterator[str]:
    """What a repair did, a line each, and how many households live there where that is known."""
    for number, mend in enumerate(mends[:SHOWN]):
        people = "" if households is None else f", {households[number]:,} households"
        codes = ", ".join(mend.codes)
        place = f"{mend.lon:.7f}, {mend.lat:.7f} ({mend.size_m2:,.4g} m2{people})"
        yield f"mended {mend.rule} at {place} of {codes}: now {mend.owner}'s"
    if len(mends) > SHOWN:
        rest = sum(mend.size_m2 for mend in mends[SHOWN:])
        yield f"... and {len(mends) - SHOWN:,} more places, {rest:,.4g} m2"


def print_check(document: dict[str, Any], findings: Sequence[Finding]) -> None:
    """Print the outcome of a check, the verdict last."""
    counts = ", ".join(f"{count:,} {level}" for level, count in document["counts"].items())
    click.echo(f"edition {document['edition']}, checksum {document['checksum']}")
    click.echo(counts)
    for note in document["notes"]:
        click.echo(f"note: {note}")
    print_findings(findings, err=False)
    click.echo(
        "proven: every point of the city is in exactly one grid" if document["proven"] else "NOT PROVEN"
    )


def print_findings(findings: Sequence[Finding], *, err: bool) -> None:
    """Print the first findings."""
    for line in _finding_lines(findings):
        click.echo(line, err=err)


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:SHOWN]:
        place = (
            ""
            if finding.lon is None
            else f" at {finding.lon:.7f}, {finding.lat:.7f} ({finding.size_m2:,.4g} m2)"
        )
        yield f"{finding.rule}{place}: {finding.text}"
    if len(findings) > SHOWN:
        yield f"... and {len(findings) - SHOWN:,} more; `gridmap check --json` lists them all"

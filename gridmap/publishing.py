"""Publishing: a partition, planned or from a file, becomes the current edition of a home, with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridmap.boundaries.areas import read_areas
from gridmap.boundaries.repair import repair
from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.proof import examine
from gridmap.errors import ConflictError, InputError, RefusedError
from gridmap.lookup import index_of
from gridmap.store.address import address_of
from gridmap.store.editions import EditionDraft
from gridmap.store.store import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gridmap.boundaries.areas import AreaFile
    from gridmap.boundaries.repair import Mend
    from gridmap.boundaries.rows import Columns
    from gridmap.coverage.partition import Partition
    from gridmap.coverage.proof import Proof
    from gridmap.model import Edition, Finding
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store

    Progress = Callable[[str, float], None]


def publish(
    store: Store,
    partition: Partition,
    proof: Proof,
    *,
    author: str,
    reason: str,
    notes: tuple[str, ...] = (),
    synthetic: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> Edition:
    """Publish a partition on top of the current edition; the same areas again publish nothing.

    The stored proof says whether it is proven, how many findings there are, whether the outline was given,
    and in plain notes what is real and what is made. `origin` says how it can be made again. Raises
    ConflictError when somebody published other areas meanwhile.
    """
    body = to_bytes(partition)
    current = store.current()
    if current is not None and current.checksum == checksum(body):
        return current
    draft = EditionDraft(
        base=None if current is None else current.number,
        checksum=checksum(body),
        proven=proof.proven,
        proof={
            "findings": len(proof.findings),
            "outline_known": partition.outline_known,
            "notes": list(notes),
            "origin": dict(origin or {}),
        },
        synthetic=synthetic,
        author=author,
        reason=reason,
        effective_at=utc_now(),
        body=body,
        areas=list(partition.areas()),
    )
    try:
        return store.publish(draft)
    except ConflictError:
        winner = store.current()
        if winner is not None and winner.checksum == draft.checksum:
            return winner  # two loads of one file: what this one wanted is there
        raise


class RefusedFileError(RefusedError):
    """A file of areas is no proven partition; `partition` is what it makes all the same."""

    def __init__(self, message: str, findings: Sequence[Finding], partition: Partition) -> None:
        super().__init__(message, findings)
        self.partition = partition


@dataclass(frozen=True)
class Loaded:
    """What loading a file did: the edition, its proof, and what was mended on the way."""

    edition: Edition
    proof: Proof
    mends: tuple[Mend, ...] = ()


def load_areas(
    files: Path | Sequence[Path],
    place: CityAddress | Path,
    *,
    keep: bool,
    author: str,
    columns: Columns | None = None,
    datum: str | None = None,
    tolerance_m: float | None = None,
    over: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Load areas from a file, or one file per level, and publish them as the next edition.

    What is no proven partition is refused with RefusedError and the store stays as it was, unless `keep`:
    then it becomes an unproven edition. With a tolerance what is nowhere wider is mended first. Raises
    InputError for a file that cannot be used, HomeError for a place that is none.
    """
    tell = progress or (lambda _step, _share: None)
    paths = [files] if isinstance(files, Path) else list(files)
    tell("reading the file", 0.0)
    said = ", ".join(str(path) for path in paths)
    areas = read_areas(paths, columns, datum)
    broken = areas.broken()
    tell("finding the borders", 0.4)
    partition = areas.partition()
    if broken and not keep and tolerance_m is None:
        text = f"{len(broken)} polygons are not valid. Correct them, or read them even-odd with --keep."
        raise RefusedFileError(f"{said}: {text}", broken, partition)
    mends: list[Mend] = []
    if tolerance_m is not None:
        tell("mending what is narrow", 0.5)
        partition, mends = repair(partition, tolerance_m)
    tell("proving the partition", 0.7)
    proof = examine(partition)
    if not proof.proven and not keep:
        text = f"is no proven partition ({len(proof.findings)} findings). Correct it, or load it with --keep."
        raise RefusedFileError(f"{said}: {text}", proof.findings, partition)
    tell("publishing", 0.9)
    address = address_of(place)
    with address.open(create=True) as store:
        base = store.current()
        if not over:
            _refuse_other_base(store, areas, partition, said)
        edition = publish(
            store,
            partition,
            proof,
            author=author,
            reason=f"loaded from {', '.join(path.name for path in paths)}",
            notes=areas.notes + _notes(broken, mends, tolerance_m),
            synthetic=areas.synthetic,
        )
    index_of(address, edition, partition, base)
    return Loaded(edition, proof, tuple(mends))


def _refuse_other_base(store: Store, areas: AreaFile, partition: Partition, said: str) -> None:
    """Refuse a file that was made from an edition that is not the current one, or that is of another city.

    Areas that are the current ones already are welcome, whatever they were made from.
    """
    current = store.current()
    if current is None or current.checksum == checksum(to_bytes(partition)):
        return
    if areas.base is not None and areas.base != current.checksum:
        number = next((e.number for e in store.editions() if e.checksum == areas.base), None)
        source = "a city that was never here" if number is None else f"edition {number}"
        text = f"was exported from {source}, but edition {current.number} is current and would be lost"
        raise ConflictError(f"{said}: {text}. Export that one and edit it, or load this one with --over.")
    mine = {code for table in areas.tables for code in table.codes}
    if mine.isdisjoint(area.code for area in store.areas(current.number)):
        text = f"none of its {len(mine):,} codes is in edition {current.number}: is it another city's?"
        raise InputError(said, f"{text} Load it into a home of its own, or with --over.")


def _notes(broken: list[Finding], mends: list[Mend], tolerance_m: float | None) -> tuple[str, ...]:
    notes = []
    if broken:
        notes.append(f"{len(broken)} polygons of the file were not valid and are read by the even-odd rule")
    if mends:
        size = sum(mend.size_m2 for mend in mends)
        notes.append(
            f"{len(mends)} places nowhere wider than {tolerance_m} m were mended, {size:,.2f} m2 in all"
        )
    return tuple(notes)

"""Publishing: a partition, planned or from a file, becomes the current edition of a home, with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridmap.boundaries.files import read_areas
from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.proof import examine
from gridmap.errors import RefusedError
from gridmap.store.editions import EditionDraft
from gridmap.store.home import Home
from gridmap.store.store import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gridmap.coverage.partition import Partition
    from gridmap.coverage.proof import Proof
    from gridmap.model import Edition
    from gridmap.store.store import Store


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
    ConflictError when somebody published meanwhile.
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
    return store.publish(draft)


def load_areas(file: Path, folder: Path, *, keep: bool, author: str) -> tuple[Edition, Proof]:
    """Load a file of areas into a home and publish it as the next edition.

    What is no proven partition is refused with RefusedError and the home stays as it was, unless `keep`:
    then it becomes an unproven edition. Raises InputError for a file that cannot be read, HomeError for a
    folder that is no home.
    """
    areas = read_areas(file)
    broken = areas.broken()
    if broken and not keep:
        said = f"{len(broken)} polygons are not valid. Correct them, or read them even-odd with --keep."
        raise RefusedError(f"{file}: {said}", broken)
    partition = areas.partition()
    proof = examine(partition)
    if not proof.proven and not keep:
        said = f"is no proven partition ({len(proof.findings)} findings). Correct it, or load it with --keep."
        raise RefusedError(f"{file}: {said}", proof.findings)
    notes = areas.notes
    if broken:
        notes += (f"{len(broken)} polygons of the file were not valid and are read by the even-odd rule",)
    with Home.create(folder).store() as store:
        edition = publish(
            store,
            partition,
            proof,
            author=author,
            reason=f"loaded from {file.name}",
            notes=notes,
            synthetic=areas.synthetic,
        )
    return edition, proof

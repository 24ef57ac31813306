"""Editions in the database: rows that are written once, and the compare-and-set that lets one follow.

`check_base` is called twice by a publisher: early, when a conflict costs nothing yet, and again inside the
writing transaction, where it counts. Should a database ever let two publishers in at once, the primary key
stops the second: each of them wants to store the number after its base.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from gridmap.errors import ConflictError, InputError
from gridmap.model import Edition
from gridmap.store.schema import editions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gridmap.model import Area

_COLUMNS: Final = [column for column in editions.columns if column.name != "proof"]
"""The fields of an Edition, in their order; the proof may be large and is read apart."""


@dataclass(frozen=True, slots=True)
class EditionDraft:
    """An edition that wants to be published: all of it but its number and the time.

    `base` is the edition it was made from (None: it is to be the first). `body` is the canonical blob of
    `gridmap.coverage`, with the shapes; `areas` are the areas of all levels without them; `proof` is anything
    that JSON can hold.
    """

    base: int | None
    checksum: str
    proven: bool
    proof: Mapping[str, Any]
    synthetic: bool
    author: str
    reason: str
    effective_at: datetime
    body: bytes
    areas: Sequence[Area]


def read_editions(connection: Connection, number: int | None = None) -> list[Edition]:
    """Return the edition of a number, or all, the first one first."""
    query = select(*_COLUMNS).order_by(editions.c.number)
    if number is not None:
        query = query.where(editions.c.number == number)
    return [Edition(*row) for row in connection.execute(query)]


def read_current(connection: Connection) -> Edition | None:
    """Return the newest edition, None before the first."""
    row = connection.execute(select(*_COLUMNS).order_by(editions.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else Edition(*row)


def check_draft(draft: EditionDraft) -> None:
    """Refuse what no edition may be, before anything is written."""
    if draft.effective_at.tzinfo is None:
        raise InputError(
            "effective_at", f"{draft.effective_at} has no time zone: state one, for example +08:00"
        )
    seen: set[str] = set()
    for area in draft.areas:
        if area.code in seen:
            raise InputError("areas", f"{area.code} is there twice; a code names one area of an edition")
        seen.add(area.code)


def check_base(connection: Connection, base: int | None) -> None:
    """Refuse a draft whose base is not the current edition."""
    current = read_current(connection)
    if base == (None if current is None else current.number):
        return
    made_from = "as the first edition" if base is None else f"from edition {base}"
    if current is None:
        raise ConflictError(
            f"this draft was made {made_from}, but there is no edition here yet: publish it without a base"
        )
    raise ConflictError(
        f"this draft was made {made_from}, but edition {current.number} is current now "
        f"(by {current.author}: {current.reason}): make it again from that one and publish it"
    )


def add_edition(connection: Connection, draft: EditionDraft, blob: str, now: datetime) -> Edition:
    """Store the edition that a checked draft becomes, without its areas.

    ConflictError: somebody stored one of this number.
    """
    edition = Edition(
        number=(draft.base or 0) + 1,
        base=draft.base,
        checksum=draft.checksum,
        proven=draft.proven,
        synthetic=draft.synthetic,
        author=draft.author,
        reason=draft.reason,
        effective_at=draft.effective_at.astimezone(UTC),
        published_at=now.astimezone(UTC),
        blob=blob,
    )
    values = {column.name: getattr(edition, column.name) for column in _COLUMNS}
    try:
        connection.execute(insert(editions).values(proof=dict(draft.proof), **values))
    except IntegrityError as error:
        raise ConflictError(
            f"edition {edition.number} was published at this very moment by somebody else: "
            "make this draft again from that one and publish it"
        ) from error
    return edition

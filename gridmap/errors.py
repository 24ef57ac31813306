"""Every error gridmap raises on purpose: one base, and a sentence a tired person can act on.

A message says what is wrong, where, and what to do. Nothing in here knows of status or exit codes:
`tiles.web.problems` and `gridmap.cli` each hold one table for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.model import Finding


class GridmapError(Exception):
    """The base of every error that gridmap raises on purpose."""


class InputError(GridmapError):
    """A value that a caller gave cannot be used: `name` is what the caller calls it, `reason` says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """Errors of worker processes come home by pickle, which would call `InputError(sentence)`."""
        return type(self), (self.name, self.reason)


class NotFoundError(GridmapError):
    """What was asked for by name (an area, an edition, a blob) does not exist here."""


class HomeError(GridmapError):
    """A folder is no gridmap home, or is one that this gridmap cannot use."""


class ConflictError(GridmapError):
    """Somebody else published first: the base edition of this change is no longer the current one."""


class BusyError(GridmapError):
    """There is more to do than may wait: nothing was taken, try again in a moment."""


class DamageError(GridmapError):
    """Stored bytes are not what their checksum says: restore them, they cannot be trusted."""


class MissingExtraError(GridmapError):
    """An optional library is needed for this; the message holds the line to type."""


class RefusedError(GridmapError):
    """A set of areas is no proven partition; the findings say where and why."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = tuple(findings)

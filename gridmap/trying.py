"""Work that is tried again and again, for as long as a process lives: it says once why it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridmap.errors import GridmapError

if TYPE_CHECKING:
    from logging import Logger
    from types import TracebackType


class Trying:
    """Each `with` block is one try. An error in it is logged, not raised; the same one not again.

    Whatever the error is: the thread goes on, and what was not done is done when the reason is gone.
    """

    def __init__(self, logger: Logger, failing: str) -> None:
        """`failing` says in the log what is not done meanwhile."""
        self._logger = logger
        self._failing = failing
        self._reason = ""

    @property
    def is_well(self) -> bool:
        """Whether the last try went well."""
        return not self._reason

    def __enter__(self) -> None:
        """Try."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Take note of how it went."""
        if error is None:
            self._reason = ""
        elif isinstance(error, Exception) and (reason := str(error) or type(error).__name__) != self._reason:
            self._reason = reason
            self._logger.error("%s: %s", self._failing, reason, exc_info=not isinstance(error, GridmapError))
        return error is None or isinstance(error, Exception)

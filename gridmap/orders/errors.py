"""Why an order did not move: each error says why in two languages, and what is allowed instead.

An error is raised before anything is changed. `tiles.web.problems` gives them their status codes: a wrong
state is 409, a wrong role 403, a stale version 412.
"""

from __future__ import annotations

from gridmap.errors import GridmapError


class OrderError(GridmapError):
    """An action was refused; `allowed` are the actions that this role and person may take now instead."""

    def __init__(self, order: str, state: str, allowed: tuple[str, ...], english: str, chinese: str) -> None:
        instead = ", ".join(allowed) if allowed else "nothing"
        super().__init__(f"order {order}: {english} Allowed now: {instead}. {chinese}")
        self.order = order
        self.state = state
        self.allowed = allowed
        self.english = english
        self.chinese = chinese

    def __reduce__(self) -> tuple[type[OrderError], tuple[str, str, tuple[str, ...], str, str]]:
        """Errors of worker processes come home by pickle, which would call it with the sentence alone."""
        return type(self), (self.order, self.state, self.allowed, self.english, self.chinese)


class WrongStateError(OrderError):
    """Nobody may do this to the order as it stands."""


class WrongRoleError(OrderError):
    """The order can be moved so, but not by this role, or not by this person."""


class StaleOrderError(OrderError):
    """The order has moved on since the caller read it: read it again, then decide again."""

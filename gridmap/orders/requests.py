"""What a caller sends along with an action, and whether it is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from gridmap.errors import InputError
from gridmap.orders.order import Assignment
from gridmap.orders.words import LADDER, URGENCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridmap.orders.order import WorkOrder
    from gridmap.orders.transitions import Transition

MOST_NOTE: Final = 2000
MOST_PHOTOS: Final = 20
MOST_DEPARTMENTS: Final = 20
MOST_NAME: Final = 100
MOST_LON: Final = 180
MOST_LAT: Final = 90
SATISFACTION: Final = range(1, 6)
"""From 1, not at all, to 5, wholly satisfied."""


class Absorbed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order that was merged into this one, and who had handled it."""

    order: str
    handlers: tuple[str, ...] = ()


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an action may need beside its note; each action looks at its own.

    `assignment` dispatch, reassign, escalate, move · `level` escalate over several levels · `departments`
    whistle · `department` reply, release (may be left out where one alone owes a reply) · `duration`
    request_delay, grant_delay · `photos` any · `satisfaction` evaluate · `into` merge · `absorbed` absorb ·
    `code` move (null where no grid has the place any more), and `at` where the thing itself moved (null where
    it has no point any more) · `urgency` regrade, and `drill` where it is none any more.
    """

    assignment: Assignment | None = None
    level: str | None = None
    departments: tuple[str, ...] = ()
    department: str | None = None
    duration: str | None = None
    photos: tuple[str, ...] = ()
    satisfaction: int | None = None
    into: str | None = None
    absorbed: Absorbed | None = None
    code: str | UnsetType | None = UNSET
    at: tuple[float, float] | UnsetType | None = UNSET
    urgency: str | None = None
    drill: bool | None = None

    def at_after(self, order: WorkOrder) -> tuple[float, float] | None:
        """The point of an order when it has moved."""
        return order.at if self.at is UNSET else self.at


NO_ARGS: Final = Args()
FIELDS: Final = Args.__struct_fields__


def args_of(given: Mapping[str, Any]) -> Args:
    """The arguments that a caller sent. Raises InputError where they are none."""
    try:
        return msgspec.convert(given, Args)
    except msgspec.ValidationError as error:
        raise InputError("arguments", str(error)) from None


def check_needs(order: WorkOrder, row: Transition, actor: str, note: str, args: Args) -> None:
    """Raise InputError where an action lacks something, or has too much of it."""
    if not actor or len(actor) > MOST_NAME:
        raise InputError("actor", f"say who acts, in at most {MOST_NAME} characters")
    if len(note) > MOST_NOTE:
        raise InputError("note", f"{len(note)} characters are too many; write at most {MOST_NOTE}")
    if len(args.photos) > MOST_PHOTOS:
        raise InputError("photos", f"{len(args.photos)} are too many; send at most {MOST_PHOTOS}")
    for need in row.needs:
        given = note.strip() if need == "note" else getattr(args, need)
        lacking = given is UNSET if need == "code" else given in (None, "", ())
        if lacking:
            raise InputError(need, f"{row.action} needs it; send it along")
    if row.action in _CHECKS:
        _CHECKS[row.action](order, args)


def _departments(order: WorkOrder, args: Args) -> None:
    names = args.departments
    if len(names) > MOST_DEPARTMENTS or any(not name or len(name) > MOST_NAME for name in names):
        raise InputError(
            "departments", f"name at most {MOST_DEPARTMENTS}, each in 1 to {MOST_NAME} characters"
        )
    twice = [name for name in names if name in order.outstanding or names.count(name) > 1]
    if twice:
        raise InputError("departments", f"{twice[0]} is called already; call it again when it has replied")


def _department(order: WorkOrder, args: Args) -> None:
    owing = order.outstanding
    if args.department is None and len(owing) > 1:
        raise InputError("department", f"say which one; these owe a reply: {', '.join(owing)}")
    if args.department is not None and args.department not in owing:
        raise InputError("department", f"{args.department} owes no reply; these do: {', '.join(owing)}")


def _satisfaction(_: WorkOrder, args: Args) -> None:
    if args.satisfaction not in SATISFACTION:
        raise InputError("satisfaction", f"{args.satisfaction} is no grade; give one from 1 to 5")


def _into(order: WorkOrder, args: Args) -> None:
    if args.into == order.id:
        raise InputError("into", "an order cannot be merged into itself; name the other one")


def _absorbed(order: WorkOrder, args: Args) -> None:
    if args.absorbed is not None and args.absorbed.order in (order.id, *order.absorbed):
        raise InputError("absorbed", f"{args.absorbed.order} is this order, or part of it; name another one")


def _dispatch(order: WorkOrder, args: Args) -> None:
    if args.assignment is None and (order.queue is not None or order.level not in LADDER):
        raise InputError("assignment", "nobody has this order yet; say who is to handle it")


def _urgency(_: WorkOrder, args: Args) -> None:
    if args.urgency not in URGENCIES:
        raise InputError("urgency", f"{args.urgency!r} is none; write one of {', '.join(URGENCIES)}")


def _place(_: WorkOrder, args: Args) -> None:
    if args.at and not (abs(args.at[0]) <= MOST_LON and abs(args.at[1]) <= MOST_LAT):
        raise InputError("at", f"{list(args.at)} is no longitude and latitude in degrees; correct it")


def _level(order: WorkOrder, args: Args) -> None:
    steps = LADDER[LADDER.index(order.level) + 1 :]
    if args.level is not None and args.level not in steps:
        raise InputError(
            "level", f"{args.level!r} is not above {order.level}; write one of {', '.join(steps)}"
        )
    if args.assignment is not None and args.assignment.level != (args.level or steps[0]):
        raise InputError(
            "assignment", f"it is of the level {args.assignment.level}, not {args.level or steps[0]}"
        )


_CHECKS: Final[dict[str, Callable[[WorkOrder, Args], None]]] = {
    "whistle": _departments,
    "reply": _department,
    "release": _department,
    "evaluate": _satisfaction,
    "merge": _into,
    "absorb": _absorbed,
    "dispatch": _dispatch,
    "regrade": _urgency,
    "move": _place,
    "escalate": _level,
}

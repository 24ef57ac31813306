"""How a post of the roster is written in a reply: who holds it is an id, and a name is masked.

A person of the roster is an id, never a name, but nothing checks what a city's roster holds. So whatever
reads like a Chinese name goes out as 张*三, on the wall of a command centre and on a card alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gridmap.model import StaffPost

_LETTER: Final = r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
_BETWEEN: Final = r"[\s·•・]*"
"""A space, or the dot of a name, that may stand between two letters."""
_NAME: Final = re.compile(f"{_LETTER}(?:{_BETWEEN}{_LETTER})+")

MEMBERS: Final[dict[str, Any]] = {
    "role": {"type": "string"},
    "person": {
        "type": "string",
        "description": "An id, never a name; of Chinese letters only the first and the last are told.",
        "examples": ["P500103-000017", "张*三"],
    },
    "shift": {"type": "string"},
    "on_duty": {"type": "boolean", "description": "Whether the shift is at work now."},
}
"""The schemas of what every reply says of a post beside its code."""


def members(post: StaffPost, *, is_on_duty: bool) -> dict[str, Any]:
    """What every reply says of a post beside its code."""
    return {
        "role": post.role,
        "person": masked(post.person),
        "shift": post.shift,
        "on_duty": is_on_duty,
    }


def masked(person: str) -> str:
    """An id as it is; of a name in Chinese letters the first and the last, of one of two the first."""
    return _NAME.sub(_masked, person)


def _masked(name: re.Match[str]) -> str:
    letters = re.findall(_LETTER, name[0])
    return f"{letters[0]}*{letters[-1] if len(letters) > 2 else ''}"

"""The parameters of a request: one declaration checks what came and describes itself for OpenAPI.

Nothing is guessed: an unknown name, a name given twice, an empty or missing value are refused, because each
of them is a caller who believes in an answer to another question.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN: Final = 60
"""Characters of a caller's value that an error repeats: enough to recognise it, too few to flood a log."""

# ASCII decimals only. float() would also take "1_0", "１０６" and " 106" (a plus sign that was not escaped).
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a route may be asked with; `advice` says what to do when it is missing."""

    name: str
    schema: Mapping[str, object]
    description: str
    advice: str = ""
    required: bool = False
    place: str = "query"

    def optional(self, description: str) -> Parameter:
        """The same for a route that can do without it."""
        return replace(self, required=False, description=description)

    def document(self) -> dict[str, Any]:
        """The OpenAPI parameter object; the first example of the schema fills the field of the API page."""
        examples = self.schema.get("examples")
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.description,
            "schema": dict(self.schema),
            **({"example": examples[0]} if isinstance(examples, list) else {}),
        }


def quote(value: str) -> str:
    """A caller's value as an error may repeat it."""
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")


def read_query(parameters: Sequence[Parameter], given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Check the query of a request against what the route takes: name -> value, each at most once.

    Raises InputError that names the parameter, what came and what to do.
    """
    known = {parameter.name: parameter for parameter in parameters if parameter.place == "query"}
    values: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            raise InputError(name[:SHOWN], f"is not a parameter here; {_allowed(known)}")
        if name in values:
            raise InputError(
                name, f"came more than once ({quote(values[name])}, {quote(value)}); give it once"
            )
        values[name] = value
        choices = known[name].schema.get("enum")
        if value and isinstance(choices, list) and value not in choices:
            raise InputError(name, f"{quote(value)} is not known; give one of {', '.join(choices)}")
    for name, parameter in known.items():
        if not values.get(name) and (parameter.required or name in values):
            came = "came empty" if name in values else "is missing"
            raise InputError(name, f"{came}; {parameter.advice}")
    return values


def read_number(query: Mapping[str, str], name: str) -> float:
    """Read a decimal number; raises InputError for anything else, NaN and infinity included."""
    return read_decimal(name, query[name])


def read_decimal(name: str, text: str) -> float:
    """Read a decimal number that came under a name; raises as `read_number`."""
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise InputError(name, f"{quote(text)} is not a finite decimal number; give one such as 106.577")
    return value


def read_whole(query: Mapping[str, str], name: str, low: int, high: int) -> int:
    """Read a whole number of a range; raises InputError for anything else."""
    text = query[name]
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if not (plain and low <= int(text) <= high):
        raise InputError(name, f"{quote(text)} is no whole number from {low} to {high}")
    return int(text)


def read_choice(query: Mapping[str, str], name: str, choices: Sequence[str]) -> str | None:
    """Read one word of a few, None when it was not given; raises InputError for another word."""
    value = query.get(name)
    if value is not None and value not in choices:
        raise InputError(name, f"{quote(value)} is not known; give one of {', '.join(choices)}")
    return value


def read_flag(query: Mapping[str, str], name: str) -> bool:
    """Read a yes or no, no when it was not given; raises InputError for another word."""
    return read_choice(query, name, ("1", "0", "true", "false")) in ("1", "true")


def _allowed(known: Mapping[str, Parameter]) -> str:
    return f"this address takes {', '.join(known)}" if known else "this address takes none"

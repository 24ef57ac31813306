"""A route as one declaration: address, check of its parameters, entry at the gate, OpenAPI operation.

Because all four come from the same value, the document cannot say anything else than what the server does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tiles.web.call import Call
from tiles.web.gate import LAYERS
from tiles.web.parameters import Parameter, read_query
from tiles.web.reply import Reply

if TYPE_CHECKING:
    from gridmap.settings import Setting

Answer = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Body:
    """What a POST takes: OpenAPI media type objects by media type, and the setting of its largest size."""

    content: Mapping[str, Mapping[str, Any]]
    limit: Setting


def as_it_is(problem: Reply) -> Reply:
    """Tell a problem as RFC 9457 has it."""
    return problem


@dataclass(frozen=True, slots=True)
class Manner:
    """How an address reads its query, and how it tells a problem: some standards have a way of their own.

    `tell` is given the problem document of the house.
    """

    read: Callable[[Sequence[Parameter], Iterable[tuple[str, str]]], Mapping[str, str]] = read_query
    tell: Callable[[Reply], Reply] = as_it_is


HOUSE: Final = Manner()
"""Parameters are checked as declared, problems are RFC 9457."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address that answers GET, or POST with a body.

    `path` is written as OpenAPI writes it, `name` is the operation's id, `layer` says what the reply
    discloses (see `tiles.web.gate`). `responses` are OpenAPI response objects by status; a page for people
    has none and is not documented. A route with a manner of its own lists problems among them.
    """

    path: str
    name: str
    layer: str
    answer: Answer
    summary: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    responses: Mapping[str, Mapping[str, Any]] | None = None
    body: Body | None = None
    manner: Manner = HOUSE

    def __post_init__(self) -> None:
        if self.layer not in LAYERS:
            raise ValueError(
                f"route {self.path}: layer {self.layer!r} is not listed in tiles.web.gate.LAYERS"
            )

    @property
    def method(self) -> str:
        """POST where a body is taken, else GET."""
        return "GET" if self.body is None else "POST"

    @property
    def rule(self) -> str:
        """The address as Flask writes it."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)


def json_response(description: str, schema: str, media_type: str = "application/json") -> dict[str, Any]:
    """An OpenAPI response object whose body is one of the component schemas."""
    return {"description": description, "content": {media_type: {"schema": reference(schema)}}}


def reference(schema: str) -> dict[str, str]:
    """Point to a component schema."""
    return {"$ref": f"#/components/schemas/{schema}"}

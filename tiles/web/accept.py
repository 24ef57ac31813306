"""Accept-Encoding: which content coding a client is answered in (RFC 9110, 12.5.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tiles.codings import CODINGS, IDENTITY

# A weight is 0 to 1 with at most three digits behind the point.
_ITEM: Final = re.compile(
    r"[ \t]*(?P<coding>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*"
    r"(?:;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)
_ALIASES: Final = {"x-gzip": "gzip"}


@lru_cache(maxsize=512)  # browsers send a handful of them; nobody's flood of odd ones stays
def choose_coding(accept: str) -> str | None:
    """The coding that a client weighs most, of those alike the first of CODINGS; None: it takes none of ours.

    Without a header, or with an empty one, the bytes go as they are; so they do for who names no coding of
    ours without refusing `identity`. A part that cannot be read is passed over.
    """
    weights: dict[str, float] = {}
    for part in accept.split(","):
        found = _ITEM.fullmatch(part)
        if found is None:
            continue
        coding = found["coding"].lower()
        weights[_ALIASES.get(coding, coding)] = float(found["weight"] or 1)
    others = weights.get("*")
    ranked = [(weights.get(coding, others or 0.0), coding) for coding in CODINGS]
    best, coding = max(ranked, key=lambda each: each[0])
    # Who does not name identity takes it, but likes every coding that is named better.
    plain = weights.get(IDENTITY, 0.0 if others == 0 else None)
    if plain is None:
        return coding if best > 0 else IDENTITY
    if max(best, plain) == 0:
        return None
    return coding if best >= plain else IDENTITY

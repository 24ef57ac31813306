"""Large replies in a content coding, where the client takes one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiles.codings import IDENTITY, encode
from tiles.web.accept import choose_coding

if TYPE_CHECKING:
    from tiles.web.reply import Reply


def coded(reply: Reply, encodings: str, *, varies: str = "") -> Reply:
    """The same reply, encoded as the Accept-Encoding header wants it; `varies` are other headers it follows.

    Who refuses every coding and plain bytes gets plain bytes all the same (RFC 9110, 12.5.3, lets us).
    """
    coding = choose_coding(encodings) or IDENTITY
    headers = [*reply.headers, ("Vary", f"{varies}, Accept-Encoding" if varies else "Accept-Encoding")]
    if coding != IDENTITY:
        headers.append(("Content-Encoding", coding))
    return replace(reply, body=encode(reply.body, coding), headers=tuple(headers))

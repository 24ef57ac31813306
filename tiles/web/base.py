"""Under which address the caller reached the service, for replies that hold absolute addresses.

By default that is what the request itself says: http, and its Host header. A proxy in front knows better,
and says so in X-Forwarded-Proto, -Host and -Prefix; but anybody can send these headers, so they count only
where the operator says that a proxy sets them (GRIDMAP_TRUST_PROXY).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gridmap.errors import InputError
from gridmap.settings import TRUST_PROXY

if TYPE_CHECKING:
    from flask import Request

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_TRUST: Final = ("", "0", "1")


def trusts_proxy() -> bool:
    """Whether the operator says that a proxy stands in front. InputError for a setting that is neither."""
    value = TRUST_PROXY.value()
    if value not in _TRUST:
        raise InputError(TRUST_PROXY.name, f"{value!r} is neither 1 nor 0: correct the environment")
    return value == "1"


def base_of(request: Request, *, trusting: bool) -> str:
    """The address of the service without a slash at its end, "" where the headers name no host."""
    # werkzeug's own `host` refuses names with an underscore, which machines in a container network have.
    host, scheme, prefix = request.headers.get("Host") or request.host, request.scheme, ""
    if trusting:
        told = {name: _first(request, name) for name in ("Proto", "Host", "Prefix")}
        host = told["Host"] or host
        scheme = told["Proto"] if told["Proto"] in ("http", "https") else scheme
        prefix = told["Prefix"].rstrip("/")
    if not (_HOST.fullmatch(host) and _PREFIX.fullmatch(prefix)):
        return ""
    return f"{scheme}://{host}{prefix}"


def check_base(base: str) -> str:
    """The same address. InputError where the request named no host that an address could hold."""
    if not base:
        raise InputError("Host", "names no host; absolute addresses are made of it")
    return base


def _first(request: Request, name: str) -> str:
    """What the proxy nearest to the caller said: each proxy adds itself at the end."""
    return request.headers.get(f"X-Forwarded-{name}", "").partition(",")[0].strip()

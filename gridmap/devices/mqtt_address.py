"""The address of an MQTT broker, as people write it: mqtt://user:password@host:1883/prefix?version=5."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from gridmap.errors import InputError

PREFIX: Final = "gridmap/devices"
"""How topics begin where the address says nothing else."""

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_VERSIONS: Final = ("5", "3.1.1")
_OPTIONS: Final = ("version", "client", "share", "ca")
_FORM: Final = "write mqtt://USER:PASSWORD@HOST:PORT/PREFIX, or mqtts:// for TLS"


class MqttAddress(NamedTuple):
    """Where a broker is, and how it is spoken to."""

    host: str
    port: int
    prefix: str
    user: str | None
    password: str | None
    tls: bool
    version: str
    client: str | None
    """The client id, by which the broker keeps what came while we were away."""
    share: str | None
    """The group of workers that share the messages (version 5)."""
    ca: str | None
    """The file of certificates that are trusted; None: those of the system."""

    @property
    def shown(self) -> str:
        """The address as messages may show it, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}/{self.prefix}"


def parse_mqtt(url: str) -> MqttAddress:
    """The parts of an address. InputError: it is none; what was given is not repeated, it has a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise InputError("mqtt", f"this is no address of a broker; {_FORM}") from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.fragment:
        raise InputError("mqtt", f"this is no address of a broker; {_FORM}")
    unknown = [name for name in options if name not in _OPTIONS]
    if unknown:
        raise InputError("mqtt", f"{unknown[0][:40]!r} is no option here; known are {', '.join(_OPTIONS)}")
    version = options.get("version", "5")
    if version not in _VERSIONS:
        raise InputError("mqtt", f"version is one of {', '.join(_VERSIONS)}, not {version[:20]!r}")
    prefix = unquote(parts.path).strip("/") or PREFIX
    share = options.get("share") or None
    for name, text in (("the prefix", prefix), ("share", share or "")):
        if any(letter in text for letter in "+#\0") or text.startswith("$"):
            raise InputError("mqtt", f"{name} has + or # in it, or begins with $; take another")
    if share is not None and ("/" in share or version != "5"):
        raise InputError("mqtt", "share is one word, and needs version 5")
    return MqttAddress(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        prefix=prefix,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=parts.scheme == "mqtts",
        version=version,
        client=options.get("client") or None,
        share=share,
        ca=options.get("ca") or None,
    )

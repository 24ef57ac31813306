"""Thrift's compact protocol, both ways: the bytes of a Parquet footer as a tree that can be changed.

A struct is a dict from field number to (type, value), so fields that this module has never heard of survive.
Only what Parquet uses is here: no maps, no UUIDs. Source: "Thrift compact protocol encoding", Apache Thrift,
doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

TRUE: Final = 1
FALSE: Final = 2
BYTE: Final = 3
I16: Final = 4
I32: Final = 5
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
SET: Final = 10
STRUCT: Final = 12

Struct: TypeAlias = dict[int, tuple[int, Any]]
"""Field number -> (type, value). A list's value is (type of the items, items); of a boolean, either type."""

SHORT_LIST: Final = 15
"""Items from which on the length of a list does not fit beside its type."""


class ThriftError(ValueError):
    """Bytes that are no struct in the compact protocol."""


def read_struct(data: bytes) -> Struct:
    """Read one struct from the beginning of some bytes. ThriftError: they are none."""
    try:
        return _Reader(data).struct()
    except IndexError as error:
        raise ThriftError("ends in the middle") from error


def write_struct(struct: Struct) -> bytes:
    """Write a struct, its fields in the order of their numbers."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        out: Struct = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else self._signed()
            out[number] = kind, self._value(kind)
        return out

    def _value(self, kind: int) -> Any:
        if kind in (I16, I32, I64):
            return self._signed()
        if kind == BINARY:
            return self._bytes(self._unsigned())
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            return self._list()
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return self._bytes(8)
        raise ThriftError(f"type {kind} at byte {self._at} is unknown")

    def _list(self) -> tuple[int, list[Any]]:
        head = self._byte()
        kind, length = head & 15, head >> 4
        if length == SHORT_LIST:
            length = self._unsigned()
        if length > len(self._data):
            raise ThriftError(f"a list of {length} items at byte {self._at} is longer than all")
        if kind in (TRUE, FALSE):  # here a boolean has a byte of its own
            return kind, [self._byte() == TRUE for _ in range(length)]
        return kind, [self._value(kind) for _ in range(length)]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        begin = self._at
        self._at += length
        if self._at > len(self._data):
            raise ThriftError("ends in the middle")
        return self._data[begin : self._at]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            octet = self._byte()
            value |= (octet & 127) << shift
            if octet < 128:
                return value
            shift += 7

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number in sorted(struct):
        kind, value = struct[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        if 0 < number - last < 16:
            out.append((number - last) << 4 | kind)
        else:
            out.append(kind)
            _write_signed(out, number)
        _write_value(out, kind, value)
        last = number
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (I16, I32, I64):
        _write_signed(out, value)
    elif kind == BINARY:
        _write_unsigned(out, len(value))
        out += value
    elif kind == STRUCT:
        _write_struct(out, value)
    elif kind in (LIST, SET):
        _write_list(out, *value)
    elif kind == BYTE:
        out.append(value)
    elif kind == DOUBLE:
        out += value


def _write_list(out: bytearray, kind: int, items: list[Any]) -> None:
    if len(items) < SHORT_LIST:
        out.append(len(items) << 4 | kind)
    else:
        out.append(SHORT_LIST << 4 | kind)
        _write_unsigned(out, len(items))
    for item in items:
        if kind in (TRUE, FALSE):
            out.append(TRUE if item else FALSE)
        else:
            _write_value(out, kind, item)


def _write_unsigned(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _write_signed(out: bytearray, value: int) -> None:
    _write_unsigned(out, value << 1 if value >= 0 else (-value << 1) - 1)

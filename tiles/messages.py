"""What features say, as bytes of the Mapbox Vector Tile specification: values, keys, the head of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tiles.kernels.parts import Attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.types import Int32Array, Int64Array, UInt8Array

SHORT: Final = 123
"""Bytes of a text up to which the two lengths in front of it take a byte each."""


class Messages(NamedTuple):
    """Messages one behind the other: number i is data[places[i]:places[i + 1]]."""

    places: Int64Array
    data: UInt8Array


def varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits a byte, the lowest first."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def delimited(tag: int, content: bytes) -> bytes:
    """A field whose content has a length."""
    return bytes([tag]) + varint(len(content)) + content


def value(said: str | int) -> bytes:
    """A value of a layer: a text, or a whole number."""
    if isinstance(said, str):
        inner = delimited(0x0A, said.encode())
    else:
        inner = b"\x28" + varint(said) if said >= 0 else b"\x30" + varint(-2 * said - 1)
    return delimited(0x22, inner)


def values(said: Iterable[str | int]) -> Messages:
    """Values, one behind the other."""
    each = list(said)
    encoded = [one.encode() if isinstance(one, str) else b"" for one in each]
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    if sizes.max(initial=0) > SHORT or not all(isinstance(one, str) for one in each):
        return _joined([value(one) for one in each])
    return _prefixed(sizes, _array(b"".join(encoded)))


def texts(words: Any) -> Messages:
    """The values of an Arrow array of texts, put together without a Python object for each."""
    _, offsets, data = words.buffers()
    places = np.frombuffer(offsets, np.int32)[words.offset : words.offset + len(words) + 1]
    sizes = np.diff(places).astype(np.int64)
    if sizes.max(initial=0) > SHORT or words.null_count:
        return values(word or "" for word in words.to_pylist())
    letters = np.frombuffer(data, np.uint8)[places[0] : places[-1]] if data else np.empty(0, np.uint8)
    return _prefixed(sizes, letters)


def _prefixed(sizes: Int64Array, letters: UInt8Array) -> Messages:
    """Values of short texts that stand one behind the other, put together all at once."""
    places = np.concatenate([[0], np.cumsum(sizes + 4)]).astype(np.int64)
    out = np.empty(int(places[-1]), np.uint8)
    begins = places[:-1]
    out[begins], out[begins + 1], out[begins + 2], out[begins + 3] = 0x22, sizes + 2, 0x0A, sizes
    before = np.cumsum(sizes) - sizes
    out[np.arange(len(letters)) + np.repeat(begins + 4 - before, sizes)] = letters
    return Messages(places, out)


def side_by_side(columns: Sequence[Messages], rows: int) -> Messages:
    """Messages of several columns as one for each row: what a row says in all of them."""
    if len(columns) == 1:
        return columns[0]
    if not columns:
        return Messages(np.zeros(rows + 1, np.int64), np.empty(0, np.uint8))
    sizes = np.stack([np.diff(column.places) for column in columns], axis=1)
    places = np.concatenate([[0], np.cumsum(sizes.ravel())])
    out = np.empty(int(places[-1]), np.uint8)
    begins = places[:-1].reshape(-1, len(columns))
    for number, column in enumerate(columns):
        shift = np.repeat(begins[:, number] - column.places[:-1], sizes[:, number])
        out[np.arange(len(column.data)) + shift] = column.data
    return Messages(np.append(begins[:, 0], places[-1]), out)


def numbered(said: Sequence[Iterable[str | int]]) -> tuple[Int32Array, Messages]:
    """Columns of values of which many are alike: their numbers (rows times columns), and each value once."""
    numbers: dict[str | int, int] = {}
    columns = [[numbers.setdefault(each, len(numbers)) for each in column] for column in said]
    words = [each for each in numbers if isinstance(each, str)]
    counts = [each for each in numbers if not isinstance(each, str)]
    places = {each: place for place, each in enumerate((*words, *counts))}
    moved = np.array([places[each] for each in numbers], np.int32)
    one, other = values(words), values(counts)
    both = np.concatenate([one.places, one.places[-1] + other.places[1:]])
    found = np.array(columns, np.int32).T
    return moved[found] if len(moved) else found, Messages(both, np.concatenate([one.data, other.data]))


def attributes(
    layer: str,
    keys: Sequence[str],
    extent: int,
    ids: Int64Array,
    own: Sequence[Messages],
    shared: tuple[Int32Array, Messages],
) -> Attributes:
    """What the features of a layer say, by row: ids, values of their own, and values that others say too.

    `keys` names the columns of `own` and then those of `shared`.
    """
    said, known = shared
    return Attributes(
        np.ascontiguousarray(ids, np.int64),
        np.array([len(own)], np.int64),
        *side_by_side(own, len(ids)),
        np.ascontiguousarray(said, np.int32).ravel(),
        *known,
        _array(b"\x78\x02" + delimited(0x0A, layer.encode())),
        _array(b"".join(delimited(0x1A, key.encode()) for key in keys) + b"\x28" + varint(extent)),
    )


def _joined(messages: Sequence[bytes]) -> Messages:
    places = np.zeros(len(messages) + 1, np.int64)
    np.cumsum([len(message) for message in messages], out=places[1:])
    return Messages(places, _array(b"".join(messages)))


def _array(content: bytes) -> UInt8Array:
    return np.frombuffer(content, np.uint8).copy()

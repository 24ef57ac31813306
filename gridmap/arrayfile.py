"""Arrays in a file that is mapped, not read: how everything that can be built again is kept.

Layout, all little-endian:

    magic        16 bytes  the word of its kind, filled up with zeros
    format       u32
    header size  u32       bytes of the header
    checksum     32 bytes  SHA-256 of the header
    header       JSON      facts, and for each array its name, type, shape, offset and SHA-256
    arrays       raw       each beginning at a multiple of 4,096, or of 64 when there are many

Opening looks at magic, format, header checksum and sizes: milliseconds, whatever the size. `verify_arrays`
reads all. The same arrays give the same bytes. What is damaged is removed and built again, so that
is what errors say.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from gridmap.durable import make_folder, part_file, settle
from gridmap.errors import DamageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gridmap.types import AnyArray

_HEAD: Final = struct.Struct("<16sII32s")


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name in messages, its magic word, its format, and how its arrays are aligned."""

    name: str
    magic: bytes
    format: int
    page: int = 4_096


def save_arrays(path: Path, kind: Kind, facts: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays and facts (JSON) durably: whole or not at all."""
    offset, sections = 0, []
    for name, array in arrays.items():
        digest = hashlib.sha256(array.data if array.size else b"").hexdigest()
        sections.append([name, array.dtype.str, list(array.shape), offset, digest])
        offset += array.nbytes + -array.nbytes % kind.page
    header = json.dumps({**facts, "arrays": sections}, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + _HEAD.size) % kind.page)
    make_folder(path.parent)
    with part_file(path.parent) as (file, part):
        magic = kind.magic.ljust(16, b"\0")
        file.write(_HEAD.pack(magic, kind.format, len(header), hashlib.sha256(header).digest()) + header)
        for array in arrays.values():
            file.write(array.data if array.size else b"")
            file.write(b"\0" * (-array.nbytes % kind.page))
        settle(file, part, path)


def open_arrays(
    path: Path, kind: Kind, mode: Literal["r", "c"] = "r"
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Map a file: its facts, and its arrays by name; in mode "c" they look writable and are copied on write.

    Raises FileNotFoundError; DamageError for a file of another kind or format, cut short, or whose header is
    damaged.
    """
    header, begin = _header(path, kind)
    try:
        sections = [(name, str(dtype), shape, at) for name, dtype, shape, at, _ in header.pop("arrays")]
        size = max((begin + at + _bytes(dtype, shape) for _, dtype, shape, at in sections), default=0)
        if path.stat().st_size < size:
            raise DamageError(f"{path}: is cut short: remove it, it is built anew")
        blob = np.memmap(path, np.uint8, mode)
        arrays = {
            name: np.frombuffer(blob, dtype, int(np.prod(shape)), begin + at).reshape(shape)
            for name, dtype, shape, at in sections
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{path}: its header does not fit together ({error}): remove it") from error
    return header, arrays


def verify_arrays(path: Path, kind: Kind) -> None:
    """Read every array of a file and compare it with its checksum. DamageError: which is damaged."""
    header, begin = _header(path, kind)
    blob = np.memmap(path, np.uint8, "r")
    for name, dtype, shape, at, digest in header["arrays"]:
        size = _bytes(dtype, shape)
        if hashlib.sha256(blob[begin + at : begin + at + size].data).hexdigest() != digest:
            raise DamageError(
                f"{path}: {name} is damaged: remove the file, it is built anew from the edition"
            )


def _header(path: Path, kind: Kind) -> tuple[dict[str, Any], int]:
    """The checked header of a file, and where its arrays begin."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(kind.magic.ljust(16, b"\0")):
            raise DamageError(f"{path}: is no {kind.name} of gridmap: the magic word is missing. Remove it.")
        _, version, size, digest = _HEAD.unpack(head)
        if version != kind.format:
            raise DamageError(f"{path}: has format {version}, this gridmap reads {kind.format}: remove it")
        header = file.read(size)
    if len(header) < size or hashlib.sha256(header).digest() != digest:
        raise DamageError(f"{path}: its header is damaged: remove the file, it is built anew")
    found: dict[str, Any] = json.loads(header)
    return found, _HEAD.size + size


def _bytes(dtype: str, shape: Sequence[int]) -> int:
    return int(np.prod(shape)) * np.dtype(dtype).itemsize

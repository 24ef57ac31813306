"""Checks of whole columns: which values are good, and for the others a sentence each.

Arrow and NumPy look at a million values at once; only values that are refused are written out. A column of a
wrong type (a date, codes as numbers) is a mistake of the whole file, and raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.boundaries.fields import Field
    from gridmap.types import AnyArray, BoolArray, FloatArray

NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
LOST: Final = "\ufffd"
MOST_SHOWN: Final = 40
"""Characters of a refused value that a reason repeats."""


class Faults:
    """Why rows are refused, gathered column by column; a row may have several reasons."""

    def __init__(self, rows: int) -> None:
        self.bad: BoolArray = np.zeros(rows, np.bool_)
        self._reasons: list[tuple[AnyArray, Any]] = []

    def add(self, mask: BoolArray, field: str, values: Any, before: str, after: str) -> None:
        """Refuse the rows of a mask: `field: before value after`, or without the value when it is None."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = np.flatnonzero(mask)
        if not len(rows):
            return
        self.bad[rows] = True
        start = f"{field}: {before}"
        if values is None:
            reasons = pa.array([start + after]).take(pa.array(np.zeros(len(rows), np.int64)))
        else:
            said = pc.cast(values.take(pa.array(rows)), pa.string())
            said = pc.utf8_slice_codeunits(pc.fill_null(said, ""), 0, MOST_SHOWN)
            reasons = pc.binary_join_element_wise(pa.scalar(start), said, pa.scalar(after), "")
        self._reasons.append((rows, reasons))

    def reasons(self) -> tuple[AnyArray, Any]:
        """The refused rows in their order, and all reasons of each in one sentence."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = np.flatnonzero(self.bad)
        where = np.concatenate([these for these, _ in self._reasons])
        order = np.argsort(where, kind="stable")
        offsets = np.append(np.searchsorted(where[order], rows), len(where)).astype(np.int32)
        every = pa.chunked_array([reasons for _, reasons in self._reasons]).combine_chunks()
        return rows, pc.binary_join(pa.ListArray.from_arrays(offsets, every.take(pa.array(order))), "; ")


def texts(field: Field, values: Any, faults: Faults, where: str) -> Any:
    """A column as trimmed texts; defaults where it is empty. Codes that a file has as numbers are refused."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _plain(values)
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    if not _is_text(values.type):
        said = f"holds {values.type}, but {field.name} is a text (leading zeros count): write it as text"
        raise InputError(where, said)
    values = pc.utf8_trim_whitespace(values.cast(pa.string()))
    empty = pc.fill_null(pc.equal(values, ""), True)
    if field.required:
        faults.add(_mask(empty), field.name, None, "is empty", "")
    lost = _mask(pc.fill_null(pc.match_substring(values, LOST), False))
    faults.add(lost, field.name, values, "'", "' has characters that are lost: look at the file's encoding")
    if field.words:
        known = _mask(pc.is_in(values, value_set=pa.array(field.words)))
        said = f"' is none of {', '.join(field.words)}"
        faults.add(~known & ~_mask(empty) & ~lost, field.name, values, "'", said)
    return pc.if_else(empty, pa.scalar(field.default, pa.string()), values)


def numbers(field: Field, values: Any, faults: Faults, where: str) -> FloatArray:
    """A column as float64, defaults where it is empty; what is refused is 0."""
    import pyarrow.compute as pc

    values = _plain(values)
    found = _floats(field, values, where)
    missing = _mask(pc.is_null(values))
    out = np.array(found, np.float64)
    no_number = ~np.isfinite(out) & ~missing
    out[no_number | missing] = 0.0
    whole = out == np.rint(out) if field.form == "whole" else np.ones(len(out), np.bool_)
    inside = (out >= field.low) & (out <= field.high)
    given = ~missing & ~no_number
    word = "whole number" if field.form == "whole" else "number"
    faults.add(no_number, field.name, values, "'", f"' is no {word}")
    faults.add(given & ~whole, field.name, values, "'", f"' is no {word}")
    faults.add(
        given & whole & ~inside, field.name, values, "'", f"' is not from {field.low:g} to {field.high:g}"
    )
    if field.required:
        faults.add(missing, field.name, None, "is empty", "")
    else:
        out[missing] = field.default
    out[given & ~(whole & inside)] = 0.0
    return out


def _floats(field: Field, values: Any, where: str) -> FloatArray:
    """The numbers of a column, NaN where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if _is_text(kind):
        trimmed = pc.utf8_trim_whitespace(values.cast(pa.string()))
        try:
            found = pc.cast(trimmed, pa.float64())
        except pa.ArrowInvalid:
            fits = pc.match_substring_regex(trimmed, NUMBER)
            found = pc.cast(pc.if_else(fits, trimmed, pa.scalar(None, pa.string())), pa.float64())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        found = pc.cast(values, pa.float64(), safe=False)
    elif pa.types.is_null(kind):
        found = values.cast(pa.float64())
    else:
        raise InputError(where, f"holds {kind}, but {field.name} is a number: write it as one")
    return np.asarray(found.to_numpy(zero_copy_only=False), np.float64)


def _plain(values: Any) -> Any:
    """The values without a dictionary, with empty texts as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _is_text(values.type):
        blank = pc.equal(pc.utf8_trim_whitespace(values), "")
        values = pc.if_else(pc.fill_null(blank, True), pa.scalar(None, values.type), values)
    return values


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _mask(values: Any) -> BoolArray:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.bool_)

"""Columns of numbers from outside: what is taken, what is refused, and with which words."""

import math
import sys

import numpy as np
import pytest

from gridmap.columns import check_within, column, pair
from gridmap.errors import InputError


@pytest.mark.parametrize(
    "values", [[1, 2.5], (1, 2.5), np.array([1, 2.5], dtype=np.float32), np.array([1, 2.5])]
)
def test_numbers_are_taken_as_float64(values: list[float]) -> None:
    found = column("xs", values)
    assert found.dtype == np.float64
    assert found.tolist() == [1, 2.5]


def test_nothing_is_copied_without_need() -> None:
    values = np.array([1.0, 2.0])
    assert column("xs", values) is values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1"], "values of type <U1"),
        ([None], "values of type object"),
        ([True], "values of type bool"),
        ([1j], "values of type complex128"),
        (np.array(["2026-05-01"], dtype="M8[D]"), "values of type datetime64"),
        (1.0, r"shape \(\)"),
        ([[1.0]], r"shape \(1, 1\)"),
        ([[1.0], [1.0, 2.0]], "different lengths"),
        (np.ma.masked_equal([1.0, 2.0], 2.0), "masked"),
    ],
)
def test_other_things_are_refused_by_name(values: list[float], words: str) -> None:
    with pytest.raises(InputError, match=f"^xs: .*{words}") as refusal:
        column("xs", values)
    assert refusal.value.name == "xs"


def test_a_masked_array_without_a_masked_value_is_a_column() -> None:
    assert column("xs", np.ma.masked_equal([1.0, 2.0], 3.0)).tolist() == [1, 2]


def test_pairs_have_one_length() -> None:
    with pytest.raises(InputError, match=r"^lats: 3 values beside 2 lons: give pairs"):
        pair(("lons", "lats"), [1, 2], [1, 2, 3])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2.0000001, -3])
def test_the_first_value_out_of_range_is_told(bad: float) -> None:
    with pytest.raises(InputError, match=r"^xs: number 1 \(counted from 0\) is .*: too far\.$"):
        check_within("xs", np.array([2, bad, math.nan, -2]), 2, "too far")


def test_the_limits_are_within() -> None:
    check_within("xs", np.array([2.0, -2.0]), 2, "too far")
    check_within("xs", np.array([sys.float_info.max]), sys.float_info.max, "no finite number")
    check_within("xs", np.array([]), 2, "too far")

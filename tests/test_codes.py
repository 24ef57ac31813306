"""Area codes: the national rule holds for every real code, no number is used twice, rows are read as rows."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.codes import NATIONAL, NUMBERS, OPAQUE, RULES, CodeRule, number_first, rule_for
from gridmap.errors import InputError

REAL_CODES = Path(__file__).parents[1] / "data" / "chongqing" / "chongqing_divisions.csv"
COMMUNITY = "500106006001"
GRID = "500106006001015"


@pytest.fixture(scope="module")
def real_rows() -> list[dict[str, str]]:
    with REAL_CODES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_real_code_keeps_the_rule(real_rows: list[dict[str, str]]) -> None:
    assert len(real_rows) == 38 + 1_031 + 11_270
    for row in real_rows:
        parent = None if row["level"] == "district" else row["parent"]
        assert NATIONAL.level_of(row["code"]) == row["level"]
        assert NATIONAL.parent_of(row["code"]) == parent
        assert NATIONAL.problem(row["code"], row["level"], parent) is None


def test_the_kinds_are_those_that_the_real_names_say(real_rows: list[dict[str, str]]) -> None:
    ending = {
        "街道": "street",
        "镇": "town",
        "乡": "township",
        "居民委员会": "residents",
        "村民委员会": "villagers",
    }
    ending["工作站"] = "residents"  # 化龙桥社区工作站, the one odd name
    for row in real_rows:
        if row["level"] != "district":
            kind = next(kind for tail, kind in ending.items() if row["name"].endswith(tail))
            assert NATIONAL.kind_of(row["code"]) == kind, row
    counts = Counter(NATIONAL.kind_of(row["code"]) for row in real_rows)
    assert counts == {
        "district": 38,
        "street": 245,
        "town": 625,
        "township": 161,
        "residents": 3_324,
        "villagers": 7_946,
    }


def test_real_codes_choose_the_national_rule(real_rows: list[dict[str, str]]) -> None:
    levels: dict[str, list[str]] = {}
    for row in real_rows:
        levels.setdefault(row["level"], []).append(row["code"])
    assert rule_for(levels) is NATIONAL
    assert rule_for(levels | {"grid": [f"A-{n}" for n in range(2_000)]}) is OPAQUE


@pytest.mark.parametrize(
    ("code", "level", "parent", "kind"),
    [
        ("500106", "district", None, "district"),
        ("500106001", "town", "500106", "street"),
        ("500106099", "town", "500106", "street"),
        ("500106100", "town", "500106", "town"),
        ("500106199", "town", "500106", "town"),
        ("500106200", "town", "500106", "township"),
        ("500106399", "town", "500106", "township"),
        ("500106400", "town", "500106", "special"),
        ("500106599", "town", "500106", "special"),
        ("500106600", "town", "500106", "other"),
        ("500106000", "town", "500106", None),
        ("500106006199", "community", "500106006", "residents"),
        ("500106006200", "community", "500106006", "villagers"),
        ("500106006399", "community", "500106006", "villagers"),
        ("500106006498", "community", "500106006", "other"),
        ("500106006001001", "grid", COMMUNITY, "basic"),
        ("500106006001899", "grid", COMMUNITY, "basic"),
        ("500106006001900", "grid", COMMUNITY, None),
        ("500106006001901", "grid", COMMUNITY, "exclusive"),
        ("500106006001999", "grid", COMMUNITY, "exclusive"),
        ("5001060060010155", None, None, None),
        ("50010", None, None, None),
        ("50010A", None, None, None),
        ("５００１０６", None, None, None),
        ("", None, None, None),
    ],
)
def test_what_a_code_says(code: str, level: str | None, parent: str | None, kind: str | None) -> None:
    assert NATIONAL.level_of(code) == level
    assert NATIONAL.parent_of(code) == parent
    assert NATIONAL.kind_of(code) == kind


@pytest.mark.parametrize(
    ("code", "level", "parent", "words"),
    [
        ("A-7", "grid", None, "no national code"),
        (COMMUNITY, "grid", "500106006", "digits of a community but stands among the areas of level grid"),
        ("500106006001000", "grid", COMMUNITY, "a number that no kind of grid has"),
        (GRID, "grid", "500106006002", "lies below 500106006002 but its code names 500106006001"),
        (COMMUNITY, "community", "500107006", "lies below 500107006"),
        (GRID, "grid", None, "has no parent"),
        ("500106", "district", "50", "at the top but has the parent 50"),
    ],
)
def test_a_broken_rule_is_told(code: str, level: str, parent: str | None, words: str) -> None:
    assert words in (NATIONAL.problem(code, level, parent) or "")


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("500106", "district", None),
        (GRID, "grid", COMMUNITY),
        ("500106108", "town", "500190"),
        ("500106401", "town", "500106"),
    ],
)
def test_what_is_right_has_no_problem(code: str, level: str, parent: str | None) -> None:
    """Among them 曾家镇 500106108, which is run by another district."""
    assert NATIONAL.problem(code, level, parent) is None


def test_swapped_codes_of_two_communities_are_both_told() -> None:
    assert NATIONAL.problem("500106006001001", "grid", "500106006002")
    assert NATIONAL.problem("500106006002001", "grid", "500106006001")


def test_the_rule_of_no_codes_is_opaque() -> None:
    assert rule_for({}) is OPAQUE
    assert rule_for({"grid": []}) is OPAQUE
    assert rule_for({"grid": [GRID], "tract": ["500106"]}) is OPAQUE
    assert rule_for({"grid": [GRID], "district": ["500106"]}) is NATIONAL


def test_one_wrong_number_does_not_switch_the_rule_off() -> None:
    assert rule_for({"grid": [GRID, "500106006001000"]}) is NATIONAL


def test_a_few_mistyped_codes_do_not_switch_the_rule_off() -> None:
    codes = [f"500106006001{number:03}" for number in range(1, 19)]
    assert rule_for({"grid": [*codes, "50010600600199"]}) is NATIONAL
    assert rule_for({"grid": [*codes, "1", "2", "3"]}) is OPAQUE


def test_rules_are_found_by_name() -> None:
    assert {"national": NATIONAL, "opaque": OPAQUE} == RULES


@settings(deadline=None)
@given(st.text())
def test_opaque_codes_mean_nothing(code: str) -> None:
    rule: CodeRule = OPAQUE
    assert rule.level_of(code) is rule.parent_of(code) is rule.kind_of(code) is None
    assert (rule.problem(code, "grid", None) is None) == bool(code)


KINDS = [(level, kind) for level, kinds in NUMBERS.items() for kind in kinds]
PARENT_OF_LEVEL = {"town": "500106", "community": "500106006", "grid": COMMUNITY}


@pytest.mark.parametrize(("level", "kind"), KINDS)
def test_numbers_grow_until_the_range_is_full_and_never_come_back(level: str, kind: str) -> None:
    parent = PARENT_OF_LEVEL[level]
    low, high = NUMBERS[level][kind]
    ever: list[str] = []
    for number in range(low, high + 1):
        code = NATIONAL.next_code(parent, kind, ever)
        assert code == f"{parent}{number:03}"
        assert NATIONAL.kind_of(code) == kind
        assert NATIONAL.problem(code, level, parent) is None
        ever = [*ever, code][-3:]  # the older ones are below the largest anyway
    with pytest.raises(InputError, match=f"all {kind} numbers below {parent} .* have been used"):
        NATIONAL.next_code(parent, kind, ever)


@settings(deadline=None)
@given(st.sets(st.integers(1, 999), max_size=40), st.sampled_from(["basic", "exclusive"]), st.randoms())
def test_the_next_number_is_the_largest_of_its_kind_plus_one(
    numbers: set[int], kind: str, chance: object
) -> None:
    low, high = NUMBERS["grid"][kind]
    noise = ["500106006002" + "897", "500106006001", "500106", COMMUNITY + "0897", "x"]
    taken = [f"{COMMUNITY}{number:03}" for number in numbers] + noise
    chance.shuffle(taken)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    mine = [number for number in numbers if low <= number <= high]
    if mine and max(mine) == high:
        with pytest.raises(InputError, match="none is used twice"):
            NATIONAL.next_code(COMMUNITY, kind, iter(taken))
    else:
        expected = max(mine) + 1 if mine else low
        assert NATIONAL.next_code(COMMUNITY, kind, iter(taken)) == f"{COMMUNITY}{expected:03}"


@pytest.mark.parametrize(
    ("parent", "kind", "name"),
    [
        (GRID, "basic", "parent"),
        ("A", "basic", "parent"),
        (COMMUNITY, "street", "kind"),
        ("50", "district", "parent"),
    ],
)
def test_nothing_is_numbered_where_it_cannot_be(parent: str, kind: str, name: str) -> None:
    with pytest.raises(InputError) as refusal:
        NATIONAL.next_code(parent, kind, [])
    assert refusal.value.name == name


def test_opaque_numbers_grow_too() -> None:
    assert OPAQUE.next_code("A", "any", []) == "A-1"
    assert OPAQUE.next_code("A", "any", ["A-9", "A-10", "A-x", "A-", "B-77", "A"]) == "A-11"


def slow_numbers(xs: list[int], ys: list[int]) -> list[int]:
    """Reading order of one group, the obvious way, in whole numbers."""
    box, left, number, numbers = (
        (max(xs) - min(xs)) * (max(ys) - min(ys)),
        set(range(len(xs))),
        0,
        [0] * len(xs),
    )
    while left:
        top = max(ys[i] for i in left)
        row = {i for i in left if 16 * (top - ys[i]) ** 2 * len(xs) <= 9 * box}
        for i in sorted(row, key=lambda i: (xs[i], -ys[i], i)):
            number += 1
            numbers[i] = number
        left -= row
    return numbers


POINTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 3)), max_size=60)


@settings(deadline=None)
@given(POINTS)
def test_the_first_numbering_is_the_obvious_one(points: list[tuple[int, int, int]]) -> None:
    xs, ys, groups = ([point[i] for point in points] for i in range(3))
    found = number_first(xs, ys, groups)
    assert found.dtype == np.int32
    for group in set(groups):
        members = [i for i, other in enumerate(groups) if other == group]
        assert found[members].tolist() == slow_numbers([xs[i] for i in members], [ys[i] for i in members])


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.randoms())
def test_a_raster_is_read_row_by_row(rows: int, columns: int, chance: object) -> None:
    places = [(row, column) for row in range(rows) for column in range(columns)]
    chance.shuffle(places)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    lats = [29.5 - row * 0.0013 for row, _ in places]
    lons = [106.5 + column * 0.0017 for _, column in places]
    expected = [row * columns + column + 1 for row, column in places]
    assert number_first(lons, lats, ["community"] * len(places)).tolist() == expected


def test_degrees_and_lattice_units_give_the_same_numbers() -> None:
    chance = np.random.default_rng(3)
    xs, ys = chance.integers(1_050_000_000, 1_060_000_000, (2, 5_000))
    groups = chance.integers(0, 300, 5_000)
    assert np.array_equal(number_first(xs, ys, groups), number_first(xs / 1e7, ys / 1e7, groups.astype(str)))


def test_a_city_is_numbered_from_one_without_gaps() -> None:
    chance = np.random.default_rng(5)
    lons, lats, groups = (
        chance.uniform(105, 110, 65_000),
        chance.uniform(28, 32, 65_000),
        chance.integers(0, 11_270, 65_000),
    )
    numbers = number_first(lons, lats, groups)
    by_group: dict[int, list[int]] = {}
    for group, number in zip(groups.tolist(), numbers.tolist(), strict=True):
        by_group.setdefault(group, []).append(number)
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in by_group.values())


def test_no_points_need_no_numbers_and_uneven_columns_are_refused() -> None:
    assert number_first([], [], []).size == 0
    with pytest.raises(InputError, match="three of one length"):
        number_first([1, 2], [1, 2], [1])

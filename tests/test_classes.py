"""Classes of a choropleth: every number in one class, cut where `mapclassify` cuts."""

from __future__ import annotations

import subprocess
import sys
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mapclassify
import numpy as np
import pytest
from checked import Checked
from hypothesis import given, settings
from hypothesis import strategies as st
from reported import reporting
from test_values import inventory
from webtown import GRID, TOWN, Held, make_twin

from gridmap.classes import ALL_LOOKED_AT, METHODS, MOST_CLASSES, Class, Classifier, classify, looked_at
from tiles.web import gate

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.types import Int64Array

THEIRS = {
    "natural_breaks": mapclassify.FisherJenks,
    "quantiles": mapclassify.Quantiles,
    "equal_interval": mapclassify.EqualInterval,
    "maximum_breaks": mapclassify.MaximumBreaks,
}


def theirs(units: Int64Array, method: str, k: int) -> list[int]:
    """How many numbers mapclassify puts into each class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        counts: list[int] = THEIRS[method](units.astype(np.float64), k=k).counts.tolist()
    return counts


def check(units: Int64Array, classes: tuple[Class, ...], k: int) -> None:
    """What must hold whatever the method is."""
    assert 1 <= len(classes) <= k
    assert (classes[0].begin, classes[-1].end) == (units.min(), units.max())
    assert sum(each.count for each in classes) == len(units)
    for each, following in pairwise(classes):
        assert each.end == following.begin
    for number, each in enumerate(classes):
        is_last = number == len(classes) - 1
        assert is_last or each.begin < each.end
        below = units <= each.end if is_last else units < each.end
        assert each.count == int(((units >= each.begin) & below).sum())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", range(2, MOST_CLASSES + 1))
@pytest.mark.parametrize("seed", range(4))
def test_classes_are_those_of_mapclassify(method: str, k: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    made = [chance.normal(200, 60, 800), chance.lognormal(8, 1.5, 500), chance.uniform(0, 1e7, 300)]
    units = np.abs(made[seed % 3]).astype(np.int64)
    found = classify(units, method, k)
    check(units, found, k)
    assert [each.count for each in found if each.count] == [each for each in theirs(units, method, k) if each]


@given(
    st.lists(st.one_of(st.integers(0, 12), st.integers(0, 10**9)), min_size=1, max_size=60),
    st.sampled_from(METHODS),
    st.integers(2, MOST_CLASSES),
)
@settings(deadline=None)
def test_every_number_is_in_one_class(numbers: list[int], method: str, k: int) -> None:
    units = np.array(numbers, np.int64)
    found = classify(units, method, k)
    check(units, found, k)
    assert classify(units[::-1].copy(), method, k) == found
    if len(set(numbers)) == 1:
        assert found == (Class(numbers[0], numbers[0], len(numbers)),)


def test_natural_breaks_are_the_best_there_are() -> None:
    """Against every way to cut: the least sum of squares within the classes."""
    chance = np.random.default_rng(5)
    for _ in range(10):
        units = np.sort(chance.integers(0, 1000, 14))
        found = classify(units, "natural_breaks", 3)
        cuts = np.cumsum([each.count for each in found])[:-1]
        least = min(scatter(units, (a, b)) for a in range(1, 13) for b in range(a + 1, 14))
        assert scatter(units, cuts) == pytest.approx(least, rel=1e-6)


def scatter(units: Int64Array, cuts: Any) -> float:
    return sum(float(((part - part.mean()) ** 2).sum()) for part in np.split(units, cuts))


def test_nothing_has_no_classes() -> None:
    assert classify(np.zeros(0, np.int64), "quantiles", 5) == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_large_city_is_cut_alike_each_time(method: str) -> None:
    chance = np.random.default_rng(1)
    units = chance.lognormal(9, 1, 20_000).astype(np.int64)
    found = classify(units, method, 7)
    check(units, found, 7)
    assert classify(chance.permutation(units), method, 7) == found


def test_of_many_numbers_the_few_others_are_looked_at_too() -> None:
    values = np.concatenate([np.zeros(50_000), [5.0, 7.0, 9.0]])
    some = looked_at(values, 4)
    assert set(some.tolist()) == {0.0, 5.0, 7.0, 9.0}
    assert len(looked_at(np.arange(1e5), 6)) == ALL_LOOKED_AT
    units = values.astype(np.int64)
    assert [each.count for each in classify(units, "natural_breaks", 4)] == [50_000, 1, 1, 1]


def test_the_same_numbers_are_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def count(units: Int64Array, _method: str, k: int) -> tuple[Class, ...]:
        asked.append(k)
        return (Class(0, 0, len(units)),)

    monkeypatch.setattr("gridmap.classes.classify", count)
    kept = Classifier(2)
    one, two, three = (np.arange(size) for size in (5, 6, 7))
    for units in (one, one, two, one.copy(), two):
        kept.classes(units, "quantiles", 3)
    assert len(asked) == 2
    kept.classes(three, "quantiles", 3)
    kept.classes(two, "quantiles", 3)
    assert len(asked) == 3
    kept.classes(one, "quantiles", 3)
    kept.classes(one, "quantiles", 4)
    assert len(asked) == 5


# --- over HTTP


@pytest.fixture(name="web", scope="module")
def _web() -> Checked:
    return Checked(make_twin(source=Held(inventory())))


@pytest.mark.parametrize("metric", ["households", "people", "buildings", "devices", "area_m2"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("query", ["", f"area={TOWN}"])
def test_they_are_of_the_numbers_of_values(web: Checked, metric: str, method: str, query: str) -> None:
    values = web.json(f"/values/grid/{metric}?{query}")
    said = web.json(f"/classes/grid/{metric}?method={method}&k=4&{query}")
    assert {name: said[name] for name in ("layer", "metric", "edition", "seq", "method", "k")} == {
        **{name: values[name] for name in ("layer", "metric", "edition", "seq")},
        "method": method,
        "k": 4,
    }
    numbers = values["values"]
    assert said["total"] == len(numbers) == sum(each["count"] for each in said["classes"])
    assert said["zeros"] == numbers.count(0)
    for number, each in enumerate(said["classes"]):
        is_last = number == len(said["classes"]) - 1
        inside = [value for value in numbers if each["from"] <= value and (value < each["to"] or is_last)]
        assert len(inside) == each["count"]
    assert (said["classes"][0]["from"], said["classes"][-1]["to"]) == (min(numbers), max(numbers))


def test_without_a_word_there_are_six_natural_breaks(web: Checked) -> None:
    said = web.json("/classes/grid/people")
    assert (said["method"], said["k"], len(said["classes"])) == ("natural_breaks", 6, 6)
    assert said == web.json("/classes/grid/people?method=natural_breaks&k=6")


def test_of_a_single_area_there_is_one_class(web: Checked) -> None:
    said = web.json(f"/classes/grid/people?area={GRID}")
    assert len(said["classes"]) == said["total"] == 1


def test_what_is_open_counts_up_to_a_number_of_the_log(tmp_path: Path) -> None:
    with reporting(tmp_path) as web:
        before = web.json("/classes/grid/open_events")
        assert before["classes"] == [{"from": 0, "to": 0, "count": 9}]
        assert before["zeros"] == 9
        inside = make_twin().current.polygon(GRID).representative_point()
        web.report(
            {"id": "1", "source": "s", "class": "应急", "lon": inside.x, "lat": inside.y, "crs": "wgs84"}
        )
        web.settle()
        after = web.json("/classes/grid/open_events")
        assert after["classes"] == [{"from": 0, "to": 1, "count": 8}, {"from": 1, "to": 1, "count": 1}]
        assert after["seq"] > before["seq"]


def test_they_disclose_what_the_values_do(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas"})))
    web.ask("/classes/grid/area_m2")
    web.ask("/classes/grid/people", 403)
    web.ask("/classes/grid/devices", 403)


@pytest.mark.parametrize(
    ("address", "name"),
    [("people?method=best", "method"), ("people?k=1", "k"), ("people?k=13", "k"), ("people?area=1", "area")],
)
def test_nonsense_is_400(web: Checked, address: str, name: str) -> None:
    assert web.json(f"/classes/grid/{address}", 400)["parameter"] == name


def test_what_is_not_counted_is_404(web: Checked) -> None:
    assert "there are district, town" in web.json("/classes/road/people", 404)["detail"]
    assert "there are households, people" in web.json("/classes/grid/rain", 404)["detail"]


def test_the_server_does_not_load_it_at_the_start() -> None:
    heavy = "{'mapclassify', 'sklearn', 'networkx'}"
    code = f"import sys, tiles.web.server; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr

"""What features say: the same bytes from Python's texts and from Arrow's, read back by the reference."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from drawn import decoded, rung_of

from tiles.encoder import Drawn, Window
from tiles.messages import attributes, numbered, side_by_side, texts, values, varint

WORDS = ["", "a", "网格", "x" * 123, "第3网格 🏙"]


@pytest.mark.parametrize("words", [WORDS, [], ["y" * 124], ["z" * 20_000, "b"]])
def test_arrow_texts_give_the_bytes_of_plain_ones(words: list[str]) -> None:
    plain, fast = values(words), texts(pa.array(words, pa.string()))
    assert np.array_equal(plain.places, fast.places)
    assert np.array_equal(plain.data, fast.data)


def test_a_slice_of_arrow_texts_is_its_own_texts() -> None:
    plain, fast = values(WORDS[1:4]), texts(pa.array(WORDS, pa.string()).slice(1, 3))
    assert np.array_equal(plain.places, fast.places)
    assert np.array_equal(plain.data, fast.data)


def test_missing_texts_are_empty() -> None:
    assert np.array_equal(texts(pa.array(["a", None], pa.string())).data, values(["a", ""]).data)


def test_columns_side_by_side() -> None:
    one, two = values(["a", "bcd", ""]), values(["1", "2", "33"])
    both = side_by_side([one, two], 3)
    assert [bytes(both.data[a:b]) for a, b in zip(both.places, both.places[1:], strict=False)] == [
        bytes(one.data[one.places[i] : one.places[i + 1]])
        + bytes(two.data[two.places[i] : two.places[i + 1]])
        for i in range(3)
    ]


def test_values_that_are_alike_are_numbered_once() -> None:
    numbers, known = numbered([["a", "b", "a"], [1, 2, 1]])
    assert numbers.tolist() == [[0, 2], [1, 3], [0, 2]]
    assert len(known.places) == 5


@pytest.mark.parametrize(
    ("number", "written"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")]
)
def test_varints(number: int, written: bytes) -> None:
    assert varint(number) == written


def test_a_layer_says_every_kind_of_value_and_the_largest_id() -> None:
    count = 300
    shapes = [shapely.box(10 * i, 0, 10 * i + 8, 8) for i in range(count)]
    said = attributes(
        "things",
        ("code", "name", "kind", "height"),
        4096,
        np.arange(count) + (1 << 53) - count - 1,
        [values([f"c{i}" for i in range(count)]), values([f"名{i}" * (i % 50) for i in range(count)])],
        numbered([["x" if i % 3 else "y" for i in range(count)], [i % 200 - 9 for i in range(count)]]),
    )
    found = decoded(Drawn(rung_of(shapes), said).encode(Window(0, 0, 4096, 64)))["things"]
    assert len(found) == count
    for i, feature in enumerate(found):
        assert feature["id"] == i + (1 << 53) - count - 1
        assert feature["properties"] == {
            "code": f"c{i}",
            "name": f"名{i}" * (i % 50),
            "kind": "x" if i % 3 else "y",
            "height": i % 200 - 9,
        }


def test_a_tile_that_outgrows_the_scratch_is_made_again_with_more() -> None:
    count = 60_000
    shapes = [
        shapely.box(i % 400 * 10, i // 400 * 10, i % 400 * 10 + 9, i // 400 * 10 + 9) for i in range(count)
    ]
    said = attributes(
        "many",
        ("code",),
        4096,
        np.arange(count),
        [values([f"{i:040}" for i in range(count)])],
        numbered([]),
    )
    tile = Drawn(rung_of(shapes), said).encode(Window(0, 0, 4096, 64))
    assert len(tile) > 2 << 20
    assert len(decoded(tile)["many"]) == count

"""The page speaks the service's words: every key of an order has its Chinese and its English there."""

from __future__ import annotations

import json
import subprocess

import javascript
import pytest

from gridmap.orders import words
from gridmap.orders.rules import Rules

TERMS = javascript.ROOT / "tiles" / "web" / "page" / "view" / "cards" / "terms.js"
TOLD = """
const { CLASSES, OVER, URGENCIES, term } = await import(process.argv[1]);
const asked = JSON.parse(process.argv[2]);
const words = Object.fromEntries(asked.map(([kind, key]) => [`${kind}.${key}`, term(kind, key)]));
console.log(JSON.stringify({ CLASSES, OVER: [...OVER], URGENCIES, words }));
"""
KINDS = {
    "state": tuple(words.STATES),
    "action": tuple(words.ACTIONS),
    "level": tuple(words.LEVELS),
    "urgency": tuple(words.URGENCIES),
    "class": words.CLASSES,
    "matter": words.MATTERS,
    "role": (*words.ROLES, *Rules().staff_roles),
}


def test_the_page_knows_every_word_of_an_order() -> None:
    node = javascript.NODE / "bin" / "node"
    if not node.exists():
        pytest.skip("Node.js is not installed here: scripts/node")
    asked = [(kind, key) for kind, keys in KINDS.items() for key in keys]
    command = [str(node), "--input-type=module", "--eval", TOLD, TERMS.as_uri(), json.dumps(asked)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert tuple(told["CLASSES"]) == words.CLASSES
    assert tuple(told["URGENCIES"]) == tuple(words.URGENCIES)
    assert set(told["OVER"]) == words.OVER
    by_itself = {f"{kind}.{key}" for kind, key in asked if "\u4e00" <= key[0] <= "\u9fff"}
    unknown = {name for name, word in told["words"].items() if word == name.partition(".")[2]}
    assert unknown <= by_itself  # a Chinese key is its own Chinese word

"""The data folder: every file is accounted for, with the sum it had when its source was written down."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


def test_every_file_is_listed_with_its_sum() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", text, re.MULTILINE))
    found = {
        path.relative_to(DATA).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert listed == found

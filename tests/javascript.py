"""The JavaScript reference decoder of vector tiles: a child process that reads one tile after the other."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

if TYPE_CHECKING:
    from types import TracebackType

ROOT: Final = Path(__file__).parent.parent
NODE: Final = ROOT / ".venv" / "node"
PROGRAM: Final = ROOT / "tests" / "node" / "decode.mjs"


@cache
def lack() -> str | None:
    """Say what is missing here for the decoder, with the line to type; None when nothing is."""
    if not (NODE / "bin" / "node").exists() or not (NODE / "node_modules" / "@mapbox").is_dir():
        return "the JavaScript reference decoder is not installed here: scripts/node"
    return None


def need() -> None:
    """Skip the test that asks where the decoder is not installed."""
    if (reason := lack()) is not None:
        pytest.skip(reason)


class ReferenceDecoder:
    """`@mapbox/vector-tile` in Node.js; use it in a `with`."""

    def __enter__(self) -> Self:
        # Given as text, because a module is looked for from the folder of its file, or else of the process.
        program = ["--input-type=module", "--eval", PROGRAM.read_text(encoding="utf-8")]
        self._process = subprocess.Popen(
            [NODE / "bin" / "node", *program], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def decode(self, data: bytes) -> dict[str, Any]:
        """The layers of a tile by name, as the reference reads them. ValueError: it could not.

        A layer has `version`, `extent`, `features`; a feature `id`, `type`, `properties`, `rings` (lists of
        points, closed) and, of polygons, `polygons` (rings by polygon, the outer one first).
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(len(data).to_bytes(4, "little") + data)
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ValueError(f"the JavaScript reference decoder says: {answer['error']}")
        return {layer["name"]: layer for layer in answer["layers"]}

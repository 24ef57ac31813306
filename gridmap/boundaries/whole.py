"""Files for people that are whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; at the end of the `with` block it becomes the file.

    After an exception the file is what it was before. Raises InputError when nothing can be written there.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        text = f"cannot be written ({error.strerror or error}): name a file in a folder that you may write to"
        raise InputError(str(path), text) from error
    finally:
        part.unlink(missing_ok=True)

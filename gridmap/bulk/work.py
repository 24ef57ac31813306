"""What a job has done so far: a folder beside the output, which goes when the output is whole.

`.OUT.assign` holds `job.json`, what was asked and of which files; a folder of parts for each input file; and
in `out` the finished files. Whoever starts the same job again goes on where it was killed; another job under
the same name (another edition, other options, a file that has changed) starts anew and says why.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from typing import TYPE_CHECKING, Any, Final, Self

from gridmap.bulk.parts import report_of
from gridmap.durable import make_folder, part_file, settle, write_file
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

JOB: Final = "job.json"
LOCK: Final = "lock"


class Work:
    """The folder of a job at work, locked against a second run of it; close it, or use it in a `with`."""

    def __init__(self, folder: Path, lock: Any, changed: list[str], resumed: bool) -> None:
        self.folder = folder
        self._lock = lock
        self.changed = changed
        self.resumed = resumed

    @classmethod
    def begin(cls, out: Path, job: dict[str, Any]) -> Self:
        """Open the folder beside an output; what another job left there goes.

        `changed` says in what that one was another, `resumed` that this one goes on. InputError: the place
        cannot be written to, or another process is at work on it.
        """
        folder = out.with_name(f".{out.name}.assign")
        try:
            make_folder(folder)
            lock = (folder / LOCK).open("wb")
        except OSError as error:
            text = f"cannot be written ({error.strerror}): name a file in a folder that you may write to"
            raise InputError(str(out), text) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            text = "another gridmap assign writes it at this moment: wait for it, or name another file"
            raise InputError(str(out), text) from error
        before = _read(folder / JOB)
        changed = [] if before is None else [key for key in job if before.get(key) != job[key]]
        if before is None or changed:
            _clear(folder)
            write_file(folder / JOB, json.dumps(job, ensure_ascii=False, indent=1).encode())
        return cls(folder, lock, changed, before is not None and not changed)

    def part(self, file: int, number: int) -> Path:
        """Where the part of a task goes."""
        folder = self.folder / f"{file:06}"
        folder.mkdir(exist_ok=True)
        return folder / f"{number:06}"

    def reports(self, file: int) -> list[Path]:
        """The parts of a file that are done, in order; of a finished file only their reports are left."""
        found = sorted((self.folder / f"{file:06}").glob(report_of(self.folder / "*").name))
        return [path.with_suffix("") for path in found]

    @property
    def out(self) -> Path:
        """The folder of finished files."""
        return self.folder / "out"

    def finished(self, name: str) -> bool:
        """Whether a file is finished."""
        return (self.out / name).exists()

    def finish(self, name: str, file: int, write: Callable[[BinaryIO], None]) -> None:
        """Write a file whole or not at all, and drop its parts."""
        target = self.out / name
        try:
            make_folder(target.parent)
            with part_file(target.parent) as (handle, part):
                write(handle)
                settle(handle, part, target)
        except OSError as error:
            raise InputError(
                name, f"cannot be written ({error.strerror or error}): look at the space"
            ) from error
        for part in self.reports(file):
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another run go on."""
        self._lock.close()

    def remove(self) -> None:
        """Remove the folder: the output is in its place."""
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()

"""The disk of the torture: what is left of a folder when the power fails at some moment.

The model. `tests/fsync_shim.c` stands before fsync and fdatasync of every process that works on the folder
and keeps what each file and each folder held when it was last synced. After the kill the folder is put back:

- `synced`: each file to its bytes at its last fsync, each folder to the names it had at its own. What was
  written since is lost, all of it; a file that was never synced is gone (SQLite's -shm is one of them), and
  so is a name whose folder was not synced; a name that was removed without that is there again.
- `mixed`: of what was written since, any part may have reached the disk, in any order: each sector of 512
  bytes (or of 4,096) is the old or the new one, by chance, a file's length is one of the two, new sectors may
  be zeros, an unsynced name is there or not. So writes are torn and come out of order.

Both are worse than disks of today are: ext4 orders names behind their data, and a kill loses nothing that the
kernel has. A real disk that lies about its cache is worse than both, and no program can help that. A sync
that is under way when the kill comes counts when its copy was whole; what was not synced by then was not
acknowledged either. Writes between two syncs are not kept one by one: a sector is the one of the last sync or
the newest, never one between.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random

SOURCE = Path(__file__).with_name("fsync_shim.c")
NEED = "sudo apt-get update && sudo apt-get install --yes gcc libc6-dev"


class NoCompilerError(Exception):
    """There is no C compiler; the message says what to type."""


def build_shim(folder: Path) -> Path:
    """Compile the shim into a folder."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoCompilerError(
            f"the disk that forgets is written in C, and there is no compiler. Type: {NEED}"
        )
    out = folder / "fsync_shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(out), str(SOURCE)], check=True)
    return out


class Named(NamedTuple):
    """A name in a folder: which file or folder it is (`key`), and where it stands now, if it does."""

    kind: str
    key: str
    now: Path | None


class Disk:
    """A folder whose syncs are watched. Processes that work in it take `environment`."""

    def __init__(self, home: Path, shadow: Path, shim: Path) -> None:
        self.home = home.resolve()
        self.shadow = shadow
        self._shim = shim
        self._library = ctypes.CDLL(str(shim), use_errno=True)

    def environment(self, delay_us: int = 0) -> dict[str, str]:
        """What a process needs in its environment to be watched."""
        return {
            "LD_PRELOAD": str(self._shim),
            "GRIDMAP_SHADOW_OF": str(self.home),
            "GRIDMAP_SHADOW": str(self.shadow),
            "GRIDMAP_FSYNC_DELAY_US": str(delay_us),
        }

    def settle(self) -> None:
        """Take everything in the folder as synced: the disk as it was long before."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        for name in ("data", "names"):
            (self.shadow / name).mkdir(parents=True)
        self.look()

    def look(self) -> None:
        """Sync everything in the folder, as the shim sees it."""
        os.environ.update({k: v for k, v in self.environment().items() if k.startswith("GRIDMAP_")})
        for path in [self.home, *sorted(self.home.rglob("*"))]:
            handle = os.open(path, os.O_RDONLY)
            if self._library.fsync(handle) != 0:
                raise OSError(ctypes.get_errno(), f"{path} cannot be synced")
            os.close(handle)

    def fail(self, chance: random.Random, *, mixed: bool) -> None:
        """Put the folder to what the disk holds after the power failed. Nobody may work in it."""
        before = self.home.with_name(self.home.name + ".before")
        after = self.home.with_name(self.home.name + ".after")
        shutil.rmtree(before, ignore_errors=True)
        shutil.rmtree(after, ignore_errors=True)
        self._put_back(self.home, self._key_of(self.home), after, chance if mixed else None)
        self.home.rename(before)
        after.rename(self.home)
        self.settle()

    def _key_of(self, folder: Path) -> str:
        return next(
            path.name
            for path in (self.shadow / "names").iterdir()
            if path.name.split("-")[0] == str(folder.stat().st_ino)
        )

    def _put_back(self, now: Path | None, key: str, out: Path, chance: random.Random | None) -> None:
        out.mkdir()
        for name, named in sorted(self._names(now, key, chance).items()):
            if named.kind == "d":
                self._put_back(named.now, named.key, out / name, chance)
                continue
            kept = self.shadow / "data" / named.key
            synced = kept.read_bytes() if kept.exists() else None
            if chance is not None and named.now is not None:
                synced = mixture(synced, named.now.read_bytes(), chance)
            if synced is not None:
                (out / name).write_bytes(synced)

    def _names(self, now: Path | None, key: str, chance: random.Random | None) -> dict[str, Named]:
        """The names of a folder: those of its last sync, or by chance those that it has now."""
        present = {} if now is None else {path.name: path for path in now.iterdir()}
        by_inode = {str(path.stat().st_ino): path for path in present.values()}
        out = {}
        listing = self.shadow / "names" / key
        for line in listing.read_text(encoding="utf-8").splitlines() if listing.exists() else ():
            kind, each, name = line.split(" ", 2)
            path = by_inode.get(each.split("-")[0])
            if path is None and chance is not None and chance.random() < 0.5:
                continue  # its removal has reached the disk
            out[name] = Named(kind, each, path)
        for name, path in present.items():
            known = out.get(name)
            fresh = known is None or known.now != path
            if chance is not None and fresh and chance.random() < 0.5:
                inode = str(path.stat().st_ino)
                sort = "names" if path.is_dir() else "data"
                found = [each.name for each in (self.shadow / sort).glob(f"{inode}-*")]
                out[name] = Named("d" if path.is_dir() else "f", found[0] if found else "none", path)
        return out


def mixture(synced: bytes | None, now: bytes, chance: random.Random) -> bytes | None:
    """A file of which any part of what was written since its last sync has reached the disk."""
    if synced is None:
        synced = b""
        if chance.random() < 0.3:
            return None
    if synced == now:
        return now
    sector = chance.choice((512, 4096))
    share = chance.choice((0.05, 0.5, 0.95))
    size = chance.choice((len(synced), len(now)))
    out = bytearray(synced[:size].ljust(size, b"\0"))
    for begin in range(0, min(size, len(now)), sector):
        if chance.random() < share:
            piece = now[begin : min(begin + sector, size)]
            out[begin : begin + len(piece)] = piece
    return bytes(out)

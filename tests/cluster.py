"""A throw-away PostGIS cluster: made when the first test asks for it, gone when Python ends, however it ends.

The server is a child of this process and is told by the kernel when its parent dies, so a test run that is
killed leaves no server behind; its folder is in the system's temporary folder. initdb refuses root: then
the server runs as the user `postgres`, whom Debian's package makes. Its settings trade every safety for
speed and are for tests alone.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

USER: Final = "gridmap"
PASSWORD: Final = "a secret: @/?#%"
"""With the letters that an address must escape."""

FAST: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "autovacuum": "off",
    "lc_messages": "C",
}
"""Settings for tests alone: a cluster that is thrown away needs no crash to be survived."""

OWNER: Final = "postgres" if os.getuid() == 0 else None
"""As whom the server runs: PostgreSQL refuses to run as root; None is whoever runs the tests."""

PREFIX: Final = "gm-pg-"
"""How the folder of a cluster begins; short, for the path of a socket may have 107 letters."""

NEEDED: Final = "sudo apt-get install --no-install-recommends postgresql postgresql-postgis"


@dataclass
class Cluster:
    """A running server; `restart` and `stop` are for tests of what clients then say."""

    folder: Path
    binaries: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    superuser: Connection[tuple[object, ...]] | None = None

    def url(self, database: str, *, password: str = PASSWORD, user: str = USER) -> str:
        """The address of a database, as a person would type it."""
        escaped = "".join(f"%{byte:02X}" for byte in password.encode())
        return f"postgresql://{user}:{escaped}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run statements as the superuser, each in a transaction of its own; the rows of the last one."""
        if database is None:
            if self.superuser is None:
                self.superuser = self._connection("postgres")
            return _rows(self.superuser, statements)
        with self._connection(database) as connection:
            return _rows(connection, statements)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in FAST.items()]
        place = ["-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        listen = ["--listen_addresses=127.0.0.1", "--unix_socket_permissions=0777"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", *place, *listen, *settings],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 # two system calls, no lock is taken
                user=OWNER,
                group=OWNER,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once, as a crash does."""
        if self.superuser is not None:
            self.superuser.close()
            self.superuser = None
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """Stop the server and remove all it ever wrote."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connection(self, database: str) -> Connection[tuple[object, ...]]:
        import psycopg  # where the extra is not installed, tests must be able to say so

        return psycopg.connect(self.url(database), autocommit=True)

    def _answers(self) -> bool:
        import psycopg

        with suppress(psycopg.OperationalError):
            self.run("SELECT 1")
            return True
        return False


def _rows(connection: Connection[tuple[object, ...]], statements: Sequence[str]) -> list[tuple[object, ...]]:
    for statement in statements:
        cursor = connection.execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


@cache
def running() -> Cluster:
    """The cluster of this test run, started on the first call; skips the test where it cannot be had."""
    need()
    _sweep()
    found = _made(Path(tempfile.mkdtemp(prefix=PREFIX)))
    atexit.register(_remove_in, os.getpid(), found)
    for _attempt in range(5):
        try:
            found.start()
        except RuntimeError as error:
            if "Address already in use" not in str(error):
                raise
            found.port = _free_port()  # somebody was faster
        else:
            return found
    raise RuntimeError("no free port for the throw-away PostgreSQL cluster")


_names = itertools.count(1)


def make_database(template: str = "template0") -> str:
    """Make a new database, a copy of another that nobody uses now; return its name."""
    name = f"test_{next(_names)}"
    modern = int(running().binaries.parent.name) >= 15  # it can copy files, which is faster here
    running().run(f"CREATE DATABASE {name} TEMPLATE {template}{' STRATEGY FILE_COPY' if modern else ''}")
    return name


def drop_database(name: str) -> None:
    """Remove a database; whoever still uses it is thrown out."""
    running().run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@cache
def lack() -> str | None:
    """Say what is missing here for a PostGIS cluster, with the line to type; None when nothing is."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed here: pip install 'gridmap[postgres]'"
    if _binaries() is None:
        return f"no PostgreSQL with PostGIS is installed here: {NEEDED}"
    if OWNER is not None and not any(user.pw_name == OWNER for user in pwd.getpwall()):
        return f"PostgreSQL does not run as root, and there is no user postgres: {NEEDED}"
    return None


def need() -> None:
    """Skip the test that asks where no PostGIS cluster can be had."""
    if (reason := lack()) is not None:
        pytest.skip(reason)


def _binaries() -> Path | None:
    """The folder of the newest installed server that has PostGIS."""
    found: list[tuple[int, Path]] = []
    for server in Path("/usr/lib/postgresql").glob("*/bin/postgres"):
        version = server.parent.parent.name
        if Path(f"/usr/share/postgresql/{version}/extension/postgis.control").is_file():
            found.append((int(version), server.parent))
    return max(found)[1] if found else None


def _made(folder: Path) -> Cluster:
    binaries = _binaries()
    assert binaries is not None
    if OWNER is not None:
        shutil.chown(folder, OWNER, OWNER)
    folder.chmod(0o755)
    (folder / "run").write_text(str(os.getpid()))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    options = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={secret}"]
    locale = ["--encoding=UTF8", "--locale=C", "--no-sync"]
    _run([binaries / "initdb", "-D", folder / "data", *options, *locale])
    return Cluster(folder, binaries, _free_port())


def _sweep() -> None:
    """Remove what runs that were killed left behind; their servers died with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):  # another run makes or removes its own at this moment
            if not Path("/proc", (folder / "run").read_text()).exists():
                shutil.rmtree(folder)


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", user=OWNER, group=OWNER
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _remove_in(process: int, cluster: Cluster) -> None:
    """Remove the cluster at the end of the process that made it, not at the end of a fork of it."""
    if os.getpid() == process:
        cluster.remove()

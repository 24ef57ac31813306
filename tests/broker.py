"""A throw-away mosquitto: started when a test asks for it, stopped and started again as tests wish.

The broker is a child of this process and is told by the kernel when its parent dies; what it keeps for those
who are away stands in its folder, so a restart is one as in life.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDED: Final = "sudo apt-get install --no-install-recommends mosquitto"

USER: Final = "gridmap"
PASSWORD: Final = "a secret: @/?#%"
"""With the letters that an address must escape."""

ESCAPED: Final = "".join(f"%{byte:02X}" for byte in PASSWORD.encode())

PATIENCE_S: Final = 20


def binary() -> str | None:
    """The broker's program; Debian puts it where only root looks."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def need() -> str:
    """The broker's program; skips the test that asks where there is none."""
    found = binary()
    if found is None:
        pytest.skip(f"no MQTT broker is installed here: {NEEDED}")
    return found


@dataclass
class Broker:
    """A broker on a port of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, options: str = "") -> str:
        """Its address, as a person would type it."""
        return f"mqtt://{USER}:{ESCAPED}@127.0.0.1:{self.port}/{options}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [need(), "-c", str(self.folder / "conf")],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 # one system call, no lock is taken
            )
        deadline = time.monotonic() + PATIENCE_S
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it in order: it keeps on disk what somebody is still to get."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
            self.process = None

    def publish(self, *messages: tuple[str, str], qos: int = 1, retain: bool = False) -> None:
        """Publish messages as a device does; they are with the broker when this returns."""
        with client(self) as device:
            for topic, payload in messages:
                device.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(PATIENCE_S)


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A broker with a folder of its own, gone in the end."""
    need()
    folder.mkdir()
    secret = folder / "passwords"
    secret.touch(0o600)
    subprocess.run(["mosquitto_passwd", "-b", secret, USER, PASSWORD], check=True, capture_output=True)
    found = Broker(folder, _free_port())
    (folder / "conf").write_text(
        f"listener {found.port} 127.0.0.1\n"
        f"password_file {secret}\n"
        "allow_anonymous false\n"
        "persistence true\n"
        f"persistence_location {folder}/\n"
        "max_queued_messages 0\n"
        + ("user root\n" if os.getuid() == 0 else "")  # else it becomes a user who cannot see the folder
    )
    found.start()
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def client(broker: Broker, will: str | None = None) -> Iterator[Client]:
    """A connected client, such as a device has; its last will goes to a topic."""
    made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    made.username_pw_set(USER, PASSWORD)
    if will is not None:
        made.will_set(will, "offline", qos=1)
    made.connect("127.0.0.1", broker.port)
    made.loop_start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not made.is_connected() and time.monotonic() < deadline:
            time.sleep(0.005)
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG

"""Settings as data: name, default, purpose.

`gridmap/README.md` documents each of them in the same words; a test compares.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an operator may set, by an environment variable."""

    name: str
    default: str
    help: str

    def value(self) -> str:
        """What is set in the environment, else the default."""
        return os.environ.get(self.name) or self.default


HOME: Final = Setting(
    "GRIDMAP_HOME", "home", "The folder that holds the city, where --home does not say another."
)
DATA: Final = Setting(
    "GRIDMAP_DATA",
    "",
    "The folder with chongqing/ and toytown/; empty means the data folder beside the package.",
)
STORE: Final = Setting(
    "GRIDMAP_STORE",
    "",
    "The address of a PostgreSQL database that holds the city, where --store does not say another; "
    "empty means the home folder.",
)
BLOBS: Final = Setting(
    "GRIDMAP_BLOBS",
    "",
    "The folder of large files beside that database, as a file:/// address; empty means in the database.",
)
SETTINGS: Final = (HOME, DATA, STORE, BLOBS)

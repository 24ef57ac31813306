"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import settings
from served import served

from gridmap.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples each time. For new ones: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def yuzhong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with Yuzhong (11 streets, 879 grids), built once; read it, do not write to it."""
    home = tmp_path_factory.mktemp("yuzhong") / "home"
    done = CliRunner().invoke(main, ["city", "chongqing", "--home", str(home), "--districts", "500103"])
    assert done.exit_code == 0, done.output
    return home


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with Toytown (nine grids), loaded once; read it, do not write to it."""
    home = tmp_path_factory.mktemp("toytown") / "home"
    file = Path(__file__).parent.parent / "data" / "toytown" / "toytown.geojson"
    done = CliRunner().invoke(main, ["load", str(file), "--home", str(home)])
    assert done.exit_code == 0, done.output
    return home


@pytest.fixture(scope="session")
def service(yuzhong: Path) -> Iterator[str]:
    """The address of the service of Yuzhong, a process of its own."""
    with served(yuzhong) as address:
        yield address

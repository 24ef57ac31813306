"""Settings: the environment wins over the default; an empty value is no value."""

from __future__ import annotations

import pytest

from gridmap.settings import HOME, SETTINGS


def test_the_environment_wins_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_HOME", "/somewhere")
    assert HOME.value() == "/somewhere"
    monkeypatch.setenv("GRIDMAP_HOME", "")
    assert HOME.value() == "home"


def test_names_are_unique_and_say_whose_they_are() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("GRIDMAP_") for name in names)

"""Toytown as a source of tiles for archives, in this process and in others."""

from __future__ import annotations

from dataclasses import dataclass

from oracle_engine import OracleEngine
from town import toytown


@dataclass(frozen=True)
class ToySource:
    """The slow engine on Toytown."""

    edition: int = 7

    def engine(self) -> OracleEngine:
        return OracleEngine(toytown(), self.edition)


@dataclass(frozen=True)
class BrokenSource:
    """An engine that cannot be opened."""

    def engine(self) -> OracleEngine:
        raise ValueError("no engine here")

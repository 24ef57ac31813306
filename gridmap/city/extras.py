"""The door to what only the synthetic city needs: imported late, with a sentence when it is absent."""

from __future__ import annotations

import importlib
from typing import Any

from gridmap.errors import MissingExtraError


def need(module: str) -> Any:
    """Import an optional library; MissingExtraError with the line to type when it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise MissingExtraError(
            f"{name} is not installed; the synthetic city needs it. Type: pip install 'gridmap[city]'"
        ) from error

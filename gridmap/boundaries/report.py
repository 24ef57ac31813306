"""Findings as GeoJSON, for a planner who opens them in QGIS above the map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gridmap.boundaries.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.coverage.partition import Partition
    from gridmap.model import Finding


def write_findings(findings: Sequence[Finding], partition: Partition, path: Path) -> int:
    """Write findings as points that QGIS opens, largest problems as easy to sort as small; gives how many.

    RFC 7946, a feature a line, in the order given. The place is WGS84; a finding without a place has a null
    geometry, and QGIS shows it in the attribute table. Properties: `rule, level, codes` (the codes joined by
    blanks, for QGIS shows no lists), `within` (the names of the areas around, widest first), `size_m2, text`.
    The file appears when it is whole. Raises InputError where nothing can be written.
    """
    within = Places(partition)
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, finding in enumerate(findings, 1):
            feature = json.dumps(_feature(number, finding, within), ensure_ascii=False, allow_nan=False)
            file.write(f"{',' if number > 1 else ''}\n{feature}")
        file.write("\n]}\n")
    return len(findings)


class Places:
    """Says where areas are, by the names of the areas around them."""

    def __init__(self, partition: Partition) -> None:
        self._levels = partition.levels

    def within(self, codes: Sequence[str]) -> str:
        """The names around the first of the areas that is known here, widest first; empty when none is.

        An area of the widest level is named itself, for nothing is around it.
        """
        for code in codes:
            for depth, table in enumerate(self._levels):
                if code in table.row_of:
                    return " ".join(self._above(depth, code)) or table.names[table.row_of[code]]
        return ""

    def _above(self, depth: int, code: str) -> Iterator[str]:
        names = []
        for upper in range(depth, 0, -1):
            parent = self._levels[upper].parents[self._levels[upper].row_of[code]]
            above = self._levels[upper - 1]
            if parent is None or parent not in above.row_of:
                break
            names.append(above.names[above.row_of[parent]])
            code = parent
        return reversed(names)


def _feature(number: int, finding: Finding, places: Places) -> dict[str, Any]:
    has_place = finding.lon is not None and finding.lat is not None
    return {
        "type": "Feature",
        "id": number,
        "geometry": {"type": "Point", "coordinates": [finding.lon, finding.lat]} if has_place else None,
        "properties": {
            "rule": finding.rule,
            "level": finding.level,
            "codes": " ".join(finding.codes),
            "within": places.within(finding.codes),
            "size_m2": finding.size_m2,
            "text": finding.text,
        },
    }

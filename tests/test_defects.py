"""Defects: every planted one is found by its rule, with its codes, at its place, in its size."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from planted import OUTSIDE, PLANTERS, Plant, Planter
from random_city import random_city

from gridmap.coverage.measures import area_m2
from gridmap.coverage.proof import examine
from gridmap.lattice import SCALE
from gridmap.model import Finding

PLACES = 40
"""How many random cities each kind of defect is planted in."""


def findings_of(plant: Plant) -> list[Finding]:
    """What loading the planted file would say."""
    return [*plant.areas.broken(), *examine(plant.areas.partition()).findings]


def tells(finding: Finding, plant: Plant) -> bool:
    """Whether a finding has the rule, the codes, the place and the size of a planted defect."""
    if finding.rule not in plant.rules or not plant.codes <= set(finding.codes):
        return False
    if finding.lon is None or finding.lat is None:
        return finding.rule == "no_shape"
    place = shapely.Point(finding.lon * SCALE, finding.lat * SCALE)
    size = area_m2(plant.place) if plant.sized else finding.size_m2
    return bool(shapely.distance(place, plant.place) < 1.5) and finding.size_m2 == pytest.approx(
        size, rel=1e-3, abs=1e-6
    )


@pytest.mark.parametrize(
    ("planter", "given"),
    [(planter, given) for planter in PLANTERS for given in (False, True)] + [(p, True) for p in OUTSIDE],
    ids=lambda value: value.__name__ if callable(value) else "outlines" if value else "alone",
)
def test_planted_defects_are_found(planter: Planter, given: bool) -> None:
    planted = 0
    for seed in range(PLACES):
        city = random_city(1000 + seed, size=300)
        plant = planter(city, np.random.default_rng(seed), given)
        if plant is None:
            continue
        planted += 1
        findings = findings_of(plant)
        assert any(tells(finding, plant) for finding in findings), (seed, plant.rules, plant.codes, findings)
    assert planted >= PLACES * 0.6


@pytest.mark.parametrize("planter", PLANTERS[:5], ids=lambda planter: planter.__name__)
def test_one_defect_is_one_finding(planter: Planter) -> None:
    """Its corners, its pieces and the outlines above it are not reported again."""
    for seed in range(PLACES):
        for given in (False, True):
            plant = planter(random_city(1000 + seed, size=300), np.random.default_rng(seed), given)
            if plant is not None and plant.sized:
                assert len(findings_of(plant)) == 1, seed


@pytest.mark.parametrize("seed", range(20))
def test_a_real_partition_beside_a_defect_stays_silent(seed: int) -> None:
    """Findings name no grid that has nothing to do with the defect."""
    city = random_city(1000 + seed, size=300)
    plant = PLANTERS[0](city, np.random.default_rng(seed), False)
    if plant is not None:
        named = {code for finding in findings_of(plant) for code in finding.codes}
        assert named == plant.codes

"""Defects: every planted one is found by its rule, with its codes, at its place, in its size."""

from __future__ import annotations

import numpy as np
import pytest
from planted import OUTSIDE, PLANTERS, Planter, findings_of, tells
from random_city import random_city

PLACES = 40
"""How many random cities each kind of defect is planted in."""


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
        findings = findings_of(plant.areas)
        assert any(tells(finding, plant) for finding in findings), (seed, plant.rules, plant.codes, findings)
    assert planted >= PLACES * 0.6


@pytest.mark.parametrize("planter", PLANTERS[:5], ids=lambda planter: planter.__name__)
def test_one_defect_is_one_finding(planter: Planter) -> None:
    """Its corners, its pieces and the outlines above it are not reported again."""
    for seed in range(PLACES):
        for given in (False, True):
            plant = planter(random_city(1000 + seed, size=300), np.random.default_rng(seed), given)
            if plant is not None and plant.sized:
                assert len(findings_of(plant.areas)) == 1, seed


@pytest.mark.parametrize("seed", range(20))
def test_a_real_partition_beside_a_defect_stays_silent(seed: int) -> None:
    """Findings name no grid that has nothing to do with the defect."""
    city = random_city(1000 + seed, size=300)
    plant = PLANTERS[0](city, np.random.default_rng(seed), False)
    if plant is not None:
        named = {code for finding in findings_of(plant.areas) for code in finding.codes}
        assert named == plant.codes

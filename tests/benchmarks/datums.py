"""How fast GCJ-02 and BD-09 are: our kernels on one and two threads beside plain NumPy, in one run.

NumPy does what the published code says, in blocks that suit it; its inverses make as many rounds as ours, so
that both end at the same point (checked). Trust the ratio, not the seconds: `scripts/bench datums [POINTS]`.
"""

import math
import sys
import time
from collections.abc import Callable

import numpy as np

from gridmap.kernels import datum
from gridmap.kernels.jit import in_threads
from gridmap.types import FloatArray

Pair = tuple[FloatArray, FloatArray]
Kernel = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], None]

Figures = tuple[float, float, float, float]
"""Seconds on one thread, on two, in NumPy; largest difference in degrees."""

ROUNDS = 5
NUMPY_POINTS = 2_000_000
"""NumPy does only so many, and its time is scaled: the inverse would take a minute."""
NUMPY_BLOCK = 16_384


def numpy_offset(lon: FloatArray, lat: FloatArray) -> Pair:
    """The GCJ-02 offset in degrees, as published."""
    sin, pi, x, y = np.sin, math.pi, lon - 105, lat - 35
    waves = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + waves
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + waves
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    angle = lat / 180 * pi
    magic = 1 - datum.E2 * sin(angle) ** 2
    root = np.sqrt(magic)
    east *= 180 / (datum.A_M / root * np.cos(angle) * pi)
    north *= 180 / ((datum.A_M * (1 - datum.E2)) / (magic * root) * pi)
    return east, north


def numpy_gcj(lon: FloatArray, lat: FloatArray) -> Pair:
    """WGS84 to GCJ-02 inside the box."""
    east, north = numpy_offset(lon, lat)
    return lon + east, lat + north


def numpy_wgs(lon: FloatArray, lat: FloatArray) -> Pair:
    """GCJ-02 to WGS84 by repetition."""
    found = lon, lat
    for _ in range(datum.GCJ_ROUNDS):
        east, north = numpy_offset(*found)
        found = lon - east, lat - north
    return found


def numpy_bd_terms(lon: FloatArray, lat: FloatArray) -> Pair:
    """What BD-09 adds to radius and angle."""
    x_pi = math.pi * 3000 / 180
    return 2e-5 * np.sin(lat * x_pi), 3e-6 * np.cos(lon * x_pi)


def numpy_bd(lon: FloatArray, lat: FloatArray) -> Pair:
    """GCJ-02 to BD-09."""
    longer, more = numpy_bd_terms(lon, lat)
    radius, angle = np.hypot(lon, lat) + longer, np.arctan2(lat, lon) + more
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def numpy_gcj_from_bd(lon: FloatArray, lat: FloatArray) -> Pair:
    """BD-09 to GCJ-02 by repetition."""
    x, y = lon - 0.0065, lat - 0.006
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    found = x, y
    for _ in range(datum.BD_ROUNDS):
        longer, more = numpy_bd_terms(*found)
        found = (radius - longer) * np.cos(angle - more), (radius - longer) * np.sin(angle - more)
    return found


def in_blocks(plain: Callable[[FloatArray, FloatArray], Pair], source: Pair) -> Pair:
    """NumPy at its best: blocks whose intermediate arrays stay in the cache."""
    parts = [
        plain(source[0][i : i + NUMPY_BLOCK], source[1][i : i + NUMPY_BLOCK])
        for i in range(0, source[0].size, NUMPY_BLOCK)
    ]
    return np.concatenate([lon for lon, _ in parts]), np.concatenate([lat for _, lat in parts])


def compare(
    kernel: Kernel, plain: Callable[[FloatArray, FloatArray], Pair], source: Pair
) -> tuple[Figures, Pair]:
    """The figures of one kernel, and its result."""
    out = np.zeros_like(source[0]), np.zeros_like(source[1])
    kernel(source[0][:1], source[1][:1], out[0][:1], out[1][:1])  # compiled or loaded before the clock starts
    best = {1: math.inf, 2: math.inf}
    for threads in [1, 2] * ROUNDS:
        start = time.perf_counter()
        in_threads(kernel, [*source, *out], threads)
        best[threads] = min(best[threads], time.perf_counter() - start)
    few = source[0][:NUMPY_POINTS], source[1][:NUMPY_POINTS]
    start = time.perf_counter()
    expected = in_blocks(plain, few)
    plain_s = (time.perf_counter() - start) * source[0].size / few[0].size
    worst = max(float(np.abs(a[: b.size] - b).max()) for a, b in zip(out, expected, strict=True))
    return (best[1], best[2], plain_s, worst), out


def run(points: int = 12_000_000) -> list[tuple[str, Figures]]:
    """One row for each kernel."""
    chance = np.random.default_rng(1)
    wgs = chance.uniform(105.2, 110.2, points), chance.uniform(28.1, 32.3, points)
    forward, gcj = compare(datum.gcj_from_wgs, numpy_gcj, wgs)
    inverse, _ = compare(datum.wgs_from_gcj, numpy_wgs, gcj)
    onward, bd = compare(datum.bd_from_gcj, numpy_bd, gcj)
    backward, _ = compare(datum.gcj_from_bd, numpy_gcj_from_bd, bd)
    names = "WGS84 to GCJ-02", "GCJ-02 to WGS84", "GCJ-02 to BD-09", "BD-09 to GCJ-02"
    return list(zip(names, (forward, inverse, onward, backward), strict=True))


def main() -> None:
    """Print the table."""
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000_000
    lines = [f"{points:,} points in Chongqing, seconds (times faster than NumPy)"]
    lines.append(f"{'':17}{'1 thread':>16}{'2 threads':>16}{'NumPy':>8}  differ by")
    for name, (single, double, plain, worst) in run(points):
        ours = f"{single:8.3f} ({plain / single:4.0f}x){double:8.3f} ({plain / double:4.0f}x)"
        lines.append(f"{name:17}  {ours}{plain:8.2f}  {worst:.0e} degree")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

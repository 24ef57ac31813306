"""The cache keeps below its limit, turns out what was not asked for the longest, and is safe for threads."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from tiles.cache import ENTRY_BYTES, ByteCache


def test_what_was_not_asked_for_the_longest_gives_way() -> None:
    cache: ByteCache[str] = ByteCache(10 * (1000 + ENTRY_BYTES))
    for number in range(10):
        cache.put(number, f"value {number}", 1000)
    assert cache.get(0) == "value 0"  # the newest now
    cache.put(10, "value 10", 1000)
    assert cache.get(1) is None
    assert [cache.get(number) for number in (0, 2, 10)] == ["value 0", "value 2", "value 10"]
    assert (len(cache), cache.held) == (10, cache.limit)


def test_putting_anew_counts_once() -> None:
    cache: ByteCache[str] = ByteCache(1 << 20)
    for size in (5000, 100, 2000):
        cache.put("key", f"of {size}", size)
        assert (cache.get("key"), len(cache), cache.held) == (f"of {size}", 1, size + ENTRY_BYTES)
    cache.clear()
    assert (cache.get("key"), len(cache), cache.held) == (None, 0, 0)


def test_one_large_value_does_not_turn_out_all_others() -> None:
    cache: ByteCache[str] = ByteCache(100_000)
    cache.put("small", "small", 1000)
    cache.put("large", "large", 50_000)
    assert (cache.get("small"), cache.get("large")) == ("small", None)


def test_a_limit_of_nothing_keeps_nothing() -> None:
    cache: ByteCache[str] = ByteCache(0)
    cache.put("key", "value", 0)
    assert (cache.get("key"), len(cache), cache.held) == (None, 0, 0)


def test_threads_may_share_it() -> None:
    cache: ByteCache[int] = ByteCache(200 * (100 + ENTRY_BYTES))

    def use(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(5000):
            key = chance.randrange(400)
            assert cache.get(key) in (None, key)
            cache.put(key, key, chance.randrange(100))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    assert 0 < cache.held <= cache.limit
    assert cache.held == sum(size for _, size in cache._kept.values())

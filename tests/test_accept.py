"""Which coding a client gets: weights first, then our order; and who refuses everything."""

from __future__ import annotations

import pytest

from tiles.web.accept import choose_coding


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=0.5, br;q=0.8", "br"),
        ("gzip;q=0.5, br; q=0.8, zstd;q=0.799", "br"),
        ("gzip\t;\tQ=1.000 , br;q=0.999", "gzip"),
        ("deflate", "identity"),
        ("deflate, compress;q=0.9", "identity"),
        ("*", "zstd"),
        ("*;q=0.1", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("zstd;q=0, gzip;q=0, *;q=0.3", "br"),
        ("identity", "identity"),
        ("identity, gzip", "gzip"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("identity;q=0.5, *;q=0.5", "zstd"),
        ("identity;q=0.5, *;q=0", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, br;q=0, zstd;q=0", "identity"),
        ("identity;q=0, gzip", "gzip"),
        ("*;q=0, br", "br"),
        # What cannot be read is passed over.
        ("gzip;q=2, br", "br"),
        ("gzip;q=0.1234", "identity"),
        ("gzip;level=9", "identity"),
        (",,gzip,,", "gzip"),
        ("gz ip", "identity"),
        ("\xff\x00", "identity"),
        # Who names one twice means the last.
        ("gzip, gzip;q=0", "identity"),
    ],
)
def test_the_coding_that_is_weighed_most_is_sent(accept: str, coding: str) -> None:
    assert choose_coding(accept) == coding


@pytest.mark.parametrize("accept", ["identity;q=0", "*;q=0", "deflate, identity;q=0", "gzip;q=0, *;q=0.000"])
def test_who_takes_nothing_of_ours_gets_nothing(accept: str) -> None:
    assert choose_coding(accept) is None

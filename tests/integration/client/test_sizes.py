"""How large the parts of the client are, minified and by gzip: what a page has to load."""

from __future__ import annotations

import gzip

import pytest

from benchmarks.client import BARS, sizes
from tests import client

STATIC = client.CLIENT.parents[1] / "progress" / "static"


@pytest.mark.usefixtures("tools")
def test_each_part_is_as_small_as_the_document_says() -> None:
    measured = {str(row["who"]): row["bytes_min_gzip"] for row in sizes()}
    assert BARS.keys() <= measured.keys()
    for part, most in BARS.items():
        assert measured[part] <= most, part


@pytest.mark.parametrize(("name", "most"), [("job-progress", 10_500), ("job-run", 12_288)])
def test_the_files_that_pages_load_are_these_parts(name: str, most: int) -> None:
    # With the banner, and with where the blueprint serves it.
    assert len(gzip.compress((STATIC / f"{name}.js").read_bytes(), 9)) <= most

"""Fixtures of the tests of the pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from library import demo


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo library; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("music")
    demo.generate(folder)
    return folder

"""Packages that tests use without installing them, fetched once into a cache of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

CACHE = Path.home() / ".cache" / "earmark-tests"


def missing(what: str) -> NoReturn:
    """What a test needs is not here: that fails where everything has to be tested."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)


def package(name: str, version: str = "", *, alone: bool = False) -> Path:
    """A folder for PYTHONPATH with a package in it.

    Args:
        name: As the registry has it.
        version: The beginning of its version, else the newest.
        alone: What it depends on is installed already.
    """
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = CACHE / "-".join(filter(None, (name, version, python)))
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, also where two sessions fetch the same.
    fetched = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=CACHE))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(fetched)]
    command += ["--no-deps"] if alone else []
    done = subprocess.run(
        [*command, f"{name}=={version}.*" if version else name],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        shutil.rmtree(fetched)
        missing(f"pip cannot fetch {name} {version}: {done.stderr.strip()[-500:]}")
    try:
        fetched.rename(folder)
    except OSError:  # somebody else was faster
        shutil.rmtree(fetched)
    return folder

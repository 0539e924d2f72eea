"""Which packages import which, and the files in a wheel of Earmark."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import progress

ROOT = Path(__file__).parents[2]
PACKAGES = ("progress", "library", "tasks", "web")


def build_wheel(root: Path, folder: Path) -> Path:
    # hatchling itself, in this environment: a build in isolation would load it from the network.
    build = (
        "import sys; from hatchling.builders.wheel import WheelBuilder; "
        "print(next(WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=['standard'])))"
    )
    command = [sys.executable, "-c", build, root, folder]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.split("\n")[-2])


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as files:
        return set(files.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this tree."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_names(wheel: Path) -> set[str]:
    """The names of the files in a wheel built from this tree."""
    return names_in(wheel)


def test_progress_is_ours():
    assert Path(progress.__file__).parent == ROOT / "progress"


def test_nothing_else_that_is_installed_is_called_progress():
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["earmark"])) == {"earmark"}
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("progress")


def test_imports_keep_their_contracts():
    lint = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_a_wheel_holds_every_file_of_the_four_packages(wheel_names):
    # Only the client's built files are in the wheel: those in web/static.
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES, ":!web/client"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = set(tracked.stdout.split("\n")) - {""}
    if not expected:
        pytest.skip("this tree is no Git checkout")
    assert {name for name in expected if (ROOT / name).exists()} <= wheel_names


@pytest.mark.parametrize(
    "pattern",
    [
        "progress/rules/append.lua",
        "library/migrations/env.py",
        "library/migrations/versions/*.py",
        "web/templates/*.html",
        "web/static/*.css",
        "progress/static/job-progress.js",
        "progress/static/job-run.js",
        "web/static/live.js",
        *(f"{package}/py.typed" for package in PACKAGES),
    ],
)
def test_a_wheel_holds_what_is_no_module(wheel_names, pattern):
    assert any(Path(name).match(pattern) for name in wheel_names)


def test_a_wheel_is_pure_python(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in names_in(wheel) if Path(name).suffix in {".c", ".so", ".pyd"}]


def test_a_wheel_holds_the_four_packages_alone(wheel_names):
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_a_wheel_holds_nothing_of_the_client_but_what_is_built(wheel_names):
    assert [name for name in wheel_names if name.startswith("web/client")] == []

"""requirements.txt: what a buildpack installs, as pyproject.toml asks for it.

Nothing is asked of a registry: a newer version that somebody publishes fails no test. That the
pins are enough is seen where they are installed (tests/acceptance/test_procfile.py).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ADVICE = "run make requirements, and commit what it writes"
PYTHONS = ("3.11.9", "3.12.4", "3.13.1", "3.14.0")


@dataclass(frozen=True)
class Pin:
    requirement: Requirement
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "=="
        return specifier.version

    def applies(self, python: str) -> bool:
        machine = {"sys_platform": "linux", "platform_machine": "x86_64"}
        environment = {**default_environment(), **machine}
        environment |= {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        marker = self.requirement.marker
        return marker is None or marker.evaluate(environment)


def pins() -> Iterator[Pin]:
    text = (ROOT / "requirements.txt").read_text()
    # An entry begins where a line does; its hashes and reasons are indented.
    for entry in re.split(r"\n(?=\S)", text.strip()):
        if entry.startswith("#"):
            continue
        said = re.sub(r"\s*\\\n", " ", entry).split("--hash=")[0]
        reasons = entry.partition("# via")[2].replace("#", " ").replace("(pyproject.toml)", "")
        hashes = re.findall(r"--hash=(\S+)", entry)
        yield Pin(Requirement(said.strip()), tuple(hashes), tuple(reasons.split()))


def asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["postgres"]
    return [Requirement(text) for text in (*project["dependencies"], *extra)]


PINS = list(pins())


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("asked", asked_for(), ids=lambda asked: asked.name)
def test_every_dependency_is_pinned_once_to_a_version_that_is_allowed(asked, python):
    name = canonicalize_name(asked.name)
    found = [pin for pin in PINS if pin.name == name and pin.applies(python)]
    assert len(found) == 1, f"{asked.name} is not in requirements.txt: {ADVICE}"
    assert asked.specifier.contains(found[0].version, prereleases=True), f"{asked}: {ADVICE}"
    assert "earmark" in found[0].wanted_by, f"{asked.name}: {ADVICE}"


def test_every_pin_is_asked_for():
    asked = {canonicalize_name(requirement.name) for requirement in asked_for()}
    pinned = {pin.name for pin in PINS}
    for pin in PINS:
        assert pin.wanted_by, pin
        if "earmark" in pin.wanted_by:
            assert pin.name in asked, f"{pin.name} is in pyproject.toml no more: {ADVICE}"
        assert set(map(canonicalize_name, pin.wanted_by)) <= pinned | {"earmark"}, pin


def test_every_pin_has_hashes_and_no_place_it_comes_from():
    assert len(PINS) > 40
    for pin in PINS:
        assert pin.hashes, pin.name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", found) for found in pin.hashes), pin.name
        assert pin.requirement.url is None
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted|file:", text)


def test_the_document_names_what_progress_needs_in_another_application() -> None:
    (said,) = re.findall(
        r"^pip install (.*)$", (ROOT / "docs/progress.md").read_text(), re.MULTILINE
    )
    asked = (ROOT / "pyproject.toml").read_text().partition("# progress/\n")[2].partition("#")[0]
    flask = "flask>=3.1"
    assert flask in (ROOT / "pyproject.toml").read_text()
    assert re.findall(r'"(.*?)"', said) == [*re.findall(r'"(.*?)"', asked), flask]

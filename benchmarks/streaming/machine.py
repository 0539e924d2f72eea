"""The machine of a benchmark: its compiler, its descriptors, and the use of processes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
DESCRIPTORS = 65_536
TICKS = os.sysconf("SC_CLK_TCK")


class Missing(Exception):
    """Something cannot be had here; the message says what and why."""


def raise_descriptor_limit() -> int:
    """As many descriptors as this user may have, for this process and its children."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(DESCRIPTORS, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, PermissionError):
            continue
        return limit
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def compile_c(name: str, into: Path) -> Path:
    """The program of ``<name>.c``, made with cc, or with Zig's from PyPI where there is none.

    Raises:
        Missing: there is no compiler.
    """
    target = into / name
    command = [*_compiler(), "-O2", "-Wall", "-Wextra", "-o", str(target), str(HERE / f"{name}.c")]
    made = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if made.returncode:
        raise Missing(f"{name}.c cannot be compiled here: {made.stderr[-200:]}")
    return target


def _compiler() -> list[str]:
    if shutil.which("cc"):
        return ["cc"]
    zig = HERE / ".peers-zig" / "ziglang" / "zig"
    if not zig.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target"]
        command = [*pip, str(zig.parents[1]), "ziglang"]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=300)
    if not zig.exists():
        raise Missing("there is no C compiler: install gcc, or have pip reach ziglang")
    return [str(zig), "cc"]


def install_with_apt(package: str) -> None:
    """Install a Debian package where this user may; else nothing happens."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for part in (["apt-get", "update", "-qq"], command):
        subprocess.run(part, check=False, env=environment, timeout=300, capture_output=True)


@dataclass(frozen=True, slots=True)
class Use:
    """What some processes have used so far: processor time, and memory of their own."""

    cpu_us: float
    pss_kb: float


def family(pid: int) -> list[int]:
    """A process and all that came from it."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def use(pids: Iterable[int]) -> Use:
    """The use of processes that live."""
    living = list(pids)
    return Use(sum(map(_cpu_us, living)), sum(map(_pss_kb, living)))


def _cpu_us(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS * 1e6


def _pss_kb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    # Not files': a library's pages are divided among all who have it, and weigh more here
    # whenever a process ends that has nothing to do with it.
    counted = ("Pss_Anon:", "Pss_Shmem:")
    return sum(float(line.split()[1]) for line in lines if line.startswith(counted))

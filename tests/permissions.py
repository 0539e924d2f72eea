"""Real permissions for tests that run as root, which permissions do not bind."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """A block in which this process may read what everybody may, and root is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may read; those of pytest are their owner's alone."""
    folder = Path(tempfile.mkdtemp(prefix="earmark-open-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for locked, folders, _ in os.walk(folder):
            for name in folders:
                path = Path(locked, name)
                if not path.is_symlink():
                    path.chmod(0o755)
        shutil.rmtree(folder)

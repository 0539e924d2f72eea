"""Where uploaded exports are kept: private files below the installation's own folder.

An export's files lie in ``exports/<account>/<source>/<upload>/``, as ``0``, ``1`` and so on: the
names that the person's machine gives them are kept in the source's settings, and name no file here.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from ...errors import UnreadableFile
from .bounds import MAX_FILE_BYTES, MAX_FILES
from .parts import ExportFile

FOLDER = "exports"
_INCOMING = "incoming-"
_COPIED_BYTES = 256 * 1024
#: What nobody knows is deleted when it is this old: until then its row may be on its way.
_UNKNOWN_SECONDS = 3_600.0
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of an export, as its source's row names it."""

    account_id: UUID
    source_id: UUID
    #: The source's location.
    id: UUID


@dataclass(slots=True)
class Incoming:
    """Files that are being uploaded, and are deleted again unless they are kept."""

    folder: Path
    _left_bytes: int = MAX_FILE_BYTES
    files: list[ExportFile] = field(default_factory=list)

    def add(self, name: str, stream: BinaryIO) -> None:
        """Write a file to its end.

        Raises:
            UnreadableFile: it is larger than may be, or one file too many.
        """
        if len(self.files) >= MAX_FILES:
            raise UnreadableFile(f"These are more than {MAX_FILES} files.")
        path = self.folder / str(len(self.files))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while data := stream.read(_COPIED_BYTES):
                self._left_bytes -= len(data)
                if self._left_bytes < 0:
                    most = MAX_FILE_BYTES // _MB
                    raise UnreadableFile(f"These files have more than {most} MB together.")
                file.write(data)
        self.files.append(ExportFile(name, path))


class ExportStore:
    """The uploaded exports of an installation."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER

    def folder(self, upload: Upload) -> Path:
        """Where an upload's files are."""
        return self._of_source(upload.account_id, upload.source_id) / upload.id.hex

    @contextmanager
    def incoming(self, account_id: UUID) -> Iterator[Incoming]:
        """A folder for files that are being uploaded. What was not kept goes with the block."""
        folder = self._root / str(account_id) / f"{_INCOMING}{uuid4().hex}"
        _make_private(folder)
        try:
            yield Incoming(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, incoming: Incoming, upload: Upload) -> None:
        """Keep what was uploaded. Until its row is written, nobody reads it."""
        folder = self.folder(upload)
        _make_private(folder.parent)
        incoming.folder.rename(folder)

    def forget_others(self, upload: Upload) -> None:
        """Delete earlier uploads of a source."""
        _forget(self._of_source(upload.account_id, upload.source_id), but=upload.id.hex)

    def forget(self, *, account_id: UUID, source_id: UUID) -> None:
        """Delete all uploads of a source."""
        shutil.rmtree(self._of_source(account_id, source_id), ignore_errors=True)

    def sweep(self, known: Collection[Upload]) -> int:
        """Delete what no row names, and what was broken off; how many folders."""
        wanted = {self.folder(upload) for upload in known}
        before, count = time.time() - _UNKNOWN_SECONDS, 0
        for folder in [*self._root.glob(f"*/{_INCOMING}*"), *self._root.glob("*/*/*")]:
            with suppress(OSError):
                if folder not in wanted and folder.is_dir() and folder.stat().st_mtime < before:
                    shutil.rmtree(folder)
                    count += 1
        return count

    def _of_source(self, account_id: UUID, source_id: UUID) -> Path:
        return self._root / str(account_id) / str(source_id)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _forget(folder: Path, *, but: str) -> None:
    for other in folder.iterdir() if folder.is_dir() else ():
        if other.name != but:
            shutil.rmtree(other, ignore_errors=True)

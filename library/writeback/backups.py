"""Backups: each list as it was before it was written, apart from the music.

They are not kept beside the list: a program that looks through the music would take them for lists
of their own, and a copy of the music folder would carry them along.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from .disk import Disk
from .errors import NotWritable
from .replacing import key_of


@dataclass(frozen=True, slots=True)
class Backups:
    """One account's backups, in the folder of data."""

    data_dir: Path
    account_id: UUID
    disk: Disk = field(default_factory=Disk)

    @property
    def _names(self) -> tuple[str, str]:
        return "backups", str(self.account_id)

    def keep(self, key: UUID, data: bytes) -> None:
        """Keep a list; what is kept under a key is whole, or not there.

        Raises:
            NotWritable: it cannot be kept.
        """
        disk, name = self.disk, str(key)
        try:
            folder = self._folder()
            try:
                disk.remove(folder, f"{name}.new")
                file = disk.create(folder, f"{name}.new")
                try:
                    disk.write(file, data)
                    disk.flush(file)
                finally:
                    disk.close(file)
                disk.rename(folder, f"{name}.new", name)
                disk.flush(folder)
            finally:
                disk.close(folder)
        except OSError as error:
            why = error.strerror or "unknown error"
            raise NotWritable(f"The list cannot be kept as it is first: {why}.") from error

    def _folder(self) -> int:
        disk = self.disk
        made: tuple[str, ...] = ()
        for name in self._names:
            above = disk.open_folder(str(self.data_dir), made)
            try:
                disk.make_folder(above, name)
            finally:
                disk.close(above)
            made = (*made, name)
        return disk.open_folder(str(self.data_dir), made)

    def read(self, key: UUID, *, content_key: str) -> bytes:
        """A list as it was kept.

        Raises:
            NotWritable: it is not there any more, or not what was kept.
        """
        try:
            data = self.data_dir.joinpath(*self._names, str(key)).read_bytes()
        except OSError as error:
            raise NotWritable(
                "The list as it was before is not kept any more, so it cannot be put back."
            ) from error
        if key_of(data) != content_key:
            raise NotWritable("The list as it was before is damaged, so it is not put back.")
        return data

    def forget(self, key: UUID) -> None:
        """Keep a list no longer."""
        self.data_dir.joinpath(*self._names, str(key)).unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Keep nothing of the account any longer."""
        shutil.rmtree(self.data_dir.joinpath(*self._names), ignore_errors=True)

"""Which source's lists can be written, and by what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..music_roots import MusicRoots
from ..sources.location import folder_at
from ..sources.places import SongIndex
from ..sources.source import Installation, SourceRow
from ..sources.subsonic.client import BRIEF
from ..sources.subsonic.kind import client_of
from ..sources.subsonic.server import MusicServer
from .backups import Backups
from .errors import NotWritable
from .folder_writer import FolderWriter
from .server_writer import ServerWriter
from .writer import ListWriter


@dataclass(frozen=True, slots=True)
class Target:
    """A source whose lists are to be written."""

    row: SourceRow
    installation: Installation
    #: The folders in which playlists may be written.
    writable: MusicRoots
    #: Finds the songs of the source that its lists name. Asked for where it is needed.
    index: Callable[[], SongIndex]
    #: Whether a person waits for the answer: then a server that is away is not waited for long.
    is_waited_for: bool = False


def _folder(target: Target) -> ListWriter:
    root = folder_at(target.row.location)
    roots = target.installation.roots
    if roots is not None and not roots.holds(root):
        raise NotWritable("Your music folder is none of those that accounts may choose from.")
    backups = Backups(target.installation.data_dir, target.row.account_id)
    return FolderWriter(root, index=target.index, writable=target.writable, backups=backups)


def _subsonic(target: Target) -> ListWriter:
    @contextmanager
    def connect() -> Iterator[MusicServer]:
        patience = BRIEF if target.is_waited_for else None
        with client_of(target.row, target.installation, patience=patience) as client:
            yield MusicServer(client)

    user = str(target.row.settings.get("user", ""))
    backups = Backups(target.installation.data_dir, target.row.account_id)
    return ServerWriter(connect, user=user, backups=backups)


#: What makes the writer of a source, by the source's kind.
_WRITERS: Mapping[str, Callable[[Target], ListWriter]] = {
    "folder": _folder,
    "subsonic": _subsonic,
}


def writer_of(kind: str, target: Target) -> ListWriter:
    """What writes the lists of a source.

    Raises:
        NotWritable: nothing does.
    """
    make = _WRITERS.get(kind)
    if make is None:
        raise NotWritable(
            "Lists of this source cannot be written back. Download the list, with the songs "
            "in it, and open it where you hear your music."
        )
    return make(target)

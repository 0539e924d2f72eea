"""A sound that can be sent: a song's file as it is, or the MP3 that is made of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from library.sound import kinds
from library.sound.content import Content, WholeFile
from library.sound.samples import Clip
from library.sound.songs import Place

from .files import SongFile
from .making import Makers, Wish
from .ranges import Version

#: A browser keeps a sound for its person, and asks each time whether it is the same and theirs.
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie",
    "Content-Disposition": "inline",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a request for a song's sound may be answered with."""

    media_type: str
    #: None where it is known only when all of it is made: then no part can be asked for.
    size_bytes: int | None
    version: Version
    #: Opens it, see `Makers.sound`.
    open: Callable[[], Content]

    @property
    def headers(self) -> dict[str, str]:
        """What tells of it."""
        units = {"Accept-Ranges": "none" if self.size_bytes is None else "bytes"}
        return {"Content-Type": self.media_type, **units, **_HEADERS, **self.version.headers}


def offer(
    place: Place,
    file: SongFile | None,
    makers: Makers,
    *,
    account_id: UUID,
    as_mp3: bool,
    clip: Clip | None = None,
) -> Offer:
    """What there is of a song. Its file is closed by the caller, and may be so at once.

    A clip is always MP3.

    Raises:
        OSError: the file cannot be read.
    """
    if file is not None and not as_mp3 and clip is None:
        media_type = media_type_of(file)
        if media_type is not None:
            now = time.time()
            version = Version.of_file(file.version, modified_ns=file.modified_ns, now_seconds=now)
            return Offer(media_type, file.size_bytes, version, partial(_open_again, file))
    return _made(wish(place, file, account_id=account_id, clip=clip), file, makers)


def wish(
    place: Place, file: SongFile | None, *, account_id: UUID, clip: Clip | None = None
) -> Wish:
    """What is wanted of a song where something has to be made."""
    return Wish(
        account_id=account_id,
        version=place.version if file is None else file.version,
        place=place,
        file=None if file is None else file.descriptor,
        clip=clip,
    )


def _made(wanted: Wish, file: SongFile | None, makers: Makers) -> Offer:
    modified_ns = 0 if file is None else file.modified_ns
    modified = datetime.fromtimestamp(max(0, modified_ns // 1_000_000_000), UTC)
    # What was made of the same file in the same form is the same byte for byte.
    version = Version(wanted.sound.digest, modified, is_strong=True)
    size_bytes = wanted.size_bytes or makers.size_bytes(wanted)
    return Offer(kinds.MP3, size_bytes, version, partial(makers.sound, wanted))


def media_type_of(file: SongFile) -> str | None:
    """The media type of a file that browsers play as it is, else None.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(os.dup(file.descriptor), "rb") as reader:
        found = kinds.media_type(reader)
        # A maker that is given this file reads from where it was left.
        reader.seek(0)
    return found


def _open_again(file: SongFile) -> Content:
    return WholeFile.of(os.dup(file.descriptor))

"""Tags without the pictures of many megabytes that may stand among them."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import mutagen.flac
import mutagen.id3

#: More than this is read at once of no file, and more than twice as much of none in all. A picture
#: in a FLAC file may have 16 MB.
MAX_READ_BYTES = 16 * 1024 * 1024
MAX_ALL_BYTES = 32 * 1024 * 1024
#: A larger frame of ID3 is no text.
_MAX_FRAME_BYTES = 256 * 1024


class TooMuchToRead(mutagen.MutagenError):
    """A file's tags are larger than any text."""


class BoundedFile:
    """A file that is read in parts of a bounded size, of which there are not too many."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._left_bytes = MAX_ALL_BYTES
        #: mutagen looks at its end.
        self.name = name
        #: Whether somebody wanted to read too much.
        self.has_refused = False
        #: Go on elsewhere, and tell where it is.
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes.

        Raises:
            TooMuchToRead: they are too many.
        """
        if size < 0 or size > MAX_READ_BYTES or size > self._left_bytes:
            size = self._size_of_rest(size)
        if size > MAX_READ_BYTES or size > self._left_bytes:
            self.has_refused = True
            raise TooMuchToRead
        self._left_bytes -= size
        return self._file.read(size)

    def _size_of_rest(self, size: int) -> int:
        here = self._file.tell()
        rest = self._file.seek(0, io.SEEK_END) - here
        self._file.seek(here)
        return rest if size < 0 else min(size, rest)

    def begin_again(self) -> BinaryIO:
        """The file itself, at its beginning."""
        self._file.seek(0)
        return self._file


def small_tags(bounded: BoundedFile) -> Any:
    """The texts at a file's beginning without what is large; empty for formats other than two."""
    file = bounded.begin_again()
    head = file.read(4)
    try:
        return _small_flac(file) if head == b"fLaC" else _small_id3(head + file.read(6), file)
    except mutagen.MutagenError:
        return {}


def _small_flac(file: BinaryIO) -> Any:
    """The Vorbis comments of a FLAC file; its blocks are walked by their headers (RFC 9639 §8)."""
    comments: Any = mutagen.flac.VCFLACDict
    while len(head := file.read(4)) == 4:
        size = int.from_bytes(head[1:])
        if head[0] & 0x7F == 4 and size <= MAX_READ_BYTES:
            return comments(io.BytesIO(file.read(size)), framing=False)
        if head[0] & 0x80:
            break
        file.seek(size, io.SEEK_CUR)
    return {}


def _small_id3(head: bytes, file: BinaryIO) -> Any:
    """ID3v2 tags without their large frames.

    Frames are walked by their headers (id3.org, ID3v2.3 and 2.4 §4). Tags that were made
    unsynchronisable, or have an extended header, are left out.
    """
    if head[:3] != b"ID3" or head[3] not in (3, 4) or head[5] & 0xC0:
        return {}
    frames_of: Any = mutagen.id3.ID3
    left, kept = _synchsafe(head[6:10]), []
    while left > 10:
        frame = file.read(10)
        size = _synchsafe(frame[4:8]) if head[3] == 4 else int.from_bytes(frame[4:8])
        left -= 10 + size
        if not frame[:1].strip(b"\0") or left < 0:
            break
        if size > _MAX_FRAME_BYTES:
            file.seek(size, io.SEEK_CUR)
        else:
            kept.append(frame + file.read(size))
    frames = b"".join(kept)
    safe = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return frames_of(io.BytesIO(head[:6] + safe + frames))


def _synchsafe(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value << 7 | digit & 0x7F
    return value

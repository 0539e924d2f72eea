"""Which files browsers play as they are, by what is in them and not by their names."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from mutagen import MutagenError
from mutagen.mp4 import MP4

#: The form that every browser plays, into which all else is made.
MP3 = "audio/mpeg"

_HEAD_BYTES = 4_096
_ID3_BYTES = 10
#: What browsers play inside of Ogg.
_OGG = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC")
#: Formats of samples in WAV: whole numbers, floats, and either with its channels named.
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def media_type(file: BinaryIO) -> str | None:
    """The media type of a file that browsers play as it is; None for all other files.

    The file is left where it was read last.

    Raises:
        OSError: it cannot be read.
    """
    head = _at(file, 0, _HEAD_BYTES)
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/ogg" if any(mark in head for mark in _OGG) else None
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav" if _is_plain_wav(head) else None
    if head[4:8] == b"ftyp":
        return "audio/mp4" if _is_aac(file) else None
    if head.startswith(b"ID3") and len(head) >= _ID3_BYTES:
        head = _at(file, _ID3_BYTES + _syncsafe(head[6:10]), 2)
    return _of_frames(head)


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _syncsafe(size: bytes) -> int:
    """A length of ID3: seven bits of each byte."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=True))


def _of_frames(head: bytes) -> str | None:
    """MP3 or bare AAC, whose frames both begin with twelve ones."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer = head[1] >> 1 & 3
    if layer == 0:
        return "audio/aac" if head[1] & 0xF0 == 0xF0 else None
    # Layers I and II, which have the numbers 3 and 2, are played by few.
    return MP3 if layer == 1 else None


def _is_plain_wav(head: bytes) -> bool:
    place = head.find(b"fmt ", 12)
    if place < 0 or len(head) < place + 24:
        return False
    kind, _, _, _, _, bits = struct.unpack_from("<HHIIHH", head, place + 8)
    return (kind in (_PCM, _EXTENSIBLE) and bits in (8, 16, 24, 32)) or (
        kind == _FLOAT and bits == 32
    )


def _is_aac(file: BinaryIO) -> bool:
    """Whether it is AAC inside, and not ALAC, which few browsers play."""
    file.seek(0)
    try:
        info: Any = MP4(fileobj=file).info  # type: ignore[no-untyped-call]
    except (MutagenError, ValueError, IndexError, struct.error):  # of damaged files
        return False
    return info is not None and info.codec.startswith("mp4a.40")

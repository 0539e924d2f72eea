"""What names a file's sound, whatever its tags say and wherever it lies.

The key is a hash of the length of the sound, and of three pieces of it: its beginning, its middle
and its end. Tags stand before or behind the sound in every format, so that a change of them moves
it and leaves it as it was. FLAC tells a hash of all of its sound by itself.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

#: Of each of the three pieces. What changes the sound of a file changes nearly all of it: a new
#: encoding, other volume, a cut.
_PIECE_BYTES = 8 * 1024
#: Less sound than this is no music, and may well be that of another file, too.
LEAST_BYTES = 1024
_KEY_BYTES = 16
#: Blocks, chunks and atoms before the sound: more are those of a damaged file.
_MOST_PARTS = 1_000
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
#: The head of a page of Ogg (RFC 3533 §6): its numbers and check sum, and the lengths of its body.
_PAGE_HEAD_BYTES = 27
_LONGEST_HEAD_BYTES = _PAGE_HEAD_BYTES + 255

_READ_BYTES, _MOST_READ_BYTES = 1024 * 1024, 64 * 1024 * 1024

#: Where the sound begins, and where it ends.
Range = tuple[int, int]


def audio_key(file: BinaryIO) -> str | None:
    """The key of an open file's sound; None where there is next to none.

    It reads some 25 KB, and the headers of what stands before the sound.
    """
    size = file.seek(0, io.SEEK_END)
    start, end = _without_tags(file, size)
    magic = _read(file, start, 16)
    if magic[:4] == b"fLaC":
        checksum, start = _flac(file, start)
        if checksum is not None:
            return f"flac-{checksum}"
    elif magic[:4] == b"OggS":
        start, end = _first_sound_of_ogg(file, start), size
    else:
        start, end = _container(file, magic, start, end)
    if end - start < LEAST_BYTES:
        return None
    clean = _without_page_heads if magic[:4] == b"OggS" else bytes
    return _hash_of(file, start, end, clean)


def _hash_of(file: BinaryIO, start: int, end: int, clean: Callable[[bytes], bytes]) -> str:
    length = end - start
    digest = hashlib.blake2b(str(length).encode(), digest_size=_KEY_BYTES)
    if length <= 3 * _PIECE_BYTES:
        digest.update(clean(_read(file, start, length)))
        return digest.hexdigest()
    for offset in (0, (length - _PIECE_BYTES) // 2, length - _PIECE_BYTES):
        digest.update(clean(_read(file, start + offset, _PIECE_BYTES)))
    return digest.hexdigest()


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _without_tags(file: BinaryIO, size: int) -> Range:
    """The file without ID3v2 at its beginning, and without ID3v1 and APE tags at its end."""
    start, end = 0, size
    # id3.org, ID3v2.4 §3.1: some programs write one behind another.
    for _ in range(4):
        head = _read(file, start, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        footer = 10 if head[5] & 0x10 else 0
        start += 10 + footer + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    tail = _read(file, max(0, size - 160), 160)
    if tail[-128:-125] == b"TAG":
        tail, end = tail[:-128], end - 128
    # The footer of APEv1 and APEv2; its length is without a header of 32 bytes.
    if tail[-32:-24] == b"APETAGEX":
        length = int.from_bytes(tail[-20:-16], "little")
        has_header = tail[-9] & 0x80
        end -= length + (32 if has_header else 0)
    return min(start, size), max(end, 0)


def _flac(file: BinaryIO, start: int) -> tuple[str | None, int]:
    """The MD5 of the sound, if the encoder told one, and where the sound begins (RFC 9639 §8)."""
    head = _read(file, start + 4, 38)
    checksum = head[22:38]
    if len(checksum) == 16 and any(checksum):
        return checksum.hex(), start
    at = start + 4
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 4)
        if len(head) < 4:
            break
        at += 4 + int.from_bytes(head[1:])
        if head[0] & 0x80:
            break
    return None, at


def _container(file: BinaryIO, magic: bytes, start: int, end: int) -> Range:
    """The part of a file that holds its sound: the whole of it where it is no container."""
    if magic[4:8] == b"ftyp":
        return _part(_atoms(file, start, end), b"mdat") or (start, end)
    if magic[:4] == b"RIFF":
        return _part(_chunks(file, start, end, "little"), b"data") or (start, end)
    if magic[:4] == b"FORM":
        return _part(_chunks(file, start, end, "big"), b"SSND") or (start, end)
    if magic == _ASF:
        return start + int.from_bytes(_read(file, start + 16, 8), "little"), end
    return start, end


def _part(parts: Iterator[tuple[bytes, int, int]], name: bytes) -> Range | None:
    """The longest part of a name."""
    found = [(begin, end) for kind, begin, end in parts if kind == name]
    return max(found, key=lambda part: part[1] - part[0], default=None)


def _atoms(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The atoms of an MP4 file (ISO 14496-12 §4.2): names, and where their contents lie."""
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 16)
        if len(head) < 8:
            return
        size, begin = int.from_bytes(head[:4]), at + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16]), at + 16
        elif size == 0:
            size = end - at
        yield head[4:8], begin, min(at + size, end)
        if size < 8:
            return
        at += size


def _chunks(
    file: BinaryIO, at: int, end: int, order: Literal["little", "big"]
) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a WAV or AIFF file: names, and where their contents lie."""
    at += 12
    for _ in range(_MOST_PARTS):
        head = _read(file, at, 8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:8], order)
        yield head[:4], at + 8, min(at + 8 + size, end)
        at += 8 + size + size % 2


def _first_sound_of_ogg(file: BinaryIO, at: int) -> int:
    """Where the first page begins on which sound ends: tags and headers have pages of their own.

    Theirs tell the position 0, or none where a packet goes on (RFC 3533 §6, RFC 7845 §3).
    """
    for _ in range(_MOST_PARTS):
        head = _read(file, at, _LONGEST_HEAD_BYTES)
        if len(head) < _PAGE_HEAD_BYTES or head[:4] != b"OggS":
            return at
        if head[6:14] not in (bytes(8), b"\xff" * 8):
            return at
        count = head[26]
        at += _PAGE_HEAD_BYTES + count + sum(head[27 : 27 + count])
    return at


def _without_page_heads(piece: bytes) -> bytes:
    """A piece of an Ogg file without the heads of its pages, which are numbered anew with the tags.

    It may begin within a head: what may belong to one is left out.
    """
    at = piece.find(b"OggS")
    kept = [piece[_LONGEST_HEAD_BYTES - 1 : at if at >= 0 else None]]
    while at >= 0:
        count = piece[at + 26] if at + 26 < len(piece) else 0
        body = at + _PAGE_HEAD_BYTES + count
        length = sum(piece[at + 27 : body])
        kept.append(piece[body : body + length])
        at = piece.find(b"OggS", body + length)
    return b"".join(kept)


def content_key(file: BinaryIO) -> str:
    """The key of all that is in a file, of a large one of its beginning and its length."""
    digest = hashlib.blake2b(str(file.seek(0, io.SEEK_END)).encode(), digest_size=_KEY_BYTES)
    file.seek(0)
    for _ in range(_MOST_READ_BYTES // _READ_BYTES):
        digest.update(file.read(_READ_BYTES))
    return digest.hexdigest()

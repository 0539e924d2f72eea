"""Which files browsers play is told by what is in them."""

from __future__ import annotations

import io
import struct

import pytest

from library.sound.kinds import media_type

ID3 = b"ID3\x04\x00\x00\x00\x00\x02\x01" + bytes(257)


def wav(kind: int, bits: int) -> bytes:
    form = struct.pack("<HHIIHH", kind, 2, 44_100, 176_400, 4, bits)
    return b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + form + b"data\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"fLaC" + bytes(50), "audio/flac"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio/ogg"),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg"),
        (b"OggS" + bytes(24) + b"Speex   ", None),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf3\x90\x00", "audio/mpeg"),
        (b"\xff\xfd\x90\x00", None),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (ID3 + b"\xff\xfb\x90\x00", "audio/mpeg"),
        (ID3 + b"\xff\xf1\x50\x80", "audio/aac"),
        (ID3 + b"fLaC", None),
        (ID3, None),
        (wav(1, 16), "audio/wav"),
        (wav(1, 24), "audio/wav"),
        (wav(3, 32), "audio/wav"),
        (wav(2, 4), None),
        (wav(3, 64), None),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(40), None),
        (b"FORM\x00\x00\x00\x00AIFF", None),
        (b"wvpk" + bytes(40), None),
        (b"MAC " + bytes(40), None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_a_file_is_what_it_begins_with(data, expected):
    assert media_type(io.BytesIO(data)) == expected

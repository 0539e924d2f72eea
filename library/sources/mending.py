"""Tags that say they are Latin-1 and are not: what they say in truth, where that is certain. Pure.

ID3v1 and the first kind of ID3v2 text have no other encoding than Latin-1, and programs wrote what
their Windows used: cp1251, Shift-JIS and others. A word tells nothing; an album may. Whether the
texts are of the West is decided by their words: "Björk" has one letter beyond ASCII among five,
"Êèíî" four of four, and no language that Latin-1 is made for has many such words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

#: What charset-normalizer may choose from.
_ENCODINGS = [
    *("cp1251", "koi8_r", "cp866", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
    *("cp1253", "cp1255", "cp1256", "cp874"),
]
#: Letters of the West in cp1252 where Latin-1 has control characters.
_WINDOWS = "cp1252"
#: A word is foreign if it is this long and this share of it is beyond ASCII.
_LETTERS, _SHARE = 3, 0.7
#: An album is detected by at least so many different foreign words, of so many letters together.
_WORDS, _ALL_LETTERS = 3, 20
#: The best reading is at most this messy (0…1), and each other one messier by at least this.
_MESS, _MARGIN = 0.1, 0.12
#: A detector is asked about at most this many bytes.
_MOST_BYTES = 8_000


def is_doubtful(text: str) -> bool:
    """Whether a text that was read as Latin-1 may be in another encoding."""
    return any("\x80" <= letter <= "\xff" for letter in text)


def encoding_of(texts: Iterable[str]) -> str | None:
    """The encoding in which the texts of an album were written that were read as Latin-1.

    None where they are in Latin-1, or where it is not certain.
    """
    doubtful = list(dict.fromkeys(text for text in texts if is_doubtful(text)))
    data = "\n".join(doubtful).encode("latin-1", "ignore")[:_MOST_BYTES]
    if not data:
        return None
    if _is_utf_8(data):
        return "utf-8"
    words = {word for text in doubtful for word in re.split(r"[\s\x00-\x2f]+", text)}
    foreign = [word for word in words if _is_foreign(word)]
    if not foreign:
        return _WINDOWS if re.search(rb"[\x80-\x9f]", data) and _decodes(data, _WINDOWS) else None
    if len(foreign) < _WORDS or sum(map(len, foreign)) < _ALL_LETTERS:
        return None
    return _detected(data)


def mended(text: str, encoding: str | None) -> str:
    """A text that was read as Latin-1, as it is in another encoding; itself if it is not so."""
    if encoding is None or not is_doubtful(text):
        return text
    try:
        return text.encode("latin-1").decode(encoding)
    except UnicodeEncodeError:
        return text
    except UnicodeDecodeError as error:
        # ID3v1 cuts a text after 30 bytes, and may so cut the last letter in two.
        is_cut = error.start >= len(text) - 3 and error.start > 0
        return text[: error.start].encode("latin-1").decode(encoding) if is_cut else text


def _is_foreign(word: str) -> bool:
    beyond = sum(letter >= "\x80" for letter in word)
    return len(word) >= _LETTERS and beyond >= _SHARE * len(word)


def _is_utf_8(data: bytes) -> bool:
    return _decodes(data, "utf-8") and re.search(rb"[\xc3-\xf4][\x80-\xbf]", data) is not None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _detected(data: bytes) -> str | None:
    found = list(from_bytes(data, cp_isolation=_ENCODINGS, threshold=1.0))
    if not found or found[0].chaos > _MESS:
        return None
    best, others = found[0], found[1:]
    if all(other.chaos >= best.chaos + _MARGIN for other in others):
        return str(best.encoding)
    return None

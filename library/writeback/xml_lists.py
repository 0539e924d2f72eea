"""Entries of lists in XML: XSPF and WPL, put in as the last one is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

from ..sources.lists import Exists, SongList
from ..sources.xml_lists import parse_wpl, parse_xspf
from .entries import ListFormat, NewEntry
from .errors import NotWritable
from .places import URI, WINDOWS, Style
from .text import Edit, ListText
from .xml_tags import Element, declared_encoding, elements

#: What XML 1.0 can write in no way, halves of letters among them.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE = re.compile(r"[ \t\r\n]*")
#: The order in which programs write the children of a track.
_FIELDS = ("location", "title", "creator", "album", "duration")


def insert_xspf(text: ListText, entries: Sequence[NewEntry]) -> list[Edit]:
    """The entries behind the last track, with the children that the last track has."""
    found = elements(text.text, ("track", "trackList"))
    tracks = [one for one in found if _name(one) == "track" and _local(one.parent) == "trackList"]
    lists = [one for one in found if _name(one) == "trackList"]
    if not lists:
        raise NotWritable("The list has no place for songs: its trackList is missing.")
    prefix = (tracks or lists)[-1].prefix
    before = _space_before(text.text, tracks[-1]) if tracks else None
    wanted, inner, last = list(_FIELDS), "", ""
    if tracks:
        inside = text.text[tracks[-1].begin : tracks[-1].end]
        has = {_name(one) for one in elements(inside, _FIELDS)}
        wanted = [field for field in _FIELDS if field == "location" or field in has]
        inner = _leading_space(text.text, tracks[-1].opened, tracks[-1].closing)
        last = _trailing_space(text.text, tracks[-1].opened, tracks[-1].closing)

    def written(entry: NewEntry) -> str:
        said = _fields(entry)
        parts = [
            f"{inner}<{prefix}{name}>{_text(text, said[name])}</{prefix}{name}>"
            for name in wanted
            if said[name]
        ]
        return f"<{prefix}track>{''.join(parts)}{last}</{prefix}track>"

    return _put_in(text, entries, written, lists[-1], tracks, before)


def _fields(entry: NewEntry) -> dict[str, str]:
    song = entry.song
    duration = "" if song.duration_seconds is None else str(round(song.duration_seconds * 1000))
    return {
        "location": entry.place,
        "title": song.title,
        "creator": song.artist or "",
        "album": song.album or "",
        "duration": duration,
    }


def insert_wpl(text: ListText, entries: Sequence[NewEntry]) -> list[Edit]:
    """The entries behind the last one, with the attributes that it has; and their number."""
    found = elements(text.text, ("media", "meta", "seq", "smartPlaylist"))
    if any(_name(one) == "smartPlaylist" for one in found):
        raise NotWritable("The list is filled by rules: its own program would take the songs out.")
    media = [one for one in found if _name(one) == "media"]
    lists = [one for one in found if _name(one) == "seq"]
    if not lists:
        raise NotWritable("The list has no place for songs: its seq is missing.")
    before = _space_before(text.text, media[-1]) if media else None
    prefix = (media or lists)[-1].prefix
    has = media[-1].attributes if media else {}

    def written(entry: NewEntry) -> str:
        fields = _fields(entry)
        said = {
            "src": entry.place,
            "albumTitle": fields["album"],
            "trackTitle": fields["title"],
            "trackArtist": fields["creator"],
            "duration": fields["duration"],
        }
        attributes = "".join(
            f" {name}={quoteattr(_fit(text, value))}"
            for name, value in said.items()
            if value and (name == "src" or name in has)
        )
        end = "/>" if not media or media[-1].is_alone else f"></{prefix}media>"
        return f"<{prefix}media{attributes}{end}"

    edits = _put_in(text, entries, written, lists[-1], media, before)
    return edits + _counted(text, found, len(entries))


def _counted(text: ListText, found: Sequence[Element], new: int) -> list[Edit]:
    """The number of entries that a list says it has, brought up to date."""
    for one in found:
        is_count = _name(one) == "meta" and one.attributes.get("name", "").lower() == "itemcount"
        said = one.attributes.get("content", "")
        if is_count and said.isascii() and said.isdecimal() and len(said) < 10:
            tag = text.text[one.begin : one.opened]
            at = re.search(rf"content\s*=\s*[\"']({said})[\"']", tag)
            if at is not None:
                return [Edit(one.begin + at.start(1), str(int(said) + new), said)]
    return []


def _put_in(
    text: ListText,
    entries: Sequence[NewEntry],
    written: Callable[[NewEntry], str],
    parent: Element,
    siblings: Sequence[Element],
    before: str | None,
) -> list[Edit]:
    """Elements behind the last of their kind, or as the first in their parent."""
    if siblings:
        block = "".join(f"{before}{written(entry)}" for entry in entries)
        return [Edit(siblings[-1].end, block)]
    indent = _space_before(text.text, parent)
    end = text.line_end if indent.startswith(("\r", "\n")) else ""
    inner = indent + "  " if end else ""
    block = "".join(f"{inner}{written(entry)}" for entry in entries)
    if not parent.is_alone:
        rest = text.text[parent.opened : parent.closing]
        return [Edit(parent.opened, block + ("" if rest else indent))]
    # <trackList/> becomes <trackList>…</trackList>, without a letter of it going.
    slash = parent.opened - 2
    return [Edit(slash, f">{block}{indent}<"), Edit(slash + 1, parent.name)]


def _name(one: Element) -> str:
    return _local(one.name)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _space_before(text: str, one: Element) -> str:
    """The line end and the indentation before an element."""
    return _trailing_space(text, 0, one.begin)


def _leading_space(text: str, begin: int, end: int) -> str:
    found = _SPACE.match(text, begin, end)
    return _one_line_end(found[0]) if found else ""


def _trailing_space(text: str, begin: int, end: int) -> str:
    part = text[max(begin, end - 200) : end]
    return _one_line_end(part[len(part.rstrip(" \t\r\n")) :])


def _one_line_end(space: str) -> str:
    """The last line end and what follows it: blank lines between two tracks are no habit."""
    newest = max(space.rfind("\n"), space.rfind("\r"))
    if newest < 0:
        return space
    return space[newest - 1 if space[newest - 1 : newest + 1] == "\r\n" else newest :]


def _text(text: ListText, value: str) -> str:
    return escape(_fit(text, value))


def _fit(text: ListText, value: str) -> str:
    """A text as XML and the list's encoding take it."""
    fit = _NO_XML.sub(" ", value.encode("utf-8", "replace").decode())
    return fit.encode(text.encoding, "replace").decode(text.encoding)


def _takes(text: ListText, place: str) -> bool:
    return _NO_XML.search(place) is None and place == place.strip() and _fit(text, place) == place


def _format(
    read: Callable[[bytes], SongList],
    style: Style,
    insert: Callable[[ListText, Sequence[NewEntry]], list[Edit]],
) -> ListFormat:
    def encoding(data: bytes, _exists: Exists) -> str:
        return declared_encoding(data)

    return ListFormat(lambda data, _: read(data), encoding, style, _takes, insert)


XSPF = _format(parse_xspf, URI, insert_xspf)
WPL = _format(parse_wpl, WINDOWS, insert_wpl)

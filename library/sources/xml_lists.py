"""XSPF and WPL playlists: XML, in which no entity is ever resolved. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .lists import Entry, NotAList, SongList, called, named, seconds_of


def parse_xspf(data: bytes) -> SongList:
    """The playlist in an XSPF file's bytes (xspf.org, version 0 or 1).

    Raises:
        NotAList: it is no XSPF, or declares entities.
    """
    top = _parse(data, "playlist")
    tracks = (element for element in top.iter() if _name(element) == "track")
    return SongList(tuple(map(_track, tracks)), _text(top, "title"))


def parse_wpl(data: bytes) -> SongList:
    """The playlist in the bytes of a WPL file, as Windows Media Player writes it, or a ZPL file.

    Raises:
        NotAList: it is no WPL, or declares entities.
    """
    top = _parse(data, "smil")
    media = [element for element in top.iter() if _name(element) == "media"]
    entries = (
        Entry((place,), called(*(said := _said(element))), named(*said))
        for element in media
        if (place := (element.get("src") or "").strip())
    )
    heads = [element for element in top if _name(element) == "head"]
    return SongList(tuple(entries), _text(heads[0], "title") if heads else None)


def _parse(data: bytes, wanted: str) -> Element:
    try:
        top: Element = fromstring(data, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NotAList from error
    if _name(top) != wanted:
        raise NotAList
    return top


def _track(element: Element) -> Entry:
    places = tuple(_texts(element, "location"))
    artist, title, milliseconds = (_text(element, n) for n in ("creator", "title", "duration"))
    return Entry(
        places,
        called(artist, title),
        named(artist, title, album=_text(element, "album"), seconds=seconds_of(milliseconds)),
    )


def _said(media: Element) -> tuple[str | None, str | None]:
    """Artist and title of a song in a WPL file."""
    return media.get("trackArtist"), media.get("trackTitle")


def _name(element: Element) -> str:
    """The element's name without its namespace, which some programs leave out or misspell."""
    return str(element.tag).rpartition("}")[2]


def _texts(parent: Element, name: str) -> Iterator[str]:
    for element in parent:
        if _name(element) == name and element.text and element.text.strip():
            yield element.text.strip()


def _text(parent: Element, name: str) -> str | None:
    return next(_texts(parent, name), None)

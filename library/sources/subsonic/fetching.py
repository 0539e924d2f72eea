"""A song's sound, fetched into a file, and gone on with where a connection broke."""

from __future__ import annotations

import re

from ...errors import NoSound, UnreadableFile
from .cache import Part
from .client import SubsonicClient
from .errors import AnswerRefused, Failed, LoginRefused, NotFound, ServerAway, ServerError

#: How often a broken connection is made anew for one song.
_TRIES = 4
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(?:\d{1,15}|\*)")
#: The original file, and where that is not allowed, what is played: it, too, as it is.
_CALLS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("download", ()),
    ("stream", (("format", "raw"),)),
)


def fetch_sound(
    client: SubsonicClient, song_id: str, part: Part, *, size: int | None, at_most: int
) -> None:
    """Write a song's sound into a part. `size` is what the server said; it may be wrong.

    Raises:
        UnreadableFile: it cannot be fetched, in a sentence for the person.
        ServerError: the server is away, or lets the person in no more.
    """
    failure: ServerError | None = None
    for endpoint, more in _CALLS:
        try:
            _fetch(client, endpoint, (("id", song_id), *more), part, size=size, at_most=at_most)
        except (LoginRefused, ServerAway):
            raise
        except NotFound as error:
            raise NoSound("The server has this song no more.") from error
        except (Failed, AnswerRefused) as error:
            failure = error
            part.begin_again()
        else:
            return
    raise UnreadableFile(f"The server does not send this song: {failure}") from failure


def _fetch(
    client: SubsonicClient,
    endpoint: str,
    parameters: tuple[tuple[str, str], ...],
    part: Part,
    *,
    size: int | None,
    at_most: int,
) -> None:
    for tries_left in reversed(range(_TRIES)):
        before = part.size
        try:
            is_told = _go_on(client, endpoint, parameters, part, at_most=at_most)
        except ServerAway:
            # Whatever came makes a further try worth it.
            if not tries_left or part.size == before:
                raise
            continue
        except AnswerRefused:
            # What was there before may be whole, or of another file.
            if not before or not tries_left:
                raise
            part.begin_again()
            continue
        if part.size == 0:
            raise AnswerRefused("The server sends an empty file.")
        # Without a length, an answer that was cut off looks like one that ended.
        if is_told or not size or part.size >= size or part.size == before:
            return


def _go_on(
    client: SubsonicClient,
    endpoint: str,
    parameters: tuple[tuple[str, str], ...],
    part: Part,
    *,
    at_most: int,
) -> bool:
    """Fetch from where the part ends; whether the server told the length."""
    with client.download(endpoint, parameters, offset=part.size, at_most=at_most) as answer:
        if part.size and not _goes_on_at(answer.headers.get("Content-Range", ""), part.size):
            part.begin_again()
        for piece in answer.iter_raw():
            part.write(piece)
        return "Content-Length" in answer.headers


def _goes_on_at(content_range: str, offset: int) -> bool:
    found = _RANGE.fullmatch(content_range.strip())
    return found is not None and int(found[1]) == offset

"""A song's sound, its waveform, and samples of what it is compared with: for its owner alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from library import matches, playlists
from library.errors import SourceUnavailable, UnreadableFile
from library.sound.mp3 import MAX_SECONDS
from library.sound.samples import SAMPLE_SECONDS, Clip, Sample, of_playlist
from library.sound.songs import Place, place, volume_of
from progress.errors import TooManyStreams
from progress.wsgi import Problem
from tasks.sources import installation

from ..job_views import parse_id
from ..services import services
from ..sessions import account_id
from .body import SoundBody, SoundResponse
from .files import SongFile, open_file
from .making import RETRY_AFTER_SECONDS, Busy, CannotBeMade
from .offers import Offer, media_type_of, offer, wish
from .ranges import Asked, asked
from .services import sound_services

logger = logging.getLogger(__name__)

blueprint = Blueprint("sounds", __name__, url_prefix="/api/songs")

_EMPTY = (HTTPStatus.NOT_MODIFIED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
_LONGEST_CLIP_SECONDS = 30.0
NO_SOUND = "This song has no sound here: only its name is known."


class Refused(Exception):
    """A song that cannot be played, or not now."""

    def __init__(self, status: HTTPStatus, detail: str, *, retry_after_seconds: int = 0) -> None:
        self.problem = Problem(status, detail, retry_after_seconds=retry_after_seconds)
        super().__init__(detail)


@blueprint.errorhandler(Refused)
def _refused(error: Refused) -> Response:
    return Response(error.problem.body, error.problem.status, error.problem.headers)


@blueprint.get("/<song_id>/sound")
def sound(song_id: str) -> ResponseReturnValue:
    """A song's sound: its file, or MP3 where browsers do not play that or ``as=mp3`` asks so.

    With ``from`` and ``seconds`` it is MP3 of that part alone.
    """
    clip, as_mp3 = _clip(request.args), request.args.get("as") == "mp3"
    makers, mine = sound_services().makers, account_id()
    with _opened(song_id) as (found, file), _told():
        return _answer(offer(found, file, makers, account_id=mine, as_mp3=as_mp3, clip=clip))


def _clip(query: Mapping[str, str]) -> Clip | None:
    if "from" not in query:
        return None
    try:
        begin, seconds = float(query["from"]), float(query.get("seconds", ""))
    except ValueError:
        abort(400)
    # Also of what is no number.
    if not (0 <= begin < MAX_SECONDS and 0 < seconds <= _LONGEST_CLIP_SECONDS):
        abort(400)
    return Clip(round(begin, 1), round(seconds, 1))


def _answer(offered: Offer) -> Response:
    size_bytes = offered.size_bytes
    part = Asked(HTTPStatus.OK, 0, None, {})
    if size_bytes is not None:
        part = asked(request.headers, size_bytes=size_bytes, version=offered.version)
    headers = {**offered.headers, **part.headers}
    if request.method == "HEAD" or part.status in _EMPTY:
        return Response(status=part.status, headers=headers)
    sender, mine = sound_services().sender, str(account_id())
    sender.admit(mine)
    try:
        content = offered.open()
    except BaseException:
        sender.give_back(mine)
        raise
    body = SoundBody(sender, mine, content, start=part.start, stop=part.stop)
    return SoundResponse(body, part.status, headers)


@blueprint.get("/<song_id>/waveform")
def waveform(song_id: str) -> ResponseReturnValue:
    """How loud a song is from its beginning to its end: 200 numbers from 0 to 255.

    None, and a time after which to ask again, while they are being made.
    """
    with _opened(song_id) as (found, file), _told():
        wanted = wish(found, file, account_id=account_id())
        peaks = sound_services().makers.waveform(wanted)
    answer = jsonify(peaks=None if peaks is None else list(peaks))
    answer.headers["Cache-Control"] = "private, no-cache"
    if peaks is None:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


@blueprint.get("/<song_id>/samples")
def sampled(song_id: str) -> ResponseReturnValue:
    """Some seconds of songs of a playlist that speak for this song's belonging there.

    The playlist is ``list``, or the one that is proposed for the song first.
    """
    key, mine = parse_id(song_id) or abort(404), account_id()
    with services().database.reading() as session:
        place(session, account_id=mine, song_id=key) or abort(404)
        list_id = parse_id(request.args.get("list")) or _first_list(session, mine, key)
        if list_id is None:
            return jsonify(samples=[])
        playlists.get(session, account_id=mine, playlist_id=list_id) or abort(404)
        found = of_playlist(session, account_id=mine, song_id=key, playlist_id=list_id)
        return jsonify(samples=[_sample_json(session, mine, sample) for sample in found])


def _first_list(session: Session, account: UUID, song_id: UUID) -> UUID | None:
    proposed = matches.of_song(session, account_id=account, song_id=song_id)
    return proposed[0].playlist_id if proposed else None


def _sample_json(session: Session, account: UUID, sample: Sample) -> dict[str, object]:
    is_made = _is_made(session, account, sample.song_id)
    clip = f"?from={sample.start_seconds:.1f}&seconds={SAMPLE_SECONDS:g}"
    # Of a song that has to be made, ten seconds are made and not all that is before them.
    return {
        "title": sample.title,
        "artist": sample.artist,
        "sound": url_for(".sound", song_id=sample.song_id) + (clip if is_made else ""),
        "start_seconds": 0.0 if is_made else sample.start_seconds,
        "seconds": SAMPLE_SECONDS,
        "volume": round(volume_of(sample.loudness_lufs), 3),
    }


def _is_made(session: Session, account: UUID, song_id: UUID) -> bool:
    """Whether a song is played as MP3 that is made of it; a file that is away is not."""
    found = place(session, account_id=account, song_id=song_id)
    try:
        file = open_file(found, installation(services().settings)) if found else None
    except (UnreadableFile, SourceUnavailable):
        return False
    if file is None:
        return found is not None
    try:
        return media_type_of(file) is None
    except OSError:
        return False
    finally:
        file.close()


@contextmanager
def _opened(song_id: str) -> Iterator[tuple[Place, SongFile | None]]:
    """One of the present account's songs and its file, where that is at hand."""
    key, mine = parse_id(song_id) or abort(404), account_id()
    with services().database.reading() as session:
        found = place(session, account_id=mine, song_id=key) or abort(404)
    if not found.has_sound:
        raise Refused(HTTPStatus.NOT_FOUND, NO_SOUND)
    try:
        file = open_file(found, installation(services().settings))
    except (UnreadableFile, SourceUnavailable) as error:
        raise Refused(HTTPStatus.NOT_FOUND, str(error)) from error
    try:
        yield found, file
    finally:
        if file is not None:
            file.close()


@contextmanager
def _told() -> Iterator[None]:
    """A block whose failures are told in words."""
    try:
        yield
    except TooManyStreams as error:
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many songs are on their way to you already. Stop one, then try again.",
            retry_after_seconds=error.retry_after_seconds,
        ) from error
    except CannotBeMade as error:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"This song cannot be played. {error}"
        ) from error
    except Busy as error:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Other songs are being made ready to be played. Try again in a moment.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        ) from error
    except OSError as error:
        logger.warning("A song was not played: %s", error, extra={"action": "not_played"})
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "This song cannot be played now: its disk or Earmark's own does not answer as it "
            "should.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        ) from error

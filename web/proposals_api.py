"""Proposals for programs: what waits, a playlist's candidates, and what overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from library import matches, overlaps, playlists, songs

from .api import answer_errors
from .job_views import parse_id
from .paging import Page, mark_text, parse_mark
from .review_requests import QueueRequest
from .services import services
from .sessions import account_id

blueprint = Blueprint("proposals_api", __name__, url_prefix="/api")
answer_errors(blueprint)

PAGE_SONGS = 50


@blueprint.get("/proposals")
def proposals() -> ResponseReturnValue:
    """The songs that wait in a queue, the surest first, with all that is proposed for each."""
    asked, after, mine = QueueRequest.parse(request.args), _after(), account_id()
    with services().database.reading() as session:
        found = matches.page(
            session, account_id=mine, wanted=asked.wanted, after=after, limit=PAGE_SONGS + 1
        )
        page = Page.of(found, PAGE_SONGS)
        ids = [song.song_id for song in page.rows]
        lies_in = overlaps.playlists_of_each(session, account_id=mine, song_ids=ids)
    rows = [_waiting(song, lies_in.get(song.song_id, ())) for song in page.rows]
    return jsonify(proposals=rows, links=_links("proposals", page, **asked.query))


@blueprint.get("/playlists/<playlist_id>/candidates")
def candidates(playlist_id: str) -> ResponseReturnValue:
    """Songs of the library that are proposed for a playlist, the surest first."""
    key, after, mine = parse_id(playlist_id) or abort(404), _after(), account_id()
    least = QueueRequest.parse(request.args).least_percent
    with services().database.reading() as session:
        playlists.get(session, account_id=mine, playlist_id=key) or abort(404)
        found = matches.candidates(
            session,
            account_id=mine,
            playlist_id=key,
            least=least / 100,
            after=after,
            limit=PAGE_SONGS + 1,
        )
    page = Page.of(found, PAGE_SONGS)
    rows = [_song(song) | _how_sure(song) for song in page.rows]
    asked = {"playlist_id": playlist_id, "least": least or None}
    return jsonify(candidates=rows, links=_links("candidates", page, **asked))


@blueprint.get("/playlists/<playlist_id>/alike")
def alike(playlist_id: str) -> ResponseReturnValue:
    """The playlists that are nearly the same as one."""
    key, mine = parse_id(playlist_id) or abort(404), account_id()
    with services().database.reading() as session:
        playlists.get(session, account_id=mine, playlist_id=key) or abort(404)
        found = overlaps.nearly_the_same(session, account_id=mine, playlist_id=key)
    return jsonify(
        playlists=[
            {**_playlist(row), "common": row.common, "overlap": round(row.overlap, 4)}
            for row in found
        ]
    )


@blueprint.get("/songs/<song_id>/playlists")
def of_song(song_id: str) -> ResponseReturnValue:
    """The playlists that a song is in, and those that are proposed for it."""
    key, mine = parse_id(song_id) or abort(404), account_id()
    with services().database.reading() as session:
        songs.get(session, account_id=mine, song_id=key) or abort(404)
        is_in = overlaps.playlists_of(session, account_id=mine, song_id=key)
        proposed = matches.of_song(session, account_id=mine, song_id=key)
    return jsonify(playlists=[_playlist(row) for row in is_in], proposed=_proposed(proposed))


def _after() -> matches.Mark | None:
    return parse_mark(request.args.get("after", ""))


def _links(endpoint: str, page: Page[Any], **asked: Any) -> dict[str, str | None]:
    if page.last is None:
        return {"next": None}
    return {"next": url_for(f".{endpoint}", after=mark_text(page.last.mark), **asked)}


def _waiting(
    song: matches.ListedProposal, lies_in: Sequence[overlaps.NamedPlaylist]
) -> dict[str, Any]:
    return _song(song) | {
        "proposed": _proposed(song.matches),
        "playlists": [_playlist(row) for row in lies_in],
    }


def _song(song: matches.ListedProposal | matches.ListedCandidate) -> dict[str, Any]:
    return {"song": str(song.song_id), "title": song.title, "artist": song.artist}


def _proposed(found: Iterable[matches.ListedMatch]) -> list[dict[str, Any]]:
    return [{"playlist": str(row.playlist_id), "name": row.name} | _how_sure(row) for row in found]


def _how_sure(row: matches.ListedMatch | matches.ListedCandidate) -> dict[str, Any]:
    return {"score": round(row.score, 4), "reasons": list(row.reasons)}


def _playlist(row: overlaps.NamedPlaylist | overlaps.Alike) -> dict[str, Any]:
    return {"playlist": str(row.id), "name": row.name}

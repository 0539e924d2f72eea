"""Songs that may belong into one playlist: from the whole library, above a bound, put in or not."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import matches, overlaps, playlists

from . import deciding
from .job_views import parse_id
from .paging import Page, mark_text, parse_mark
from .review_requests import BOUND_NAMES, BOUNDS, DecisionRequest, QueueRequest
from .services import services
from .sessions import account_id

blueprint = Blueprint("candidates", __name__)

PAGE_SONGS = 50


@blueprint.get("/playlists/<playlist_id>/candidates")
def candidates(playlist_id: str) -> ResponseReturnValue:
    """Songs of the library that are proposed for a playlist, the surest first."""
    key, mine = parse_id(playlist_id) or abort(404), account_id()
    least = QueueRequest.parse(request.args).least_percent
    after = parse_mark(request.args.get("after", ""))
    with services().database.reading() as session:
        kept = playlists.get(session, account_id=mine, playlist_id=key) or abort(404)
        found = matches.candidates(
            session,
            account_id=mine,
            playlist_id=key,
            least=least / 100,
            after=after,
            limit=PAGE_SONGS + 1,
        )
        alike = overlaps.nearly_the_same(session, account_id=mine, playlist_id=key)
    page = Page.of(found, PAGE_SONGS)
    return render_template(
        "candidates.html",
        playlist=kept,
        page=page,
        alike=alike,
        least=least,
        bounds=BOUNDS,
        bound_names=BOUND_NAMES,
        is_first=after is None,
        following=mark_text(page.last.mark) if page.last else None,
    )


@blueprint.post("/playlists/<playlist_id>/candidates")
def decide(playlist_id: str) -> ResponseReturnValue:
    """Put a song into the playlist, or have it proposed for it no more."""
    key, mine = parse_id(playlist_id) or abort(404), account_id()
    with services().database.reading() as session:
        playlists.get(session, account_id=mine, playlist_id=key) or abort(404)
    said = DecisionRequest.parse({**request.form, "list": str(key)}) or abort(400)
    if said.verdict not in ("accept", "reject"):
        abort(400)
    with services().database.session() as session:
        done, decision = deciding.decide(session, said)
    deciding.match_again(decision)
    flash(deciding.sentence(said, decision) if done else deciding.GONE)
    least = QueueRequest.parse(request.form).least_percent
    page = url_for(".candidates", playlist_id=playlist_id, least=least or None)
    return redirect(page, 303)

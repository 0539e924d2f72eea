"""What a person loves: which lists and stars of each source say so, and hearts."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from library import account_sources, liked_lists, likes

from .job_views import parse_id
from .next_path import own_path
from .problems import problem
from .services import services
from .sessions import account_id

blueprint = Blueprint("loved", __name__)

#: What a person may choose as the bound of stars; 0 is none.
BOUNDS = (0, 3, 4, 5)


@blueprint.post("/sources/<source_id>/lists")
def choose_list(source_id: str) -> ResponseReturnValue:
    """Have a list be one of loved songs, or a playlist like others."""
    key, is_liked = parse_id(source_id) or abort(404), request.form.get("loved") == "yes"
    with services().database.session() as session:
        if not liked_lists.choose(
            session,
            account_id=account_id(),
            source_id=key,
            external_id=request.form.get("list", ""),
            is_liked=is_liked,
        ):
            abort(404)
    what = "one of songs you love" if is_liked else "a playlist like others"
    flash(f"The next sync reads this list as {what}.")
    return redirect(url_for("sources.source", source_id=source_id), 303)


@blueprint.post("/sources/<source_id>/stars")
def choose_stars(source_id: str) -> ResponseReturnValue:
    """Have a source's songs of so many stars be loved."""
    mine, wanted = account_id(), request.form.get("stars", "")
    key = parse_id(source_id) or abort(404)
    with services().database.session() as session:
        found = account_sources.get(session, account_id=mine, source_id=key) or abort(404)
        if wanted not in map(str, BOUNDS):
            abort(400)
        liked_lists.set_bound(session, account_id=mine, source_id=found.id, stars=int(wanted))
        session.flush()
        likes.follow_ratings(session, account_id=mine, source_id=found.id)
    flash("Your choice of stars is kept.")
    return redirect(url_for("sources.source", source_id=source_id), 303)


@blueprint.post("/songs/<song_id>/heart")
def heart(song_id: str) -> ResponseReturnValue:
    """Give a song a heart or take it away, from a page's button."""
    if not _set_heart(song_id, is_loved=request.form.get("loved") == "yes"):
        abort(404)
    back = own_path(request.form.get("next"), otherwise=url_for("pages.library"))
    return redirect(f"{back}#song-{song_id}", 303)


@blueprint.put("/api/songs/<song_id>/heart")
def put_heart(song_id: str) -> ResponseReturnValue:
    """Give a song a heart."""
    return _answer(song_id, is_loved=True)


@blueprint.delete("/api/songs/<song_id>/heart")
def delete_heart(song_id: str) -> ResponseReturnValue:
    """Take a song's heart away."""
    return _answer(song_id, is_loved=False)


def _answer(song_id: str, *, is_loved: bool) -> ResponseReturnValue:
    if not _set_heart(song_id, is_loved=is_loved):
        return problem(404, "There is no such song.")
    return "", 204


def _set_heart(song_id: str, *, is_loved: bool) -> bool:
    key = parse_id(song_id)
    if key is None:
        return False
    with services().database.session() as session:
        return likes.set_heart(session, account_id=account_id(), song_id=key, is_loved=is_loved)

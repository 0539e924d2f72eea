"""The review: proposals are accepted, rejected and put off, and every decision can be undone.

Each page works by plain forms. Its script (`client/src/pages/review.ts`) sends the same forms, asks
for JSON, and shows at once what the server then confirms.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from library import decisions, jobs, likes, matches, overlaps, playlists, songs
from library.models import Decision
from library.sound import samples
from library.sound import songs as sounding

from . import deciding
from .job_views import parse_id
from .paging import Page, mark_text, parse_mark, parse_number
from .problems import problem
from .review_requests import (
    BOUND_NAMES,
    BOUNDS,
    DecisionRequest,
    QueueRequest,
    decision_mark_text,
    parse_decision_mark,
)
from .services import services
from .sessions import account_id
from .words import amount

blueprint = Blueprint("review", __name__)

PAGE_SONGS = 50
PAGE_DECISIONS = 100
#: One request accepts at most this many songs, so that none takes longer than a second or so.
SONGS_AT_ONCE = 2_000
#: Alternatives that a song's card shows; its own page has all.
FEW_LISTS = 4


@blueprint.get("/proposals")
def queue() -> ResponseReturnValue:
    """The songs that wait for a decision, the surest first."""
    asked, after, mine = (
        QueueRequest.parse(request.args),
        request.args.get("after", ""),
        account_id(),
    )
    with services().database.reading() as session:
        found = matches.page(
            session,
            account_id=mine,
            wanted=asked.wanted,
            after=parse_mark(after),
            limit=PAGE_SONGS + 1,
        )
        page = Page.of(found, PAGE_SONGS)
        ids = [song.song_id for song in page.rows]
        return render_template(
            "review.html",
            page=page,
            lies_in=overlaps.playlists_of_each(
                session, account_id=mine, song_ids=ids if asked.may_be_in_lists else []
            ),
            sounds=sounding.of_songs(session, account_id=mine, song_ids=ids),
            following=mark_text(page.last.mark) if page.last else None,
            is_first=parse_mark(after) is None,
            asked=asked,
            waiting=matches.count(session, account_id=mine, wanted=asked.wanted),
            decided=decisions.counts(session, account_id=mine),
            lists=playlists.names(session, account_id=mine),
            loved=likes.count(session, account_id=mine),
            ran=jobs.latest(session, account_id=mine, kind="matching"),
            bounds=BOUNDS,
            bound_names=BOUND_NAMES,
            few=FEW_LISTS,
        )


@blueprint.get("/proposals/<song_id>")
def song(song_id: str) -> ResponseReturnValue:
    """One song: every playlist that is proposed for it, and all others to choose from."""
    key, mine = parse_id(song_id) or abort(404), account_id()
    with services().database.reading() as session:
        found = songs.get(session, account_id=mine, song_id=key) or abort(404)
        proposed = matches.of_song(session, account_id=mine, song_id=key)
        best = proposed[0].playlist_id if proposed else None
        return render_template(
            "review_song.html",
            song=found,
            sound=sounding.of_songs(session, account_id=mine, song_ids=[key]).get(key),
            samples=best
            and samples.of_playlist(session, account_id=mine, song_id=key, playlist_id=best),
            is_in=overlaps.playlists_of(session, account_id=mine, song_id=key),
            proposed=proposed,
            lists=playlists.names(session, account_id=mine),
            asked=QueueRequest.parse(request.args),
        )


@blueprint.post("/proposals/decide")
def decide() -> ResponseReturnValue:
    """Take what the person says of a song."""
    said = DecisionRequest.parse(request.form) or abort(400)
    with services().database.session() as session:
        reason = request.form.get("reason", "")
        done, decision = deciding.decide(session, said, reason=reason)
        # In the same transaction: the counts are those after this decision and before any other.
        state = _state(session) if done else {}
    if not done:
        return _gone()
    deciding.match_again(decision)
    return _answer(deciding.sentence(said, decision), decision, state)


@blueprint.get("/proposals/accept-all")
def preview() -> ResponseReturnValue:
    """What accepting all above a bound means, before it is done."""
    asked, mine = QueueRequest.parse(request.args), account_id()
    with services().database.reading() as session:
        total = matches.total(session, account_id=mine, wanted=asked.wanted)
        first = matches.page(session, account_id=mine, wanted=asked.wanted, limit=10)
    return render_template("review_all.html", asked=asked, total=total, first=first)


@blueprint.post("/proposals/accept-all")
def accept_all() -> ResponseReturnValue:
    """Accept the best proposal of every song that is asked for, as one act."""
    asked, mine = QueueRequest.parse(request.form), account_id()
    batch = parse_id(request.form.get("batch")) or uuid4()
    accepted, is_all = parse_number(request.form.get("accepted", "")) or 0, False
    most = accepted + SONGS_AT_ONCE
    while accepted < most and not is_all:
        with services().database.session() as session:
            done = decisions.accept_all(
                session, account_id=mine, wanted=asked.wanted, batch_id=batch
            )
        accepted, is_all = accepted + done, not done
    if not is_all:
        return _half_way(asked, batch, accepted)
    if accepted:
        deciding.match_all_again()
    flash(f"{amount(accepted, 'song')} accepted. Every one can be undone below.")
    return redirect(url_for("review.decided"), 303)


def _half_way(asked: QueueRequest, batch: UUID, accepted: int) -> ResponseReturnValue:
    """How far it is; the page goes on by itself, or by its button where there is no script."""
    with services().database.reading() as session:
        left = matches.count(session, account_id=account_id(), wanted=asked.wanted)
    fields = {"asked": asked, "batch": batch, "accepted": accepted, "left": left}
    return render_template("review_half.html", **fields)


@blueprint.get("/decisions")
def decided() -> ResponseReturnValue:
    """What was decided, the newest first."""
    after, mine = parse_decision_mark(request.args.get("after", "")), account_id()
    with services().database.reading() as session:
        found = decisions.page(session, account_id=mine, after=after, limit=PAGE_DECISIONS + 1)
        page = Page.of(found, PAGE_DECISIONS)
        last = page.last
        return render_template(
            "decisions.html",
            page=page,
            is_first=after is None,
            following=decision_mark_text((last.decided_at, last.id)) if last else None,
            counts=decisions.counts(session, account_id=mine),
        )


@blueprint.post("/decisions/<decision_id>/undo")
def undo(decision_id: str) -> ResponseReturnValue:
    """Take a decision back."""
    key = parse_id(decision_id) or abort(404)
    with services().database.session() as session:
        found = decisions.undo(session, account_id=account_id(), decision_id=key)
        state = _state(session) if found else {}
    if found is None:
        abort(404)
    deciding.match_again(found)
    return _answer(f"{found.song_label} is undecided again.", found, state, back="review.decided")


@blueprint.post("/decisions/batches/<batch_id>/undo")
def undo_batch(batch_id: str) -> ResponseReturnValue:
    """Take back all that one act decided."""
    key, count = parse_id(batch_id) or abort(404), 0
    while True:
        with services().database.session() as session:
            done = decisions.undo_batch(session, account_id=account_id(), batch_id=key)
        count += done
        if not done:
            break
    if not count:
        abort(404)
    deciding.match_all_again()
    flash(f"{amount(count, 'decision')} undone.")
    return redirect(url_for("review.decided"), 303)


def _state(session: Session) -> dict[str, Any]:
    """The numbers beside the queue."""
    asked, mine = QueueRequest.parse(request.form), account_id()
    counts = decisions.counts(session, account_id=mine)
    waiting = matches.count(session, account_id=mine, wanted=asked.wanted)
    return {"waiting": waiting, "accepted": counts.accepted, "rejected": counts.rejected}


def _wants_json() -> bool:
    offered = ("text/html", "application/json")
    return request.accept_mimetypes.best_match(offered) == "application/json"


def _answer(
    sentence: str, decision: Decision | None, state: dict[str, Any], *, back: str = "review.queue"
) -> ResponseReturnValue:
    if _wants_json():
        key: UUID | None = decision.id if decision is not None else None
        undo_at = url_for("review.undo", decision_id=str(key)) if key else None
        return jsonify(message=sentence, undo=undo_at, **state)
    flash(sentence)
    fields: dict[str, Any] = {}
    if back == "review.queue":
        fields.update(QueueRequest.parse(request.form).query)
    return redirect(url_for(back, **fields), 303)


def _gone() -> Response | ResponseReturnValue:
    if _wants_json():
        return problem(404, deciding.GONE)
    flash(deciding.GONE)
    return redirect(url_for("review.queue"), 303)

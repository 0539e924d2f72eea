"""Write-back for programs: what would be written, writing it, what was, and undoing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from library import write_backs
from tasks import write_back

from .api import accepted, answer_errors
from .api_requests import Unusable
from .job_views import parse_id
from .list_previews import WriteRequest, preview_json, write_back_json
from .paging import Page
from .problems import problem
from .review_requests import decision_mark_text, parse_decision_mark
from .services import services
from .sessions import account_id
from .writing import CHANGED, PAGE_WRITTEN, now_of, own, previews, start, start_undo, undoable

blueprint = Blueprint("writing_api", __name__, url_prefix="/api")
answer_errors(blueprint)

_WANTED = 'a JSON object such as {"lists": [{"playlist": "…", "seen": "…"}]}'


@blueprint.get("/write-back")
def preview() -> ResponseReturnValue:
    """What would be written into which lists, a page at a time."""
    page = previews(parse_id(request.args.get("after")))
    following = page.last.playlist.id if page.last else None
    more = url_for("writing_api.preview", after=following) if following else None
    return jsonify(lists=[preview_json(found) for found in page.rows], links={"next": more})


@blueprint.post("/write-back")
def write() -> ResponseReturnValue:
    """Write lists as they were seen. An `Idempotency-Key`, a UUID, makes a repeat harmless."""
    if not request.is_json:
        abort(415)
    key = request.headers.get("Idempotency-Key")
    batch_id = uuid4() if key is None else parse_id(key)
    if batch_id is None:
        raise Unusable("Idempotency-Key", key, "a UUID")
    job = start(_asked(request.get_json(silent=True)), batch_id)
    return accepted(job) if job is not None else problem(409, CHANGED)


def _asked(body: Any) -> WriteRequest:
    said = body.get("lists") if isinstance(body, dict) else None
    if not isinstance(said, list):
        raise Unusable("The body", body, _WANTED)
    pairs = [
        (str(one.get("playlist")), str(one.get("seen"))) for one in said if isinstance(one, dict)
    ]
    asked = WriteRequest.parse(pairs)
    if not asked.seen or len(asked.seen) != len(said):
        raise Unusable("lists", said, "a list of playlists with what was seen of each")
    return asked


@blueprint.get("/write-backs")
def written() -> ResponseReturnValue:
    """What was written, the newest first."""
    after = parse_decision_mark(request.args.get("after", ""))
    with services().database.reading() as session:
        found = write_backs.page(
            session, account_id=account_id(), after=after, limit=PAGE_WRITTEN + 1
        )
        page = Page.of(found, PAGE_WRITTEN)
        counts = _counts([row.id for row in page.rows])
    last = page.last
    mark = decision_mark_text((last.created_at, last.id)) if last else None
    more = url_for("writing_api.written", after=mark) if mark else None
    rows = [write_back_json(row, counts[row.id]) for row in page.rows]
    return jsonify(writeBacks=rows, links={"next": more})


def _counts(keys: list[UUID]) -> dict[UUID, write_backs.SongCounts]:
    with services().database.reading() as session:
        return write_backs.song_counts(session, account_id=account_id(), write_back_ids=keys)


@blueprint.get("/write-backs/<write_back_id>")
def one(write_back_id: str) -> ResponseReturnValue:
    """One list that was written: its songs, and whether it can be put back."""
    row = own(write_back_id)
    with services().database.reading() as session:
        songs = write_backs.songs(session, account_id=account_id(), write_back_id=row.id)
    now = now_of(row)
    return jsonify(
        **write_back_json(row, _counts([row.id])[row.id]),
        songs=[
            {"song": s.label, "place": s.place, "state": s.state, "reason": s.reason} for s in songs
        ],
        mayUndo=now.may_undo,
        obstacle=now.obstacle,
        diff=[{"kind": line.kind, "text": line.text} for line in now.lines],
    )


@blueprint.post("/write-backs/<write_back_id>/undo")
def undo(write_back_id: str) -> ResponseReturnValue:
    """Put a list back as it was, unless somebody has changed it since."""
    row = own(write_back_id)
    now = now_of(row)
    if not now.may_undo:
        return problem(409, now.obstacle or "There is nothing to undo of this.")
    return accepted(start_undo(**{write_back.UNDO: str(row.id)}))


@blueprint.post("/write-backs/acts/<batch_id>/undo")
def undo_batch(batch_id: str) -> ResponseReturnValue:
    """Put all lists of one act back; one that somebody has changed since stays as it is."""
    return accepted(start_undo(**{write_back.UNDO_BATCH: undoable(batch_id)}))

"""Accepted songs written into the playlists' own lists: looked at first, and undone at will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import awaited, write_backs
from library.errors import JobAlreadyActive
from library.models import Job, WriteBack
from library.writeback.acts import Act
from library.writeback.diff import Line
from library.writeback.errors import NotWritable
from library.writeback.writer import Standing
from tasks import jobs as running
from tasks import write_back
from tasks.jobs import QueueUnavailable
from tasks.writers import Writers

from .job_views import parse_id
from .list_previews import ListPreview, WriteRequest, preview_of
from .paging import Page
from .review_requests import decision_mark_text, parse_decision_mark
from .services import services
from .sessions import account_id

blueprint = Blueprint("writing", __name__)

#: Each list of a page is read from the disk.
PAGE_LISTS = 20
PAGE_WRITTEN = 50
CHANGED = "What waits for these lists has changed since you looked at them. Look again."


def writers() -> Writers:
    """What writes the present account's lists."""
    return Writers(services().database, services().settings, account_id(), is_waited_for=True)


def previews(after: UUID | None) -> Page[ListPreview]:
    """A page of the lists that songs wait for, from the one after another on."""
    with services().database.reading() as session:
        lists = awaited.awaiting_lists(
            session, account_id=account_id(), after=after, limit=PAGE_LISTS + 1
        )
    page, making = Page.of(lists, PAGE_LISTS), writers()
    found = [preview_of(playlist, making) for playlist in page.rows]
    return Page(found, found[-1] if page.last else None)


@blueprint.get("/write-back")
def preview() -> ResponseReturnValue:
    """What would be written into which lists."""
    after = parse_id(request.args.get("after"))
    page = previews(after)
    return render_template(
        "write_back.html",
        page=page,
        following=page.last.playlist.id if page.last else None,
        is_first=after is None,
        batch=uuid4(),
        is_on=bool(services().settings.music_write),
    )


def start(asked: WriteRequest, batch_id: UUID) -> Job | None:
    """A job that writes what was seen; None where nothing is as it was seen.

    Raises:
        JobAlreadyActive: a sync or another write-back has not ended.
        QueueUnavailable: the queue cannot be reached.
    """
    mine = {"account_id": account_id(), "batch_id": batch_id}
    with services().database.session() as session:
        lists = awaited.awaiting_lists(
            session, account_id=account_id(), playlist_ids=list(asked.seen)
        )
        if not write_backs.plan(session, **mine, lists=asked.chosen(lists)):
            return None
    try:
        return running.start(
            services().celery,
            account_id=account_id(),
            kind="write_back",
            parameters={write_back.BATCH: str(batch_id)},
            idempotency_key=f"write-back-{batch_id}",
        )
    except (JobAlreadyActive, QueueUnavailable):
        with services().database.session() as session:
            write_backs.forget_plan(session, **mine)
        raise


@blueprint.post("/write-back")
def write() -> ResponseReturnValue:
    """Write the lists that were ticked, as they were seen."""
    ticked = (value.partition(":") for value in request.form.getlist("list"))
    asked = WriteRequest.parse((key, seen) for key, _, seen in ticked)
    batch_id = parse_id(request.form.get("batch")) or abort(400)
    try:
        job = start(asked, batch_id)
    except (JobAlreadyActive, QueueUnavailable) as error:
        return _not_now(error, url_for("writing.preview"))
    if job is None:
        flash(CHANGED if asked.seen else "No list was ticked, so nothing is written.")
        return redirect(url_for("writing.preview"), 303)
    return redirect(url_for("pages.job", job_id=str(job.id)), 303)


def _not_now(error: Exception, back: str) -> ResponseReturnValue:
    if isinstance(error, JobAlreadyActive):
        flash("This job has to end first: it is at your lists, too. Nothing was written yet.")
        return redirect(url_for("pages.job", job_id=str(error.job_id)), 303)
    flash(str(error))
    return redirect(back, 303)


@blueprint.get("/write-backs")
def written() -> ResponseReturnValue:
    """What was written, the newest first."""
    after, mine = parse_decision_mark(request.args.get("after", "")), account_id()
    with services().database.reading() as session:
        found = write_backs.page(session, account_id=mine, after=after, limit=PAGE_WRITTEN + 1)
        page = Page.of(found, PAGE_WRITTEN)
        counts = write_backs.song_counts(
            session, account_id=mine, write_back_ids=[row.id for row in page.rows]
        )
    last = page.last
    return render_template(
        "write_backs.html",
        page=page,
        counts=counts,
        following=decision_mark_text((last.created_at, last.id)) if last else None,
        is_first=after is None,
    )


@dataclass(frozen=True, slots=True)
class Now:
    """How a list stands to what was written into it."""

    #: Whether it can be put back.
    may_undo: bool = False
    #: Why it cannot, in a sentence.
    obstacle: str | None = None
    #: What somebody has changed in it since.
    lines: Sequence[Line] = ()


def now_of(row: WriteBack) -> Now:
    """How a list is now, by reading it."""
    if row.state not in write_backs.UNDOABLE:
        return Now()
    try:
        writer = writers().of(row.source_id)
        plan = Act(services().database.reading, writer, row.account_id, row.id).plan()
        if writer.verify(plan) is not Standing.OTHER:
            return Now(may_undo=True)
        return Now(obstacle=_EDITED, lines=writer.since(plan))
    except NotWritable as error:
        return Now(obstacle=str(error))


_EDITED = (
    "This list was changed after Earmark wrote it, so that it is not put back: that would take the "
    "change away, too. Where Earmark itself wrote it again, undo the newer one first."
)


def own(write_back_id: str) -> WriteBack:
    """The present account's write-back of an id; 404 where there is none."""
    key = parse_id(write_back_id) or abort(404)
    with services().database.reading() as session:
        found = write_backs.get(session, account_id=account_id(), write_back_id=key)
        return found or abort(404)


@blueprint.get("/write-backs/<write_back_id>")
def one(write_back_id: str) -> ResponseReturnValue:
    """One list that was written: its songs, and whether it can be put back."""
    row = own(write_back_id)
    with services().database.reading() as session:
        songs = write_backs.songs(session, account_id=account_id(), write_back_id=row.id)
    return render_template("written.html", row=row, songs=songs, now=now_of(row))


def start_undo(**parameters: str) -> Job:
    """A job that puts a list back, or all of one act.

    Raises:
        JobAlreadyActive: a sync or another write-back has not ended.
        QueueUnavailable: the queue cannot be reached.
    """
    return running.start(
        services().celery,
        account_id=account_id(),
        kind="write_back",
        parameters=parameters,
    )


@blueprint.post("/write-backs/<write_back_id>/undo")
def undo(write_back_id: str) -> ResponseReturnValue:
    """Put a list back as it was, unless somebody has changed it since."""
    row = own(write_back_id)
    here = url_for("writing.one", write_back_id=write_back_id)
    if not now_of(row).may_undo:
        return redirect(here, 303)
    try:
        job = start_undo(**{write_back.UNDO: str(row.id)})
    except (JobAlreadyActive, QueueUnavailable) as error:
        return _not_now(error, here)
    return redirect(url_for("pages.job", job_id=str(job.id)), 303)


def undoable(batch_id: str) -> str:
    """An act of the present account of which something can be put back; 404 where there is none."""
    key = parse_id(batch_id) or abort(404)
    with services().database.reading() as session:
        rows = write_backs.of_batch(session, account_id=account_id(), batch_id=key)
    if not any(row.state in write_backs.UNDOABLE for row in rows):
        abort(404)
    return batch_id


@blueprint.post("/write-backs/acts/<batch_id>/undo")
def undo_batch(batch_id: str) -> ResponseReturnValue:
    """Put all lists of one act back; one that somebody has changed since stays as it is."""
    found = undoable(batch_id)
    try:
        job = start_undo(**{write_back.UNDO_BATCH: found})
    except (JobAlreadyActive, QueueUnavailable) as error:
        return _not_now(error, url_for("writing.written"))
    return redirect(url_for("pages.job", job_id=str(job.id)), 303)

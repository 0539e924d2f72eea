"""The pages. Each works without JavaScript; with it, jobs are live."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import account_sources, failures, jobs, likes, matches, playlists, songs, unheard
from library.models import STEPS, Job, utc_now
from progress.errors import LogUnavailable
from progress.events import JobWaiting, Snapshot
from progress.queues import why_job_waits
from tasks import jobs as running

from .api import own_job
from .job_filter import JobFilter
from .job_starts import to_job
from .job_views import may_repeat, next_step, parse_id, present_state
from .losses import losses_of
from .paging import Page, parse_number, parse_position
from .runs import lines_of
from .services import services
from .sessions import account_id
from .words import TITLES

blueprint = Blueprint("pages", __name__)

PAGE_SONGS = 50
PAGE_JOBS = 30
PAGE_PLAYLISTS = 60
PAGE_ENTRIES = 100
PAGE_FAILURES = 100
#: Beside the songs of the library there is room for the first few.
FEW_PLAYLISTS = 12


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """The three steps and where each stands."""
    mine = account_id()
    with services().database.reading() as session:
        sources = account_sources.of_account(session, account_id=mine)
        latest = {kind: jobs.latest(session, account_id=mine, kind=kind) for kind in STEPS}
        total, liked, heard = songs.counts(session, account_id=mine)
        soundless = songs.without_sound(session, account_id=mine)
        silent = unheard.count(session, account_id=mine)
        kept = playlists.count(session, account_id=mine)
        proposed = matches.count(session, account_id=mine)
    return render_template(
        "start.html",
        sources=sources,
        latest=latest,
        titles=TITLES,
        songs=total,
        liked=liked,
        heard=heard,
        soundless=soundless,
        unheard=silent,
        playlists=kept,
        proposed=proposed,
    )


@blueprint.get("/library")
def library() -> ResponseReturnValue:
    """The songs, with search, and the playlists."""
    search = request.args.get("search", "").strip()[:100]
    liked_only = request.args.get("liked") == "yes"
    after = parse_id(request.args.get("after", ""))
    mine = account_id()
    with services().database.reading() as session:
        found = songs.page(
            session,
            account_id=mine,
            search=search,
            liked_only=liked_only,
            after=after,
            limit=PAGE_SONGS + 1,
        )
        is_whole = after is None and not search and not liked_only
        counts = songs.counts(session, account_id=mine) if is_whole else None
        kept = playlists.page(session, account_id=mine, limit=FEW_PLAYLISTS + 1 if is_whole else 0)
        synced = jobs.latest(session, account_id=mine, kind="sync") if is_whole else None
        losses = losses_of(session, synced)
        hearts = likes.hearts(session, account_id=mine, song_ids=[song.id for song in found])
    return render_template(
        "library.html",
        synced=synced,
        losses=losses,
        page=Page.of(found, PAGE_SONGS),
        is_first=after is None,
        playlists=Page.of(kept, FEW_PLAYLISTS),
        search=search,
        liked_only=liked_only,
        counts=counts,
        hearts=hearts,
        here=request.full_path,
    )


@blueprint.get("/playlists")
def playlist_list() -> ResponseReturnValue:
    """The playlists, by name."""
    after = parse_id(request.args.get("after", ""))
    with services().database.reading() as session:
        found = playlists.page(
            session, account_id=account_id(), after=after, limit=PAGE_PLAYLISTS + 1
        )
    page = Page.of(found, PAGE_PLAYLISTS)
    return render_template("playlists.html", page=page, is_first=after is None)


@blueprint.get("/playlists/<playlist_id>")
def playlist(playlist_id: str) -> ResponseReturnValue:
    """One playlist and its songs."""
    key = parse_id(playlist_id) or abort(404)
    after = parse_position(request.args.get("after", ""))
    with services().database.reading() as session:
        kept = playlists.get(session, account_id=account_id(), playlist_id=key) or abort(404)
        found = playlists.songs(
            session,
            account_id=account_id(),
            playlist_id=key,
            after=after,
            limit=PAGE_ENTRIES + 1,
        )
    page = Page.of(found, PAGE_ENTRIES)
    return render_template("playlist.html", playlist=kept, page=page, is_first=after < 0)


@blueprint.get("/jobs")
def job_list() -> ResponseReturnValue:
    """The account's jobs, newest first: all, or those of a kind, a status and a time."""
    wanted = JobFilter.read(request.args)
    before = parse_id(request.args.get("before", ""))
    with services().database.reading() as session:
        found = jobs.page(
            session,
            account_id=account_id(),
            kind=wanted.kind,
            status=wanted.status,
            since=wanted.since(utc_now()),
            before=before,
            limit=PAGE_JOBS + 1,
        )
    return render_template(
        "jobs.html",
        page=Page.of(found, PAGE_JOBS),
        wanted=wanted,
        is_first=before is None,
        may_repeat=may_repeat,
    )


@blueprint.get("/jobs/<job_id>")
def job(job_id: str) -> ResponseReturnValue:
    """One job."""
    found = own_job(job_id) or abort(404)
    mine = found.account_id
    with services().database.reading() as session:
        failed = failures.newest(session, account_id=mine, job_id=found.id)
        count = failures.count(session, account_id=mine, job_id=found.id)
        losses = losses_of(session, found)
        again = jobs.repeat_of(session, account_id=mine, job_id=found.id)
    logged, why = _logged(found)
    return render_template(
        "job.html",
        job=found,
        snapshot=present_state(found, logged, failed),
        why=why,
        failed=count,
        again=again,
        next_step=next_step(found),
        may_repeat=may_repeat(found),
        losses=losses,
        run=lines_of(found),
    )


def _logged(job: Job) -> tuple[Snapshot | None, JobWaiting | None]:
    """What the log says of a job: its state, and why it waits."""
    ref, log = running.ref_of(job), services().log
    try:
        known = log.snapshot(ref)
        why = why_job_waits(log, ref) if job.is_active else None
    except LogUnavailable:
        return None, None
    snapshot = known[0] if known is not None else None
    return (snapshot if isinstance(snapshot, Snapshot) else None), why


@blueprint.get("/jobs/<job_id>/failures")
def job_failures(job_id: str) -> ResponseReturnValue:
    """What did not work in a job: all of it, or what has one reason."""
    found = own_job(job_id) or abort(404)
    mine, key = found.account_id, found.id
    reason = request.args.get("reason") or None
    after = parse_number(request.args.get("after", "")) or 0
    with services().database.reading() as session:
        listed = failures.page(
            session,
            account_id=mine,
            job_id=key,
            reason=reason,
            after=after,
            limit=PAGE_FAILURES + 1,
        )
        reasons = failures.reasons(session, account_id=mine, job_id=key)
        count = failures.count(session, account_id=mine, job_id=key)
    return render_template(
        "failures.html",
        job=found,
        page=Page.of(listed, PAGE_FAILURES),
        is_first=not after,
        reasons=reasons,
        reason=reason,
        count=count,
        titles=TITLES,
    )


@blueprint.post("/jobs")
def start_job() -> ResponseReturnValue:
    """Start a job from a page's button."""
    kind = request.form.get("kind", "")
    if kind not in STEPS:
        abort(400)
    return to_job(
        lambda: running.start(services().celery, account_id=account_id(), kind=kind), kind
    )


@blueprint.post("/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> ResponseReturnValue:
    """Have a job stop, from a page's button."""
    found = own_job(job_id) or abort(404)
    running.cancel(services().celery, account_id=account_id(), job_id=found.id)
    return redirect(url_for("pages.job", job_id=job_id), 303)


@blueprint.post("/jobs/<job_id>/retry")
def retry_job(job_id: str) -> ResponseReturnValue:
    """Do what is left of an ended job, from a page's button."""
    found = own_job(job_id) or abort(404)
    key: UUID = found.id
    return to_job(lambda: running.retry(services().celery, account_id=account_id(), job_id=key))


@blueprint.post("/jobs/<job_id>/confirm-loss")
def confirm_loss(job_id: str) -> ResponseReturnValue:
    """Sync anew, and take away what the job missed: the person says that it is really gone."""
    found = own_job(job_id) or abort(404)
    key: UUID = found.id
    # The one loss that the person saw, of several that a job may have missed.
    loss = request.form.get("loss")
    return to_job(
        lambda: running.confirm_loss(
            services().celery, account_id=account_id(), job_id=key, loss_key=loss
        )
    )

"""The pages of an account's sources: all of them, and each with what it holds and what failed."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from library import account_sources, holdings, jobs, liked_lists, playlists, removed_sources
from library.errors import SourceRefused
from library.models import Source, utc_now
from library.sources.exports import source as export
from library.sources.location import folder_at, shown
from tasks import jobs as running
from tasks.sync import SOURCE

from .job_starts import to_job
from .job_views import parse_id
from .loved import BOUNDS
from .problems import refusal
from .services import services
from .sessions import account_id
from .source_kinds import address_of, forget, title_of, ways

blueprint = Blueprint("sources", __name__)

MOST_WITH_MISSING = 20
#: Of an export the first few files are named.
FILES_NAMED = 3


def own_source(session: Session, source_id: str) -> Source:
    """One of the account's own sources, also a removed one; else the answer is 404."""
    key = parse_id(source_id) or abort(404)
    return account_sources.get(session, account_id=account_id(), source_id=key) or abort(404)


def place_of(source: Source) -> str:
    """Where a source is, for people."""
    if source.kind == export.NAME:
        names = (source.settings or {}).get(export.FILES, ())
        more = f" and {len(names) - FILES_NAMED} more" if len(names) > FILES_NAMED else ""
        return ", ".join(names[:FILES_NAMED]) + more
    return shown(str(folder_at(source.location))) if source.kind == "folder" else source.location


@blueprint.get("/source")
def former() -> ResponseReturnValue:
    """The address of a time when an account had one source."""
    with services().database.reading() as session:
        mine = account_sources.of_account(session, account_id=account_id())
    if len(mine) != 1:
        return redirect(url_for("sources.all_sources"), 303)
    return redirect(url_for("sources.source", source_id=str(mine[0].id)), 303)


@blueprint.get("/sources")
def all_sources() -> ResponseReturnValue:
    """The account's sources, how to add one, and those that were removed."""
    mine = account_id()
    with services().database.reading() as session:
        return render_template(
            "sources.html",
            sources=account_sources.of_account(session, account_id=mine),
            removed=removed_sources.of_account(session, account_id=mine),
            holdings=holdings.of_account(session, account_id=mine),
            active=jobs.active(session, account_id=mine, kind="sync"),
            ways=list(ways()),
            place_of=place_of,
            title_of=title_of,
        )


@blueprint.get("/sources/<source_id>")
def source(source_id: str) -> ResponseReturnValue:
    """One source: where it is, what it holds, what is loved of it, and what could not be read."""
    with services().database.reading() as session:
        found = own_source(session, source_id)
        mine = {"account_id": found.account_id}
        return render_template(
            "source.html",
            source=found,
            place=place_of(found),
            title=title_of(found.kind),
            change=address_of(found.kind, source_id=found.id),
            holds=holdings.of_account(session, **mine)[found.id],
            details=holdings.details(session, **mine, source_id=found.id),
            report=found.report or {},
            active=jobs.active(session, **mine, kind="sync"),
            lists=liked_lists.known(session, source_id=found.id),
            with_missing=playlists.with_missing(
                session, **mine, source_id=found.id, limit=MOST_WITH_MISSING
            ),
            bounds=BOUNDS,
        )


@blueprint.post("/sources/<source_id>/read")
def read(source_id: str) -> ResponseReturnValue:
    """Read one source again."""
    with services().database.reading() as session:
        found = own_source(session, source_id)
    if found.removed_at is not None:
        abort(404)
    return to_job(
        lambda: running.start(
            services().celery,
            account_id=found.account_id,
            kind="sync",
            parameters={SOURCE: str(found.id)},
        ),
        "sync",
    )


@blueprint.get("/sources/<source_id>/remove")
def ask_to_remove(source_id: str) -> ResponseReturnValue:
    """What the removal of a source would mean, before it is done."""
    with services().database.reading() as session:
        found = own_source(session, source_id)
        mine = {"account_id": found.account_id}
        return render_template(
            "source_remove.html",
            source=found,
            place=place_of(found),
            holds=holdings.of_account(session, **mine)[found.id],
            details=holdings.details(session, **mine, source_id=found.id),
        )


@blueprint.post("/sources/<source_id>/remove")
def remove(source_id: str) -> ResponseReturnValue:
    """Remove a source: its songs and playlists are hidden, and come back with it."""
    with services().database.session() as session:
        found = own_source(session, source_id)
        removed_sources.remove(session, source=found, now=utc_now())
    forget(found)
    flash(f"{found.name} is removed. It can be brought back below.")
    return redirect(url_for("sources.all_sources"), 303)


@blueprint.post("/sources/<source_id>/restore")
def restore(source_id: str) -> ResponseReturnValue:
    """Bring a removed source back."""
    try:
        with services().database.session() as session:
            found = own_source(session, source_id)
            account_sources.restore(session, source=found)
    except SourceRefused as error:
        return refusal(409, str(error))
    flash(f"{found.name} is back with all that was kept of it. Read it again to see what is new.")
    return redirect(url_for("sources.source", source_id=source_id), 303)

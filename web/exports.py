"""The page on which a person uploads an export, or a newer one in the place of an earlier one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from library import account_sources
from library.errors import LibraryError, SourceRefused, UnreadableFile
from library.models import Source
from library.sources.exports.bounds import MAX_FILE_BYTES
from library.sources.exports.reading import look
from library.sources.exports.source import FILES, LEFT_OUT, NAME, WRITTEN_BY
from library.sources.exports.storage import ExportStore, Incoming, Upload

from .arrival import UPLOAD_BYTES
from .problems import refusal
from .services import services
from .sessions import account_id
from .source_kinds import source_to_change

logger = logging.getLogger(__name__)

blueprint = Blueprint("exports", __name__)

_ENDPOINT = "exports.upload"
#: In MB, for people.
MOST_MB = MAX_FILE_BYTES // (1024 * 1024)
_NO_ROOM = (
    "The files could not be kept: the disk of this site is full, or may not be written to. "
    "Tell the person who runs it."
)
_TOO_LARGE = f"An export may have {MOST_MB} MB in all: leave out what is no playlist or library."


def register(app: Flask) -> None:
    """Let uploads be as large as they may be. Before what reads forms, such as CSRF protection."""

    @app.before_request
    def allow() -> None:
        if request.endpoint == _ENDPOINT:
            request.max_content_length = UPLOAD_BYTES


@blueprint.errorhandler(413)
def _too_large(_error: Exception) -> ResponseReturnValue:
    return refusal(413, _TOO_LARGE)


@blueprint.route("/sources/export", methods=["GET", "POST"])
def upload() -> ResponseReturnValue:
    """The form, and what comes of it."""
    changed = source_to_change(NAME)
    if request.method == "GET":
        return _page(changed)
    given = [file for file in request.files.getlist("files") if file.filename]
    if not given:
        return _page(changed, "Choose the files of an export."), 422
    try:
        kept = _keep(given, changed)
    except (UnreadableFile, SourceRefused) as error:
        return _page(changed, _sentence(error)), 422
    except OSError:
        logger.exception("An export was not kept.", extra={"action": "export_not_kept"})
        return _page(changed, _NO_ROOM), 503
    flash(
        f"{kept.name} is part of your music now. Sync reads it."
        if changed is None
        else f"{kept.name} is the newer one now. Sync reads it; what you decided stays."
    )
    if left_out := (kept.settings or {}).get(LEFT_OUT):
        flash(f"Left out, since they are no songs, or no longer: {', '.join(left_out)}.")
    return redirect(url_for("sources.source", source_id=str(kept.id)), 303)


def _page(changed: Source | None, refused: str = "") -> str:
    return render_template("export.html", source=changed, refused=refused, most_mb=MOST_MB)


def _sentence(error: LibraryError) -> str:
    return error.reason if isinstance(error, UnreadableFile) else str(error)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look at uploaded files has found."""

    written_by: str
    settings: Mapping[str, Any]


def _keep(given: list[FileStorage], changed: Source | None) -> Source:
    """Keep uploaded files as a source, or as what a source is from now on.

    Raises:
        UnreadableFile: they are no export, or larger than one may be.
        SourceRefused: the account has as many sources as it may have.
    """
    store = ExportStore(services().settings.data_dir)
    with store.incoming(account_id()) as incoming:
        for file in given:
            incoming.add(file.filename or "", file.stream)  # type: ignore[arg-type] # it is binary
        looked = _look(incoming)
        with services().database.session() as session:
            source = _source_for(session, looked, changed)
            upload = Upload(source.account_id, source.id, uuid4())
            store.keep(incoming, upload)
            account_sources.change(
                session,
                source=source,
                location=str(upload.id),
                name=source.name,
                settings=looked.settings,
            )
    store.forget_others(upload)
    return source


def _look(incoming: Incoming) -> _Looked:
    found = look(incoming.files)
    if not found.tracks and not found.playlists:
        raise UnreadableFile(f"There is no song in this export of {found.written_by}.")
    names = [file.name[:300] for file in incoming.files]
    left_out = [f"{words} ({count:,})" for words, count in found.left_out.items() if count]
    settings = {FILES: names, WRITTEN_BY: found.written_by, LEFT_OUT: left_out}
    return _Looked(found.written_by, settings)


def _source_for(session: Session, looked: _Looked, changed: Source | None) -> Source:
    """The source that is changed; one that was removed, of the same program; or a new one."""
    mine = account_id()
    if changed is not None:
        key = {"account_id": mine, "source_id": changed.id}
        return account_sources.get(session, **key) or abort(404)
    removed = select(Source).where(
        Source.account_id == mine, Source.kind == NAME, Source.removed_at.is_not(None)
    )
    for source in session.scalars(removed.order_by(Source.removed_at.desc())):
        if (source.settings or {}).get(WRITTEN_BY) == looked.written_by:
            account_sources.restore(session, source=source)
            return source
    return account_sources.add(
        session, account_id=mine, kind=NAME, location=str(uuid4()), name=looked.written_by
    )

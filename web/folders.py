"""The page that adds a folder of music, or changes one: plain links from folder to folder."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import account_sources
from library.errors import FolderRefused, SourceRefused
from library.music_roots import MusicRoots
from library.sources.location import folder_at, location_of, name_of

from .problems import refusal
from .services import services
from .sessions import account_id
from .source_kinds import source_to_change

blueprint = Blueprint("folders", __name__)

PAGE_FOLDERS = 200


@blueprint.errorhandler(FolderRefused)
def _refused(error: FolderRefused) -> ResponseReturnValue:
    return refusal(404, str(error))


@blueprint.errorhandler(SourceRefused)
def _taken(error: SourceRefused) -> ResponseReturnValue:
    return refusal(409, str(error))


@blueprint.get("/sources/folder")
def browse() -> ResponseReturnValue:
    """The folders in a folder, or the ones to begin with."""
    roots, at = _roots(), request.args.get("at")
    if at is None:
        known = roots.existing()
        return _page(roots, None, known) if len(known) != 1 else _folder_page(roots, known[0])
    return _folder_page(roots, roots.folder(folder_at(at)))


def _folder_page(roots: MusicRoots, here: Path) -> ResponseReturnValue:
    # A folder is named by its URI in addresses and forms: so it survives whatever its name holds.
    after = request.args.get("after")
    found = roots.below(here)
    left = found if after is None else [path for path in found if path > folder_at(after)]
    return _page(roots, here, left)


def _page(roots: MusicRoots, here: Path | None, folders: list[Path]) -> ResponseReturnValue:
    return render_template(
        "folder.html",
        here=here,
        above=roots.above(here)[:-1] if here else [],
        folders=folders[:PAGE_FOLDERS],
        more=folders[PAGE_FOLDERS - 1] if len(folders) > PAGE_FOLDERS else None,
        name_of=name_of,
        source=source_to_change("folder"),
    )


@blueprint.post("/sources/folder")
def choose() -> ResponseReturnValue:
    """Add a folder to the account's music, or have one in place of another."""
    folder = _roots().folder(folder_at(request.form.get("folder", "")))
    location, name = location_of(folder), name_of(folder)
    changed = source_to_change("folder")
    with services().database.session() as session:
        if changed is None:
            found = account_sources.add(
                session, account_id=account_id(), location=location, name=name
            )
        else:
            found = session.merge(changed)
            account_sources.change(session, source=found, location=location, name=name)
    flash(f"The folder {name} is part of your music now. Sync reads it.")
    return redirect(url_for("sources.source", source_id=str(found.id)), 303)


def _roots() -> MusicRoots:
    return services().settings.roots

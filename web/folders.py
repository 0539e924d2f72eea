"""The page that chooses an account's folder of music: plain links from folder to folder."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import accounts
from library.errors import FolderRefused
from library.music_roots import MusicRoots
from library.sources.location import folder_at, location_of, name_of, shown

from .problems import refusal
from .services import services
from .sessions import account_id

blueprint = Blueprint("folders", __name__)

PAGE_FOLDERS = 200


@blueprint.errorhandler(FolderRefused)
def _refused(error: FolderRefused) -> ResponseReturnValue:
    return refusal(404, str(error))


@blueprint.get("/account/folder")
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
    with services().database.reading() as session:
        source = accounts.source(session, account_id=account_id())
    return render_template(
        "folder.html",
        here=here,
        above=roots.above(here)[:-1] if here else [],
        folders=folders[:PAGE_FOLDERS],
        more=folders[PAGE_FOLDERS - 1] if len(folders) > PAGE_FOLDERS else None,
        name_of=name_of,
        present=shown(str(folder_at(source.location))) if source else None,
    )


@blueprint.post("/account/folder")
def choose() -> ResponseReturnValue:
    """Have a folder as the account's source of music from now on."""
    folder = _roots().folder(folder_at(request.form.get("folder", "")))
    with services().database.session() as session:
        accounts.set_folder(
            session, account_id=account_id(), location=location_of(folder), name=name_of(folder)
        )
    flash(f"Your music is in the folder {name_of(folder)} now. Sync reads it.")
    return redirect(url_for("pages.start"), 303)


def _roots() -> MusicRoots:
    return services().settings.roots

"""The page that adds or changes a source of any kind that a form of text fields describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from library import account_sources
from library.errors import SourceRefused
from library.models import Source
from library.sources import kinds
from library.sources.source import FormField, Located, SupportsForm

from .services import services
from .sessions import account_id
from .source_kinds import PAGES, for_choosing, source_to_change, title_of

blueprint = Blueprint("source_forms", __name__)

#: Longest text of a field, in letters.
MAX_LETTERS = 2_000
#: So many servers are asked at once in one process: its other threads answer pages meanwhile.
_ASKING = BoundedSemaphore(2)


@blueprint.route("/sources/form", methods=["GET", "POST"])
def form() -> ResponseReturnValue:
    """The form of a kind, filled in or not."""
    name = request.values.get("kind", "")
    if not name and request.method == "GET":
        return redirect(url_for("sources.all_sources"), 303)
    kind = kinds.installed().get(name)
    if name in PAGES or not isinstance(kind, SupportsForm):
        abort(404)
    changed = source_to_change(name)
    if request.method == "GET":
        return _page(name, kind, (changed.settings or {}) if changed else {}, changed)
    values = values_of(kind.fields, request.form)
    try:
        found = keep(name, kind, values, changed)
    except SourceRefused as error:
        return _page(name, kind, values, changed, refused=error), 422
    flash(f"{found.name} is part of your music now. Sync reads it.")
    return redirect(url_for("sources.source", source_id=str(found.id)), 303)


def _page(
    name: str,
    kind: SupportsForm,
    values: Mapping[str, object],
    changed: Source | None,
    *,
    refused: SourceRefused | None = None,
) -> str:
    return render_template(
        "source_form.html",
        kind=name,
        title=title_of(name),
        fields=kind.fields,
        values=values,
        source=changed,
        refused=refused,
    )


def keep(
    name: str, kind: SupportsForm, values: Mapping[str, str], changed: Source | None = None
) -> Source:
    """Add the source that a person described, or have a known one be there.

    Raises:
        SourceRefused: it cannot be had.
    """
    refuse_unfit(kind.fields, values)
    located = _located(kind, values)
    place: dict[str, Any] = {
        "location": located.location,
        "name": located.name,
        "settings": located.settings,
        "secret": located.secret,
    }
    with services().database.session() as session:
        if changed is None:
            return account_sources.add(session, account_id=account_id(), kind=name, **place)
        found = account_sources.get(
            session, account_id=changed.account_id, source_id=changed.id
        ) or abort(404)
        account_sources.change(session, source=found, **place)
        return found


def _located(kind: SupportsForm, values: Mapping[str, str]) -> Located:
    """Where a source is. Outside of any transaction: a kind may ask a server, for some seconds."""
    if not _ASKING.acquire(blocking=False):
        raise SourceRefused("Others add their music just now: try again in a few seconds.")
    try:
        return kind.locate(values, for_choosing())
    finally:
        _ASKING.release()


def values_of(fields: Sequence[FormField], given: Mapping[str, object]) -> dict[str, str]:
    """What was filled in for these fields, stripped, but for secrets; empty where nothing was."""
    return {field.name: _value_of(field, given.get(field.name)) for field in fields}


def _value_of(field: FormField, text: object) -> str:
    if not isinstance(text, str):
        return ""
    return text if field.is_secret else text.strip()


def refuse_unfit(fields: Sequence[FormField], values: Mapping[str, str]) -> None:
    """Look whether what has to be filled in is, and is not endless.

    Raises:
        SourceRefused: it is not.
    """
    for field in fields:
        if field.is_required and not values[field.name]:
            raise SourceRefused(f"{field.label} is empty: fill it in.", field=field.name)
        if len(values[field.name]) > MAX_LETTERS:
            raise SourceRefused(
                f"{field.label} has more than {MAX_LETTERS:,} letters.", field=field.name
            )

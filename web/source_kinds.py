"""Where sources of each kind are added and changed on the site.

A kind of Earmark's own whose page needs more than a form of text fields has it in a blueprint of
its own, and is named in `PAGES`. Any other kind that can be described by a form
(`library.sources.source.SupportsForm`) is added on the page of `web.source_forms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from flask import abort, request, url_for

from library import account_sources
from library.models import Source
from library.sources import kinds
from library.sources.source import Installation, KeepsFiles, SupportsForm
from tasks.sources import installation

from .job_views import parse_id
from .services import services
from .sessions import account_id

#: The endpoint of a kind's own page, by the kind's name. It takes no argument to add a source, and
#: the source's id as ``source`` to change one.
PAGES = {"folder": "folders.browse", "export": "exports.upload"}


@dataclass(frozen=True, slots=True)
class Way:
    """A way to add a source."""

    kind: str
    #: As people read it, such as ``A folder``.
    title: str
    address: str


def ways() -> Iterator[Way]:
    """The ways to add a source, in the order of `PAGES`, and then by the kinds' names."""
    found = kinds.installed()
    for name in (*(name for name in PAGES if name in found), *sorted(found.keys() - PAGES)):
        address = address_of(name)
        if address is not None:
            yield Way(name, found[name].title, address)


def address_of(kind: str, *, source_id: UUID | None = None) -> str | None:
    """The page that adds a source of a kind, or changes one; None where there is none."""
    source = str(source_id) if source_id is not None else None
    if kind in PAGES:
        return url_for(PAGES[kind], source=source)
    if isinstance(kinds.installed().get(kind), SupportsForm):
        return url_for("source_forms.form", kind=kind, source=source)
    return None


def title_of(kind: str) -> str:
    """A kind as people read it; its name where no installed package has it."""
    found = kinds.installed().get(kind)
    return found.title if found is not None else kind


def forget(source: Source) -> None:
    """Delete the files that a removed source's kind keeps of it."""
    kind = kinds.installed().get(source.kind)
    if isinstance(kind, KeepsFiles):
        kind.forget(account_sources.row_of(source), installation(services().settings))


def for_choosing() -> Installation:
    """The installation as a form knows it: a person chooses from the named folders alone."""
    settings = services().settings
    return replace(installation(settings), roots=settings.roots)


def source_to_change(kind: str) -> Source | None:
    """The account's own source of a kind that a request names to be changed; None for no name.

    The answer is 404 where there is no such source.
    """
    wanted = request.values.get("source")
    if not wanted:
        return None
    key = parse_id(wanted) or abort(404)
    with services().database.reading() as session:
        found = account_sources.get(session, account_id=account_id(), source_id=key)
    if found is None or found.kind != kind or found.removed_at is not None:
        abort(404)
    return found

"""The JSON API of an account's sources: list, look at, add, remove and bring back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from library import account_sources, holdings, removed_sources
from library.errors import SourceRefused
from library.holdings import Holdings
from library.models import Source, utc_now
from library.sources import kinds
from library.sources.source import SupportsForm

from .api_requests import Unusable, document
from .job_views import iso, parse_id
from .problems import problem
from .services import services
from .sessions import account_id
from .source_forms import keep, values_of
from .source_kinds import forget
from .sources import place_of

blueprint = Blueprint("sources_api", __name__, url_prefix="/api/sources")


@blueprint.errorhandler(Unusable)
def _unusable(error: Unusable) -> Response:
    return problem(422, str(error), field=error.field)


@blueprint.errorhandler(SourceRefused)
def _refused(error: SourceRefused) -> Response:
    return problem(422, str(error), **({"field": error.field} if error.field else {}))


@blueprint.get("")
def list_sources() -> ResponseReturnValue:
    """The account's sources, the oldest first, and those that were removed."""
    mine = account_id()
    with services().database.reading() as session:
        counts = holdings.of_account(session, account_id=mine)
        present = account_sources.of_account(session, account_id=mine)
        removed = removed_sources.of_account(session, account_id=mine)
    return jsonify(
        sources=[_json(source, counts[source.id]) for source in present],
        removed=[_json(source, counts[source.id]) for source in removed],
    )


@blueprint.post("")
def post_source() -> ResponseReturnValue:
    """Add a source, of a kind that can be described by a form's fields."""
    if not request.is_json:
        abort(415)
    body = document(request.get_data(), like='{"kind": "folder", "folder": "/srv/music"}')
    name = body.get("kind")
    known = {key: kind for key, kind in kinds.installed().items() if isinstance(kind, SupportsForm)}
    if not isinstance(name, str) or name not in known:
        raise Unusable("kind", name, f"one of {', '.join(sorted(known))}")
    kind = known[name]
    assert isinstance(kind, SupportsForm)  # noqa: S101 - for the type checker
    found = keep(name, kind, values_of(kind.fields, body))
    answer = make_response(_shown(str(found.id)), 201)
    answer.headers["Location"] = url_for("sources_api.get_source", source_id=str(found.id))
    return answer


@blueprint.get("/<source_id>")
def get_source(source_id: str) -> ResponseReturnValue:
    """One of the account's sources, also a removed one."""
    return _shown(source_id)


@blueprint.delete("/<source_id>")
def delete_source(source_id: str) -> ResponseReturnValue:
    """Remove a source: its songs and playlists are hidden, and come back with it."""
    with services().database.session() as session:
        found = _own(session, source_id)
        if found is None:
            return _no_source()
        removed_sources.remove(session, source=found, now=utc_now())
    forget(found)
    return "", 204


@blueprint.post("/<source_id>/restore")
def restore_source(source_id: str) -> ResponseReturnValue:
    """Bring a removed source back."""
    with services().database.session() as session:
        found = _own(session, source_id)
        if found is None:
            return _no_source()
        account_sources.restore(session, source=found)
    return _shown(source_id)


def _shown(source_id: str) -> ResponseReturnValue:
    with services().database.reading() as session:
        found = _own(session, source_id)
        if found is None:
            return _no_source()
        counts = holdings.of_account(session, account_id=found.account_id)
    return jsonify(_json(found, counts[found.id]))


def _own(session: Session, source_id: str) -> Source | None:
    key = parse_id(source_id)
    if key is None:
        return None
    return account_sources.get(session, account_id=account_id(), source_id=key)


def _no_source() -> Response:
    return problem(404, "There is no such source.")


def _json(source: Source, counts: Holdings) -> dict[str, Any]:
    key = str(source.id)
    return {
        "id": key,
        "kind": source.kind,
        "name": source.name,
        "place": place_of(source),
        "addedAt": iso(source.created_at),
        "readAt": iso(source.synced_at),
        "removedAt": iso(source.removed_at),
        "failure": source.failure,
        "songs": counts.songs,
        "loved": counts.loved,
        "playlists": counts.playlists,
        "report": source.report,
        "links": {
            "self": url_for("sources_api.get_source", source_id=key),
            "restore": url_for("sources_api.restore_source", source_id=key),
            "page": url_for("sources.source", source_id=key),
        },
    }

"""Invitations, which the owner of the installation gives where sign-up is by invite."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from library import accounts, invites
from library.models import utc_now

from .job_views import parse_id
from .services import services
from .sessions import account_id

blueprint = Blueprint("invites", __name__)


def may_invite(session: Session) -> bool:
    """Whether the present account may: it is the owner's, and others come by invitation."""
    if services().settings.sign_up != "invite":
        return False
    account = accounts.get(session, account_id=account_id())
    return account is not None and account.is_owner


@blueprint.post("/account/invites")
def create() -> ResponseReturnValue:
    """Show the link of a new invitation, this once."""
    with services().database.session() as session:
        if not may_invite(session):
            abort(404)
        token = invites.create(session, account_id=account_id(), now=utc_now())
    # After the #: browsers send that to nobody, so that it stands in no log and no Referer.
    link = url_for("accounts.sign_up", _external=True, _anchor=f"invite={token}")
    return render_template("invite.html", link=link, days=invites.LIFE.days)


@blueprint.post("/account/invites/<invite_id>/withdraw")
def withdraw(invite_id: str) -> ResponseReturnValue:
    """Have a link be of no use."""
    key = parse_id(invite_id) or abort(404)
    with services().database.session() as session:
        if not invites.withdraw(session, account_id=account_id(), invite_id=key):
            abort(404)
    flash("The invitation is withdrawn.")
    return redirect(url_for("account.page"), 303)

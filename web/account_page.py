"""A person's own account: where it is signed in, and its password."""

from __future__ import annotations

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from library import account_sources, accounts, invites
from library import sessions as rows
from library.models import utc_now

from . import sessions
from .accounts import form_status, new_password_field, signed_out
from .invites import may_invite
from .job_views import parse_id
from .passwords import hash_password, verify_password
from .services import services
from .sessions import account_id

blueprint = Blueprint("account", __name__)


class PasswordForm(FlaskForm):  # type: ignore[misc] # Flask-WTF is untyped
    """The present password and a new one."""

    present = PasswordField("Current password", [InputRequired("Enter your current password.")])
    password = new_password_field("New password")


@blueprint.get("/account")
def page() -> ResponseReturnValue:
    """Where the account is signed in."""
    with services().database.reading() as session:
        found = rows.of_account(session, account_id=account_id(), now=utc_now())
        sources = account_sources.of_account(session, account_id=account_id())
        is_host = may_invite(session)
        given = invites.of_account(session, account_id=account_id(), now=utc_now())
    return render_template(
        "account.html",
        sessions=found,
        present=current_user.session_id,
        sources=sources,
        may_invite=is_host,
        invites=given,
    )


@blueprint.get("/api/session")
def present_session() -> ResponseReturnValue:
    """The account of the page's session. A page asks when another tab may have signed out."""
    return jsonify(account=str(account_id()))


@blueprint.post("/account/sessions/<session_id>/end")
def end_session(session_id: str) -> ResponseReturnValue:
    """Sign out one browser."""
    key = parse_id(session_id) or abort(404)
    if key == current_user.session_id:
        sessions.end()
        return signed_out()
    if not sessions.end_one(key):
        abort(404)
    flash("That browser is signed out.")
    return redirect(url_for("account.page"), 303)


@blueprint.post("/account/sessions/end")
def end_sessions() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    sessions.end_all()
    flash("You are signed out everywhere.")
    return signed_out()


@blueprint.route("/account/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the password, and sign out everywhere else."""
    form = PasswordForm()
    if form.validate_on_submit():
        if _change_password(form.present.data, form.password.data):
            flash("You have a new password, and are signed out everywhere else.")
            return redirect(url_for("account.page"), 303)
        form.present.errors = ["This is not your current password."]
    return render_template("password.html", form=form), form_status(form)


def _change_password(present: str, new: str) -> bool:
    with services().database.reading() as session:
        account = accounts.get(session, account_id=account_id())
    # Outside of any transaction: hashing takes long, and is meant to.
    if not verify_password(account.password_hash if account else None, present):
        return False
    new_hash = hash_password(new)
    with services().database.session() as session:
        accounts.set_password(
            session,
            account_id=account_id(),
            password_hash=new_hash,
            keep_session=current_user.session_id,
        )
    sessions.end_streams(services().log, str(account_id()))
    return True

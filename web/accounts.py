"""Signing up, in and out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from library import accounts, invites
from library.errors import EmailTaken, InviteUsed
from library.models import Account, utc_now

from . import sessions
from .next_path import own_path
from .passwords import hash_password, is_outdated, verify_password
from .problems import refusal
from .services import services

blueprint = Blueprint("accounts", __name__)

MIN_PASSWORD, MAX_PASSWORD = 10, 200


def _stripped(text: str | None) -> str | None:
    return text.strip() if text else text


class SignInForm(FlaskForm):  # type: ignore[misc] # Flask-WTF is untyped
    """E-mail address and password."""

    email = EmailField(
        "E-mail address",
        [
            InputRequired("Enter your e-mail address."),
            Length(max=254, message="Enter an address of at most 254 characters."),
            Regexp(
                r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$",
                message="Enter an address such as me@home.org.",
            ),
        ],
        filters=[_stripped],
    )
    password = PasswordField("Password", [InputRequired("Enter your password.")])


def new_password_field(label: str) -> PasswordField:
    """A field for a password to be had from now on."""
    length = f"Choose a password of {MIN_PASSWORD} to {MAX_PASSWORD} characters."
    return PasswordField(
        label,
        [InputRequired("Choose a password."), Length(MIN_PASSWORD, MAX_PASSWORD, message=length)],
    )


class SignUpForm(SignInForm):
    """E-mail address and a new password."""

    password = new_password_field("Password")


class InvitedForm(SignUpForm):
    """With an invitation's code."""

    invitation = StringField(
        "Invitation code",
        [InputRequired("Enter the code of your invitation.")],
        filters=[_stripped],
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    then = own_path(request.args.get("next"), otherwise=url_for("pages.start"))
    if current_user.is_authenticated:
        return redirect(then, 303)
    form = SignInForm()
    if form.validate_on_submit():
        account = _authenticated(form.email.data, form.password.data)
        if account is not None and sessions.begin(account):
            return redirect(then, 303)
        form.password.errors = ["The e-mail address or the password is not right."]
    shown = render_template("sign_in.html", form=form, sign_up=services().settings.sign_up)
    return shown, form_status(form)


def _authenticated(email: str, password: str) -> Account | None:
    with services().database.reading() as session:
        account = accounts.by_email(session, email=email)
    # Outside of any transaction: hashing takes long, and is meant to.
    if not verify_password(account.password_hash if account else None, password):
        return None
    if account is not None and is_outdated(account.password_hash):
        _keep_new_hash(account, hash_password(password))
    return account


def _keep_new_hash(account: Account, new_hash: str) -> None:
    with services().database.session() as session:
        known = accounts.get(session, account_id=account.id)
        # The session of another account, or of an older password.
        if known is not None and known.password_hash == account.password_hash:
            known.password_hash = new_hash
            account.password_hash = new_hash


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """The page for a new account."""
    if current_user.is_authenticated:
        return redirect(url_for("pages.start"), 303)
    closed = _why_closed()
    if closed is not None:
        return refusal(403, closed)
    form = InvitedForm() if services().settings.sign_up == "invite" else SignUpForm()
    if form.validate_on_submit():
        account = _new_account(form)
        if account is not None and sessions.begin(account):
            return redirect(url_for("pages.start"), 303)
    return render_template("sign_up.html", form=form), form_status(form)


def _why_closed() -> str | None:
    settings = services().settings
    if settings.sign_up == "closed":
        return "No account can be made here. Ask the person who runs Earmark for one."
    if settings.is_local:
        return None
    with services().database.reading() as session:
        if accounts.are_there_any(session):
            return None
    return "The person who runs Earmark makes the first account: earmark account add EMAIL."


def _new_account(form: SignUpForm) -> Account | None:
    """The account of a form; None where it cannot be made, which the form then says."""
    # Without an invite nobody learns which addresses have accounts, and no hash is computed.
    if not _is_invited(form):
        form.invitation.errors = ["This invitation was used, withdrawn or is too old. Ask again."]
        return None
    password_hash = hash_password(form.password.data)
    try:
        with services().database.session() as session:
            account = accounts.create(session, email=form.email.data, password_hash=password_hash)
            if services().settings.is_local:
                accounts.claim_ownership(session, account=account)
            _use_invitation(form, session)
    except EmailTaken:
        form.email.errors = ["There is an account with this address already. Sign in."]
        return None
    except InviteUsed:
        form.invitation.errors = ["This invitation was used just now. Ask for another."]
        return None
    return account


def _is_invited(form: SignUpForm) -> bool:
    if not isinstance(form, InvitedForm):
        return True
    with services().database.reading() as session:
        return invites.is_good(session, token=form.invitation.data, now=utc_now())


def _use_invitation(form: SignUpForm, session: Session) -> None:
    if not isinstance(form, InvitedForm):
        return
    if not invites.use(session, token=form.invitation.data, now=utc_now()):
        raise InviteUsed("Somebody else has used this invitation.")


def form_status(form: FlaskForm) -> int:
    """The status of an answer that shows a form: 422 where a field has to be put right."""
    return 422 if any(field.errors for field in form) else 200


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    sessions.end()
    flash("You have signed out.")
    return signed_out()


def signed_out() -> ResponseReturnValue:
    """Redirect to the sign-in page, and have the browser drop the pages it keeps for Back."""
    answer = redirect(url_for("accounts.sign_in"), 303)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer

"""Signing up, in and out."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length, Regexp

from library import accounts
from library.errors import EmailTaken
from library.models import Account

from .passwords import hash_password, verify_password
from .problems import problem
from .security import limiter
from .services import services

blueprint = Blueprint("accounts", __name__)

MIN_PASSWORD, MAX_PASSWORD = 10, 200
#: Compared with where there is no such account, so that the time taken does not tell.
_NOBODYS_HASH = hash_password("nobody has this password")


class SignedIn(UserMixin):  # type: ignore[misc] # Flask-Login is untyped
    """The account of the present session."""

    def __init__(self, account: Account) -> None:
        self.account_id = account.id
        self.email = account.email
        self._version = account.session_version

    def get_id(self) -> str:
        """What the session holds: of a version that a changed password ends."""
        return f"{self.account_id}:{self._version}"


class SignInForm(FlaskForm):  # type: ignore[misc] # Flask-WTF is untyped
    """E-mail address and password."""

    email = EmailField(
        "E-mail address",
        [
            InputRequired("Enter your e-mail address."),
            Length(max=254),
            Regexp(r"^[^@\s]+@[^@\s]+$", message="Enter an address such as me@home.org."),
        ],
    )
    password = PasswordField("Password", [InputRequired("Enter your password.")])


class SignUpForm(SignInForm):
    """E-mail address and a new password."""

    password = PasswordField(
        "Password",
        [
            InputRequired("Choose a password."),
            Length(
                MIN_PASSWORD,
                MAX_PASSWORD,
                message=f"Choose a password of {MIN_PASSWORD} to {MAX_PASSWORD} characters.",
            ),
        ],
    )


def register(app: Flask) -> None:
    """Add accounts to an application."""
    manager = LoginManager(app)
    manager.login_view = "accounts.sign_in"
    manager.login_message = "Sign in to go on."
    manager.session_protection = "basic"
    manager.user_loader(_load)
    manager.unauthorized_handler(_unauthorized)
    app.register_blueprint(blueprint)


def account_id() -> UUID:
    """Whose request this is, where signing in is required."""
    found: UUID = current_user.account_id
    return found


def _load(session_id: str) -> SignedIn | None:
    key, _, version = session_id.partition(":")
    with services().database.session() as session:
        account = accounts.get(session, account_id=UUID(key))
    if account is None or str(account.session_version) != version:
        return None
    return SignedIn(account)


def _unauthorized() -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        return problem(401, "Sign in first.")
    return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    if current_user.is_authenticated:
        return redirect(_next())
    form = SignInForm()
    if form.validate_on_submit():
        account = _authenticated(form.email.data, form.password.data)
        if account is not None:
            login_user(SignedIn(account))
            return redirect(_next())
        form.password.errors = ["The e-mail address or the password is not right."]
    status = 422 if form.errors or form.password.errors else 200
    return render_template("sign_in.html", form=form), status


def _authenticated(email: str, password: str) -> Account | None:
    with services().database.session() as session:
        account = accounts.by_email(session, email=email)
    known = account.password_hash if account else _NOBODYS_HASH
    fits = verify_password(known, password[: MAX_PASSWORD + 1])
    return account if fits else None


@blueprint.route("/sign-up", methods=["GET", "POST"])
@limiter.limit("10 per hour", methods=["POST"])
def sign_up() -> ResponseReturnValue:
    """The page for a new account."""
    if current_user.is_authenticated:
        return redirect(_next())
    form = SignUpForm()
    if form.validate_on_submit():
        try:
            with services().database.session() as session:
                account = accounts.create(
                    session,
                    email=form.email.data,
                    password_hash=hash_password(form.password.data),
                )
        except EmailTaken:
            form.email.errors = ["There is an account with this address already. Sign in."]
        else:
            login_user(SignedIn(account))
            return redirect(url_for("pages.start"))
    return render_template("sign_up.html", form=form), 422 if form.errors else 200


@blueprint.post("/sign-out")
@login_required  # type: ignore[untyped-decorator]
def sign_out() -> Response:
    """End the session."""
    logout_user()
    flash("You have signed out.")
    return redirect(url_for("accounts.sign_in"))  # type: ignore[return-value]


def _next() -> str:
    """Where to go after signing in: a path of this site, whatever the query says."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    is_own = wanted.startswith("/") and not parts.scheme and not parts.netloc
    # Browsers take a backslash for a slash: /\host leads away.
    if is_own and "\\" not in wanted and not wanted.startswith("//"):
        return wanted
    return url_for("pages.start")

"""First run: the folder, the key, the tables, the account and the music that Earmark starts with.

Every step looks whether it is done already, so that each run may go through all of them.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from library import account_sources, accounts
from library.database import Database
from library.errors import SchemaTooNew
from library.models import Account
from library.schema import Schema
from library.sources.location import location_of, name_of
from tasks import servers
from tasks.settings import Settings
from web.passwords import hash_password
from web.private import write_private
from web.refusal import Refusal

if TYPE_CHECKING:
    from library.demo import DemoSummary

#: The first account's address where EARMARK_EMAIL names none.
DEFAULT_EMAIL = "listener@earmark.local"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The account to sign in with. It may hold a password: show it on the terminal alone."""

    email: str
    #: The password made up for a new account; None where its owner knows it.
    new_password: str | None = None

    def __str__(self) -> str:
        """The sentence that tells it."""
        if self.new_password is None:
            return f"Sign in as {self.email} with your password."
        return f"Sign in as {self.email} with the password {self.new_password} (shown only now)."


def prepare(settings: Settings) -> SignIn:
    """Go through every step that needs the database.

    Raises:
        Refusal: a step cannot be done.
    """
    with closing(open_database(settings)) as database:
        with database.session() as session:
            account, sign_in = first_account(session, settings)
            accounts.claim_ownership(session, account=account)
        give_music(database, settings, account.id)
    return sign_in


def make_data_folder(folder: Path) -> None:
    """Make the folder for all that Earmark writes.

    Raises:
        Refusal: it is not possible.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            f"The data folder {folder} cannot be made ({error.strerror}): "
            "set EARMARK_DATA to a folder you may write to."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refusal(
            f"The data folder {folder} may not be written to: set EARMARK_DATA to another."
        )


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: the one given, else one made once and kept."""
    if settings.secret_key is not None:
        return settings.secret_key
    path = settings.data_dir / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def open_database(settings: Settings) -> Database:
    """The database with its tables at this code's revision, or a newer one that it may use.

    Raises:
        Refusal: it is not possible.
    """
    database, _ = migrate(settings)
    return database


def migrate(settings: Settings) -> tuple[Database, Schema]:
    """The database, and how its tables stand after the migration.

    Raises:
        Refusal: it is not possible.
    """
    if settings.database_url.startswith(f"sqlite:///{settings.data_dir}/"):
        make_data_folder(settings.data_dir)
    try:
        database = Database(settings.database_url)
        return database, database.migrate()
    except ImportError as error:
        raise Refusal(servers.missing_driver(error)) from error
    except SchemaTooNew as error:
        raise Refusal(str(error)) from error
    except SQLAlchemyError as error:
        raise Refusal(servers.database_unreachable(error)) from error


def check_music_folder(folder: Path) -> None:
    """Look whether music can be read from a folder.

    Raises:
        Refusal: it is not possible.
    """
    if not folder.is_dir():
        raise Refusal(f"MUSIC is {folder}, which is no folder: set it to your folder of music.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise Refusal(f"MUSIC is {folder}, which may not be read: change its permissions.")


def first_account(session: Session, settings: Settings) -> tuple[Account, SignIn]:
    """The account the settings name, or the oldest one; made if there is none.

    Raises:
        Refusal: it is to be made with a password that is too short or too long.
    """
    account = _known_account(session, settings.email)
    if account is not None:
        return account, SignIn(account.email)
    if settings.password is not None:
        _check_password(settings.password)
    new_password = None if settings.password else secrets.token_urlsafe(9)
    account = accounts.create(
        session,
        email=settings.email or DEFAULT_EMAIL,
        password_hash=hash_password(settings.password or str(new_password)),
    )
    session.flush()
    return account, SignIn(account.email, new_password)


def _check_password(password: str) -> None:
    # Imported late: the pages' modules are slow to load.
    from web.accounts import MAX_PASSWORD, MIN_PASSWORD

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Refusal(
            f"EARMARK_PASSWORD has {len(password)} characters: set it to a password of "
            f"{MIN_PASSWORD} to {MAX_PASSWORD}."
        )


def _known_account(session: Session, email: str | None) -> Account | None:
    if email is not None:
        return accounts.by_email(session, email=email)
    return session.scalar(select(Account).order_by(Account.created_at, Account.id).limit(1))


def give_music(database: Database, settings: Settings, account_id: UUID) -> None:
    """Point the account at the folder of MUSIC, or at the demo library if it has no music yet."""
    folder = settings.music_dir
    name = "Demo library" if folder is None else name_of(folder)
    if folder is None:
        with database.session() as session:
            if account_sources.of_account(session, account_id=account_id):
                return
        folder = settings.data_dir / "music"
        make_demo(folder)
    with database.session() as session:
        account_sources.set_first_folder(
            session, account_id=account_id, location=location_of(folder), name=name
        )


def make_demo(folder: Path) -> DemoSummary:
    """Write the demo library into a folder, with a progress bar on standard error.

    Raises:
        Refusal: the folder cannot be written to.
    """
    # Imported late: no other command computes sounds.
    from library import demo

    try:
        with click.progressbar(length=1, label="Demo library", file=sys.stderr) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            return demo.generate(folder, on_song=advance)
    except OSError as error:
        raise Refusal(
            f"The demo library cannot be written to {folder} ({error.strerror}): "
            "name another folder."
        ) from error

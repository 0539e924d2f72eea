"""The command line: ``earmark``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from sqlalchemy.orm import Session

from library import accounts
from library.errors import EmailTaken
from library.models import Account
from tasks import startup
from tasks.settings import Settings, SettingsError
from web import first_run, valkey
from web.passwords import hash_password
from web.refusal import Refusal


def _version() -> str:
    """The installed version. A host that installs the requirements alone has none."""
    try:
        return version("earmark")
    except PackageNotFoundError:
        return "of a folder that is not installed"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), message="%(prog)s %(version)s")
def main() -> None:
    """Earmark sorts the songs you love into the playlists you keep."""


@main.command("up")
def up_command() -> None:
    """Run all of Earmark on this machine, until Ctrl-C.

    The environment says how: PORT (5000), MUSIC (a folder; without it a demo library is made),
    EARMARK_EMAIL and EARMARK_PASSWORD (the first account), EARMARK_DATA (.earmark).
    """
    from web.up import up

    sys.exit(up(_settings()))


@main.command("demo")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
def demo_command(folder: Path | None) -> None:
    """Write the demo library: short songs, three playlists, a few liked songs.

    FOLDER is where, by default the music folder that `earmark up` uses.
    """
    target = folder or _settings().data_dir / "music"
    first_run.make_demo(target.absolute())
    click.echo(f"The demo library is in {target}.")


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables to the newest revision.

    A database that newer code has migrated is left as it is: exit code 0 where this code may use
    it, which is so while one release takes the place of another, else 2.
    """
    database, schema = first_run.migrate(_settings())
    database.close()
    click.echo(str(schema))


@main.command("serve")
def serve_command() -> None:
    """Run the site with gunicorn, as the process `web` of a Procfile.

    GUNICORN_CMD_ARGS may hold further options of gunicorn.
    """
    # Before gunicorn, which reads WEB_CONCURRENCY while it is imported.
    startup.read_settings(needs_key=True)
    arguments = ("-m", "gunicorn", "web.wsgi:app", "-c", "python:web.gunicorn")
    os.execv(sys.executable, (sys.executable, *arguments))  # noqa: S606 - no shell is wanted


@main.group("account")
def account_group() -> None:
    """Accounts of this installation."""


_password_option = click.password_option(help="Asked for when not given.")


@account_group.command("add")
@click.argument("email")
@_password_option
def account_add_command(email: str, password: str) -> None:
    """Add an account for EMAIL."""
    _check_email(email)
    _check_password(password)
    with _session() as session:
        try:
            accounts.create(session, email=email, password_hash=hash_password(password))
        except EmailTaken as error:
            raise Refusal(str(error)) from error
    click.echo(f"There is an account for {email} now.")


@account_group.command("password")
@click.argument("email")
@_password_option
def account_password_command(email: str, password: str) -> None:
    """Give the account of EMAIL a new password, and sign it out everywhere."""
    _check_password(password)
    new_hash = hash_password(password)
    with _session() as session:
        account = _account(session, email)
        accounts.set_password(session, account_id=account.id, password_hash=new_hash)
    click.echo(f"The account for {account.email} has a new password, and is signed out everywhere.")
    _end_streams(account)


def _account(session: Session, email: str) -> Account:
    account = accounts.by_email(session, email=email)
    if account is None:
        raise Refusal(f"There is no account for {email}: see earmark account list.")
    return account


def _end_streams(account: Account) -> None:
    """End what an account's browsers follow at this moment, or say that it goes on."""
    # Imported late, as below.
    from progress.redis import RedisLog
    from web.sessions import end_streams

    settings = _settings()
    # `earmark up` brings a server of its own, with another address and password at each start.
    url = valkey.running(settings.data_dir / "valkey") or settings.redis_url
    with closing(RedisLog(url)) as log:
        was_told = end_streams(log, str(account.id))
    if not was_told:
        click.echo(
            "earmark: The Redis server could not be reached, so pages that are open now may show "
            "the progress of jobs for up to 15 minutes more. Check REDIS_URL, or EARMARK_DATA for "
            "a running earmark up.",
            err=True,
        )


def _check_email(email: str) -> None:
    name, _, host = email.rpartition("@")
    if not name or not host:
        raise Refusal(f"{email!r} is no e-mail address: give one such as me@home.org.")


def _check_password(password: str) -> None:
    # Imported late: the pages' modules are slow to load, and the other commands need none.
    from web.accounts import MAX_PASSWORD, MIN_PASSWORD

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Refusal(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")


@contextmanager
def _session() -> Iterator[Session]:
    with closing(first_run.open_database(_settings())) as database, database.session() as session:
        yield session


def _settings() -> Settings:
    try:
        return Settings.from_environ(os.environ)
    except SettingsError as error:
        raise Refusal(str(error)) from error

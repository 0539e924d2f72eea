"""The command line: ``earmark``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from library import accounts
from library.errors import EmailTaken
from tasks.settings import Settings, SettingsError
from web import first_run
from web.passwords import hash_password
from web.refusal import Refusal


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earmark", message="%(prog)s %(version)s")
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
    """Bring the database's tables to the newest revision."""
    first_run.open_database(_settings()).close()
    click.echo("The database is up to date.")


@main.group("account")
def account_group() -> None:
    """Accounts of this installation."""


@account_group.command("add")
@click.argument("email")
@click.password_option(help="Asked for when not given.")
def account_add_command(email: str, password: str) -> None:
    """Add an account for EMAIL."""
    database = first_run.open_database(_settings())
    try:
        with database.session() as session:
            accounts.create(session, email=email, password_hash=hash_password(password))
    except EmailTaken as error:
        raise Refusal(str(error)) from error
    finally:
        database.close()
    click.echo(f"There is an account for {email} now.")


def _settings() -> Settings:
    try:
        return Settings.from_environ(os.environ)
    except SettingsError as error:
        raise Refusal(str(error)) from error

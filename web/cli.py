"""The command line: ``earmark``."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from tasks import startup
from web import first_run
from web.account_commands import account_group
from web.refusal import settings_or_refusal


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

    sys.exit(up(settings_or_refusal()))


@main.command("demo")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
def demo_command(folder: Path | None) -> None:
    """Write the demo library: short songs, three playlists, a few loved songs.

    FOLDER is where, by default the music folder that `earmark up` uses.
    """
    target = folder or settings_or_refusal().data_dir / "music"
    first_run.make_demo(target.absolute())
    click.echo(f"The demo library is in {target}.")


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables to the newest revision.

    A database that newer code has migrated is left as it is: exit code 0 where this code may use
    it, which is so while one release takes the place of another, else 2.
    """
    database, schema = first_run.migrate(settings_or_refusal())
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


main.add_command(account_group)

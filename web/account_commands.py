"""The commands ``earmark account``: the accounts of this installation, for whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy.orm import Session

from library import account_sources, accounts, jobs, playlists, removal, songs
from library.database import Database
from library.errors import EmailTaken, FolderRefused, SourceRefused
from library.models import JOB_KINDS, Account, Source
from library.sound.store import SoundStore
from library.sources.location import folder_at, location_of, name_of, shown
from library.writeback.backups import Backups
from web import first_run, valkey
from web.passwords import hash_password
from web.refusal import Refusal, settings_or_refusal
from web.visible import visible

#: One transaction removes at most this many rows.
_BATCH = 500


@click.group("account")
def account_group() -> None:
    """Accounts of this installation."""


_password_option = click.password_option(help="Asked for when not given.")


def _new_email(_context: click.Context, _parameter: click.Parameter, email: str) -> str:
    """An address for a new account. It is looked at before anybody is asked for a password."""
    name, _, host = email.rpartition("@")
    if not name or not host:
        raise Refusal(f"{email!r} is no e-mail address: give one such as me@home.org.")
    with _session() as session:
        known = accounts.by_email(session, email=email)
    if known is not None:
        raise Refusal(str(EmailTaken(known.email)))
    return email


def _known_email(_context: click.Context, _parameter: click.Parameter, email: str) -> str:
    """The address of an account that there is."""
    with _session() as session:
        return _account(session, email).email


@account_group.command("add")
@click.argument("email", callback=_new_email)
@_password_option
def add_command(email: str, password: str) -> None:
    """Add an account for EMAIL. The first is the owner's."""
    _check_password(password)
    new_hash = hash_password(password)
    with _session() as session:
        try:
            account = accounts.create(session, email=email, password_hash=new_hash)
        except EmailTaken as error:
            raise Refusal(str(error)) from error
        accounts.claim_ownership(session, account=account)
    click.echo(f"There is an account for {email} now.")


@account_group.command("list")
def list_command() -> None:
    """List the accounts, the oldest first, and where their music is."""
    with _session() as session:
        rows = [
            (
                account.email + (" (owner)" if account.is_owner else ""),
                f"{account.created_at:%Y-%m-%d}",
                ", ".join(map(_place, sources)) or "no music",
            )
            for account, sources in accounts.everyone(session)
        ]
    width = max((len(email) for email, _, _ in rows), default=0)
    for email, made, folder in rows:
        click.echo(f"{email:{width}}  {made}  {folder}")


def _place(source: Source) -> str:
    is_folder = source.kind == "folder"
    place = shown(str(folder_at(source.location))) if is_folder else source.location
    return visible(place)


@account_group.command("password")
@click.argument("email", callback=_known_email)
@_password_option
def password_command(email: str, password: str) -> None:
    """Give the account of EMAIL a new password, and sign it out everywhere."""
    _check_password(password)
    new_hash = hash_password(password)
    with _session() as session:
        account = _account(session, email)
        accounts.set_password(session, account_id=account.id, password_hash=new_hash)
    click.echo(f"The account for {account.email} has a new password, and is signed out everywhere.")
    _end_streams(account)


@account_group.command("folder")
@click.argument("email")
@click.argument("folder", type=click.Path(path_type=Path))
def folder_command(email: str, folder: Path) -> None:
    """Add FOLDER, which is in one of EARMARK_MUSIC_ROOTS, to the music of the account of EMAIL."""
    with _session() as session:
        account = _account(session, email)
        try:
            found = settings_or_refusal().roots.folder(folder.absolute())
        except FolderRefused as error:
            raise Refusal(str(error)) from error
        try:
            account_sources.add(
                session, account_id=account.id, location=location_of(found), name=name_of(found)
            )
        except SourceRefused as error:
            raise Refusal(str(error)) from error
    click.echo(f"{visible(shown(str(found)))} is part of the music of {account.email} now.")


@account_group.command("owner")
@click.argument("email")
def owner_command(email: str) -> None:
    """Make the account of EMAIL the owner's, who may invite others."""
    with _session() as session:
        account = _account(session, email)
        accounts.make_owner(session, account=account)
    click.echo(f"{account.email} is the owner now.")


@account_group.command("remove")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_command(email: str, yes: bool) -> None:  # noqa: FBT001 - click calls it by name
    """Remove the account of EMAIL with all that Earmark knows of its music. No file is touched."""
    with _session() as session:
        account = _account(session, email)
        total, _, _ = songs.counts(session, account_id=account.id)
        kept = playlists.count(session, account_id=account.id)
    if not yes:
        click.confirm(
            f"Remove {account.email} with {total} songs, {kept} playlists, all jobs, proposals and "
            "decisions? Its files stay. This cannot be undone.",
            abort=True,
        )
    settings = settings_or_refusal()
    with closing(first_run.open_database(settings)) as database:
        with database.session() as session:
            running = [jobs.active(session, account_id=account.id, kind=kind) for kind in JOB_KINDS]
            removal.close(session, account_id=account.id)
        _end_streams(account, [job.id for job in running if job is not None])
        _remove(database, account)
    SoundStore.within(settings.data_dir).forget(account.id)
    Backups(settings.data_dir, account.id).forget_all()
    click.echo(f"The account for {account.email} is removed.")


def _remove(database: Database, account: Account) -> None:
    while True:
        with database.session() as session:
            if not removal.remove_some(session, account_id=account.id, limit=_BATCH):
                return


def _account(session: Session, email: str) -> Account:
    account = accounts.by_email(session, email=email)
    if account is None:
        raise Refusal(f"There is no account for {email}: see earmark account list.")
    return account


def _end_streams(account: Account, cancelled: Sequence[UUID] = ()) -> None:
    """End the streams of an account's browsers, or say that they go on."""
    # Imported late, as below.
    from progress.errors import LogUnavailable
    from progress.log import JobRef
    from progress.redis import RedisLog

    settings = settings_or_refusal()
    # `earmark up` brings a server of its own, with another address and password at each start.
    url = valkey.running(settings.data_dir / "valkey") or settings.redis_url
    try:
        with closing(RedisLog(url)) as log:
            log.revoke(str(account.id))
            for job_id in cancelled:
                log.request_cancel(JobRef(str(account.id), str(job_id)))
    except LogUnavailable:
        click.echo(
            "earmark: The Redis server could not be reached, so pages that are open now may show "
            "the progress of jobs for up to 15 minutes more. Check REDIS_URL, or EARMARK_DATA for "
            "a running earmark up.",
            err=True,
        )


def _check_password(password: str) -> None:
    # Imported late: the pages' modules are slow to load, and the other commands need none.
    from web.accounts import MAX_PASSWORD, MIN_PASSWORD

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Refusal(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")


@contextmanager
def _session() -> Iterator[Session]:
    with (
        closing(first_run.open_database(settings_or_refusal())) as database,
        database.session() as session,
    ):
        yield session

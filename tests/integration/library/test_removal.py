"""An account goes with all that is its own, in batches, and takes nothing of another's along."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from library import account_sources, accounts, invites, jobs, likes, matches, removal, sessions
from library.database import Database
from library.matching import Proposal
from library.models import Base, utc_now
from tests.integration.library.conftest import Home

NOW = utc_now()


def furnish(home: Home) -> None:
    """Something in most tables, jobs that name each other in both directions of time among it."""
    session = home.session
    kept = [home.song(f"{number}.flac") for number in range(7)]
    likes.replace(session, account_id=home.id, song_ids=[song.id for song in kept])
    playlist = home.playlist("a.m3u", *kept)
    last = None
    for _ in range(5):
        job, _ = jobs.create(
            session, account_id=home.id, kind="matching", retry_of=last.id if last else None
        )
        jobs.finish(session, job_id=job.id, attempt=0, status="completed", now=NOW)
        last = job
    assert last is not None
    proposal = Proposal(
        song_id=str(kept[0].id), playlist_id=str(playlist.id), score=0.5, reasons=()
    )
    matches.replace(session, account_id=home.id, job_id=last.id, proposals={kept[0].id: [proposal]})
    sessions.begin(session, account_id=home.id, password_hash="-", user_agent="", now=NOW)
    invites.create(session, account_id=home.id, now=NOW)
    session.flush()


def rows(session: Session, home: Home) -> dict[str, int]:
    """How many rows of each table are an account's."""
    counts = {}
    for table in Base.metadata.sorted_tables:
        column = table.c.get("account_id", table.c.id if table.name == "accounts" else None)
        mine = select(func.count()).select_from(table).where(column == home.id)
        counts[table.name] = session.scalar(mine) or 0
    return {name: count for name, count in counts.items() if count}


def new_home(database: Database) -> Home:
    with database.session() as session:
        account = accounts.create(session, email=f"{uuid4().hex}@example.org", password_hash="-")
        source = account_sources.add(session, account_id=account.id, location="/x", name="Music")
        furnish(Home(session, account, source))
        return Home(session, account, source)


def test_every_row_of_an_account_goes_batch_by_batch(database: Database) -> None:
    ada, bob = new_home(database), new_home(database)
    with database.session() as session:
        theirs = rows(session, bob)
        removal.close(session, account_id=ada.id)
    assert len(theirs) >= 9
    batches = [1]
    while batches[-1]:
        # A row that refers to one that went is found where the transaction ends.
        with database.session() as session:
            batches.append(removal.remove_some(session, account_id=ada.id, limit=2))
    assert max(batches) == 2
    with database.session() as session:
        assert rows(session, ada) == {}
        assert rows(session, bob) == theirs


def test_an_account_that_is_being_removed_cannot_be_signed_in_to(home: Home) -> None:
    _, token = sessions.begin(
        home.session, account_id=home.id, password_hash="-", user_agent="", now=NOW
    )
    accounts.set_password(home.session, account_id=home.id, password_hash="a hash")
    removal.close(home.session, account_id=home.id)
    assert sessions.of_account(home.session, account_id=home.id, now=NOW) == []
    assert (
        sessions.begin(
            home.session, account_id=home.id, password_hash="a hash", user_agent="", now=NOW
        )
        is None
    )
    assert token

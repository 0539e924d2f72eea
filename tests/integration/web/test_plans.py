"""No query of a page or of the API grows with the product of two tables, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session

from benchmarks._seed import Seeded, Size, seed
from benchmarks._site import addresses
from library import songs
from library.database import Database
from library.models import Base, LikedSong, Match, PlaylistEntry, Song
from tests.integration.databases import MakeUrl
from tests.integration.plans import faults, recorded
from tests.integration.web.conftest import PASSWORD_HASH, Person, Site

SIZE = Size(
    songs=800, liked=400, playlists=30, entries_each=15, proposals=300, jobs=60, failures=250
)
#: As much again, of somebody else.
OTHER = "other"


@dataclass(frozen=True)
class Library:
    """A site with two accounts of a library each, of which one is signed in."""

    site: Site
    seeded: Seeded
    person: Person
    #: How many rows its database has.
    rows: int

    @property
    def database(self) -> Database:
        return self.site.runtime.database

    def faults(self, statement) -> list[str]:
        with self.database.engine.connect() as connection:
            return faults(connection, statement, rows=self.rows)

    def faults_of_pages(self) -> dict[str, list[str]]:
        """What is wrong with any statement that a route issues, by its address."""
        found: dict[str, list[str]] = {}
        for address in addresses(self.site.app, self.seeded, self.person.browser):
            with recorded(self.database.engine) as statements:
                address.read()
            for statement in statements:
                if wrong := self.faults(statement):
                    found[address.path] = [*wrong, statement[0]]
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request, make_site) -> Iterator[Library]:
    make_url: MakeUrl = request.getfixturevalue(
        {"sqlite": "make_sqlite", "postgresql": "make_postgres"}[request.param]
    )
    site: Site = make_site(DATABASE_URL=make_url(True), EARMARK_SIGN_UP="open")
    database = site.runtime.database
    seed(database, SIZE, password_hash=PASSWORD_HASH, name=OTHER)
    seeded = seed(database, SIZE, password_hash=PASSWORD_HASH)
    person = Person(site.client(), seeded.account_id, seeded.email)
    assert person.sign_in().status_code == 303
    with database.session() as session:
        if request.param == "postgresql":  # whose autovacuum does so; SQLite has no such
            session.execute(text("ANALYZE"))
        tables = Base.metadata.sorted_tables
        rows = sum(session.scalar(select(func.count()).select_from(t)) or 0 for t in tables)
    yield Library(site, seeded, person, rows)
    database.close()


def test_no_page_and_no_answer_grows_with_the_product_of_two_tables(library: Library) -> None:
    assert library.faults_of_pages() == {}


def test_every_route_is_asked_and_its_statements_are_seen(library: Library) -> None:
    asked = {a.route for a in addresses(library.site.app, library.seeded, library.person.browser)}
    assert {"pages.start", "pages.library", "pages.library, next page", "api.get_job"} <= asked
    assert {"pages.playlist, next page", "review.queue, next page", "progress.feed"} <= asked
    assert {"pages.job_failures, next page", "progress.failures, next page"} <= asked
    with recorded(library.database.engine) as statements:
        library.person.browser.get("/library?search=night")
        library.person.browser.get("/playlists")
    seen = "\n".join(statement for statement, _ in statements)
    for name in ("songs", "features", "liked_songs", "playlist_entries", "LIKE", "accounts"):
        assert name in seen, name


#: Joins that look harmless, and the databases on which each walks through one table for every row
#: of another. The first is what took minutes; PostgreSQL makes a hash of it.
JOINS = {
    "half of a key": (
        {"sqlite"},
        # An outer one, so that no database begins with the liked songs.
        select(func.count()).select_from(Song).outerjoin(LikedSong, LikedSong.song_id == Song.id),
    ),
    "the account alone": (
        {"sqlite", "postgresql"},
        select(func.count()).select_from(Song).join(Match, Match.account_id == Song.account_id),
    ),
    "one of two keys": (
        {"sqlite", "postgresql"},
        select(func.count())
        .select_from(Song)
        .join(LikedSong, or_(LikedSong.song_id == Song.id, LikedSong.said_by == Song.album)),
    ),
    "a search for each": (
        {"sqlite", "postgresql"},
        select(func.count()).where(
            exists().where(
                PlaylistEntry.account_id == Song.account_id, PlaylistEntry.position + Song.year < 0
            )
        ),
    ),
}


@pytest.mark.parametrize("name", JOINS)
def test_a_join_that_grows_with_a_product_is_found_where_a_page_has_it(
    library: Library, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    slow_on, query = JOINS[name]

    def counts(session: Session, *, account_id: UUID) -> tuple[int, int, int]:
        return session.scalar(query.where(Song.account_id == account_id, Song.present)) or 0, 0, 0

    monkeypatch.setattr(songs, "counts", counts)
    found = library.faults_of_pages()
    if library.database.engine.dialect.name in slow_on:
        assert {"/", "/library"} <= found.keys()
    else:
        assert found == {}
    assert not [path for path in found if path.startswith(("/jobs", "/api", "/proposals"))]

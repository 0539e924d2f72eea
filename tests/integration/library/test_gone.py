"""What is gone is hidden, kept and comes back as it was, or is purged; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from library import features, gone, likes, matches, playlists, songs
from library.matching import Proposal
from library.models import (
    Decision,
    Features,
    LikedSong,
    Match,
    Playlist,
    PlaylistEntry,
    Song,
)
from tests.integration.library.conftest import NOW, Home

KEPT = timedelta(days=90)


@pytest.fixture
def full(home: Home) -> Home:
    """An account with two songs, heard, liked, in a list, and each proposed for another list."""
    a, b = (home.song(f"{name}.ogg", size_bytes=1, modified_ns="1") for name in "ab")
    home.playlist("list.m3u", a, b)
    other = home.playlist("other.m3u", home.song("c.ogg"))
    said_by = {a.id: "liked.m3u", b.id: "liked.m3u"}
    likes.replace(home.session, account_id=home.id, song_ids=list(said_by), said_by=said_by)
    for song in (a, b):
        home.heard(song)
        propose(home, song, other)
    return home


def propose(home: Home, song: Song, *lists: Playlist) -> None:
    proposals = [Proposal(str(song.id), str(found.id), 0.5, ()) for found in lists]
    matches.replace(home.session, account_id=home.id, job_id=None, proposals={song.id: proposals})


def shown(home: Home) -> dict[str, object]:
    """All that pages, counts, analysis and matching make of an account."""
    session, mine = home.session, home.id
    session.expire_all()
    waiting = features.to_analyse(session, account_id=mine, analyser_version=3)
    return {
        "songs": sorted(row.title for row in songs.page(session, account_id=mine)),
        "counts": songs.counts(session, account_id=mine),
        "lists": [(row.name, row.size) for row in playlists.page(session, account_id=mine)],
        "members": sorted(map(len, playlists.members(session, account_id=mine).values())),
        "proposed": sorted(row.title for row in matches.page(session, account_id=mine)),
        "proposals": matches.count(session, account_id=mine),
        "to hear": sorted(song.title for song in waiting),
        "to match": sorted(song.title for song in features.to_match(session, account_id=mine)),
    }


def rows(session: Session) -> dict[str, int]:
    tables = (Song, Playlist, PlaylistEntry, LikedSong, Features, Match, Decision)
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
        for table in tables
    }


def test_a_song_that_is_gone_is_shown_counted_heard_and_matched_nowhere(full: Home) -> None:
    full.lose(songs=["a.ogg"])
    assert shown(full) == {
        "songs": ["b.ogg", "c.ogg"],
        "counts": (2, 1, 1),
        "lists": [("list.m3u", 1), ("other.m3u", 1)],
        "members": [1, 1],
        "proposed": ["b.ogg"],
        "proposals": 1,
        "to hear": ["b.ogg", "c.ogg"],
        "to match": ["b.ogg", "c.ogg"],
    }
    (playlist_id,) = full.session.scalars(select(Playlist.id).where(Playlist.name == "list.m3u"))
    entries = playlists.songs(full.session, account_id=full.id, playlist_id=playlist_id)
    assert len(entries) == 1


def test_a_song_that_comes_back_is_as_it_was(full: Home) -> None:
    before, kept = shown(full), rows(full.session)
    full.lose(songs=["a.ogg", "b.ogg"])
    assert rows(full.session) == kept
    for name in "ab":
        full.song(f"{name}.ogg", size_bytes=1, modified_ns="1")
    assert shown(full) == before
    assert full.session.scalars(select(Song.gone_at).distinct()).all() == [None]


def test_a_playlist_that_is_gone_is_hidden_and_comes_back_with_its_entries_and_proposals(
    full: Home,
) -> None:
    before, kept = shown(full), rows(full.session)
    other = full.session.scalar(select(Playlist).where(Playlist.name == "other.m3u"))
    assert other is not None
    full.lose(playlists=["other.m3u"])
    hidden = shown(full)
    assert hidden["lists"] == [("list.m3u", 2)]
    assert (hidden["proposed"], hidden["proposals"]) == ([], 0)
    assert playlists.get(full.session, account_id=full.id, playlist_id=other.id) is None
    assert rows(full.session) == kept
    again = full.playlist("other.m3u", full.song("c.ogg"))
    assert again.id == other.id
    assert shown(full) == before


def test_a_song_whose_best_list_is_gone_is_proposed_for_no_other_until_it_is_matched_again(
    full: Home,
) -> None:
    a = full.session.scalar(select(Song).where(Song.external_id == "a.ogg"))
    lists = {found.name: found for found in full.session.scalars(select(Playlist))}
    assert a is not None
    propose(full, a, lists["other.m3u"], lists["list.m3u"])
    full.lose(playlists=["list.m3u"])
    found = {row.title: row.matches for row in matches.page(full.session, account_id=full.id)}
    assert [match.name for match in found["a.ogg"]] == ["other.m3u"]
    full.lose(playlists=["other.m3u"])
    assert matches.page(full.session, account_id=full.id) == []
    assert matches.count(full.session, account_id=full.id) == 0


def test_a_sync_meanwhile_takes_no_like_of_a_song_that_is_gone(full: Home) -> None:
    full.lose(songs=["a.ogg"])
    likes.replace(full.session, account_id=full.id, song_ids=[])
    assert songs.counts(full.session, account_id=full.id)[1] == 0
    full.song("a.ogg")
    assert songs.counts(full.session, account_id=full.id)[1] == 1


def test_a_list_that_could_not_be_read_takes_no_like_back(full: Home) -> None:
    def liked(unread: set[str | None]) -> int:
        likes.replace(full.session, account_id=full.id, song_ids=[], is_unread=unread.__contains__)
        return songs.counts(full.session, account_id=full.id)[1]

    assert liked({"liked.m3u"}) == 2
    full.session.execute(update(LikedSong).values(said_by=None))
    full.session.expire_all()
    assert liked({None}) == 2
    assert liked({"another.m3u"}) == 0


def test_only_what_is_named_is_gone(full: Home, make_home: Callable[[], Home]) -> None:
    other = make_home()
    other.song("a.ogg")
    full.lose(songs=["a.ogg", "unknown.ogg"], playlists=["unknown.m3u"])
    assert shown(full)["songs"] == ["b.ogg", "c.ogg"]
    assert shown(other)["songs"] == ["a.ogg"]


def test_a_song_that_is_still_gone_keeps_the_time_since_when(full: Home) -> None:
    for now in (NOW, NOW + KEPT):
        full.lose(songs=["a.ogg"], playlists=["list.m3u"], now=now)
    session = full.session
    session.expire_all()
    assert session.scalars(select(Song.gone_at).where(~Song.present)).all() == [NOW]
    assert session.scalars(select(Playlist.gone_at).where(Playlist.name == "list.m3u")).all() == [
        NOW
    ]


def test_a_sources_known_songs_come_with_its_lists_of_liked_songs(full: Home) -> None:
    def known() -> gone.Known:
        return gone.known(full.session, account_id=full.id, source_id=full.source.id)

    assert known() == gone.Known(
        songs=frozenset({"a.ogg", "b.ogg", "c.ogg"}),
        playlists=frozenset({"list.m3u", "other.m3u", "liked.m3u"}),
        liked={"liked.m3u": 2},
    )
    full.lose(songs=["a.ogg"], playlists=["list.m3u"])
    assert known() == gone.Known(
        songs=frozenset({"b.ogg", "c.ogg"}),
        playlists=frozenset({"other.m3u", "liked.m3u"}),
        liked={"liked.m3u": 1},
    )
    found = gone.songs_by_external(full.session, source_id=full.source.id)
    assert found.keys() == {"a.ogg"}


class TestPurge:
    def purge(self, home: Home, *, days: int, limit: int = 500) -> tuple[list[int], list[int]]:
        """The numbers of rows that each step of a purge deletes, some days after a sync."""
        before = NOW + timedelta(days=days) - KEPT
        found = []
        for step in (gone.purge_songs, gone.purge_playlists):
            counts = [step(home.session, before=before, limit=limit)]
            while counts[-1] == limit:
                counts.append(step(home.session, before=before, limit=limit))
            found.append(counts)
        home.session.expire_all()
        return found[0], found[1]

    def test_gone_songs_are_kept_for_their_time_and_then_removed_with_all_their_rows(
        self, full: Home
    ) -> None:
        full.lose(songs=["a.ogg"], playlists=["other.m3u"])
        kept, seen = rows(full.session), shown(full)
        self.purge(full, days=90)
        assert rows(full.session) == kept
        self.purge(full, days=91)
        left = rows(full.session)
        assert (left["songs"], left["playlists"]) == (2, 1)
        assert (left["liked_songs"], left["features"], left["matches"]) == (1, 1, 0)
        assert left["playlist_entries"] == 1
        assert shown(full) == seen

    def test_it_goes_in_batches(self, full: Home) -> None:
        names = [f"{n}.ogg" for n in range(7)]
        for name in names:
            full.song(name)
        full.lose(songs=names, playlists=["list.m3u"])
        assert self.purge(full, days=91, limit=3) == ([3, 3, 1], [1])

    def test_present_songs_and_other_accounts_songs_stay(
        self, full: Home, make_home: Callable[[], Home]
    ) -> None:
        other = make_home()
        other.song("mine.ogg")
        before = rows(full.session)
        self.purge(full, days=1_000)
        assert rows(full.session) == before

    def test_a_decision_is_there_after_the_purge_and_fits_the_song_that_comes_again(
        self, full: Home
    ) -> None:
        def pair() -> tuple[UUID | None, UUID | None]:
            song = full.session.scalar(select(Song).where(Song.external_id == "a.ogg"))
            found = full.session.scalar(select(Playlist).where(Playlist.name == "other.m3u"))
            assert song is not None
            assert found is not None
            return song.identity, found.identity

        song_identity, playlist_identity = pair()
        assert song_identity is not None
        assert playlist_identity is not None
        full.session.add(
            Decision(
                account_id=full.id,
                song_identity=song_identity,
                playlist_identity=playlist_identity,
                verdict="rejected",
                reason="Too slow for it",
                score=0.5,
                model_version="1",
                song_label="A",
                playlist_name="Other",
            )
        )
        full.lose(songs=["a.ogg"], playlists=["other.m3u"])
        self.purge(full, days=91)
        assert rows(full.session)["decisions"] == 1
        full.song("a.ogg")
        full.playlist("other.m3u")
        assert pair() == (song_identity, playlist_identity)

    def test_songs_that_an_older_program_marked_are_kept_for_their_time_from_now_on(
        self, full: Home
    ) -> None:
        # It knows `present` alone.
        full.lose(songs=["b.ogg"])
        session = full.session
        session.execute(text("UPDATE songs SET present = FALSE WHERE external_id = 'a.ogg'"))
        session.execute(text("UPDATE songs SET present = TRUE WHERE external_id = 'b.ogg'"))
        self.purge(full, days=1_000)
        gone.settle(session, now=NOW)
        session.expire_all()
        found = {song.external_id: song.gone_at for song in session.scalars(select(Song))}
        assert found == {"a.ogg": NOW, "b.ogg": None, "c.ogg": None}


def test_an_identity_is_kept_when_the_name_changes(home: Home) -> None:
    song = home.song("a.ogg")
    identity = song.identity
    song.external_id = "b.ogg"
    assert home.song("b.ogg").identity == identity
    assert home.song("c.ogg").identity != identity
    song.identity = None  # a row of an older version has none
    assert home.song("b.ogg").identity is not None


def test_two_songs_of_an_account_never_share_an_identity(home: Home) -> None:
    first, second = home.song("a.ogg"), home.song("b.ogg")
    second.identity = first.identity
    with pytest.raises(IntegrityError):
        home.session.flush()

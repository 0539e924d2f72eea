"""What a person decides is kept, leaves the queue, and can be taken back; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from library import decisions, gone, likes, matches, pairs
from library.decisions import Counts
from library.matches import Wanted
from library.matching import Proposal
from library.models import Decision, Match, Playlist, Song
from tests.integration.library.conftest import NOW, Home
from tests.integration.plans import faults, recorded

WHY = ("3 songs by Ann in it",)


class Desk:
    """An account with three playlists and songs that are proposed for them."""

    def __init__(self, home: Home, scores: dict[str, tuple[float, ...]]) -> None:
        self.home, self.session = home, home.session
        self.mine = {"account_id": home.id}
        self.lists = {name: home.playlist(name, home.song(f"in {name}")) for name in "pqr"}
        self.songs = {name: home.song(name, artist=f"By {name}") for name in scores}
        loved = [song.id for song in self.songs.values()]
        likes.replace(self.session, **self.mine, song_ids=loved)
        self.match(scores)

    def match(self, scores: dict[str, tuple[float, ...]]) -> None:
        found = {
            self.songs[name].id: [
                Proposal("", str(into.id), score, WHY)
                for into, score in zip(self.lists.values(), row, strict=False)
            ]
            for name, row in scores.items()
        }
        matches.replace(
            self.session, **self.mine, job_id=None, proposals=found, model_version="test 1"
        )

    def pair(self, song: str, into: str) -> dict[str, UUID]:
        ids = {"song_id": self.songs[song].id, "playlist_id": self.lists[into].id}
        return {**self.mine, **ids}

    def accept(self, song: str, into: str, **reason: str) -> Decision:
        found = decisions.accept(self.session, **self.pair(song, into), **reason)
        assert found is not None
        return found

    def reject(self, song: str, into: str, **reason: str) -> Decision:
        found = decisions.reject(self.session, **self.pair(song, into), **reason)
        assert found is not None
        return found

    def undo(self, decision: Decision) -> None:
        decisions.undo(self.session, **self.mine, decision_id=decision.id)

    def queue(self, **wanted: object) -> list[tuple[str, list[str]]]:
        """Each song that waits, with the lists it is proposed for, the best first."""
        found = matches.page(self.session, **self.mine, wanted=Wanted(**wanted))  # type: ignore[arg-type]
        assert len(found) == matches.count(self.session, **self.mine, wanted=Wanted(**wanted))  # type: ignore[arg-type]
        return [(row.title, [match.name for match in row.matches]) for row in found]

    def in_force(self) -> list[tuple[str, str, bool]]:
        names = {made.id: name for name, made in {**self.songs, **self.lists}.items()}
        found = pairs.in_force(self.session, **self.mine)
        return sorted((names[a], names[b], accepted) for a, b, accepted in found)


@pytest.fixture
def desk(home: Home) -> Desk:
    return Desk(home, {"a": (0.9, 0.05), "b": (0.6, 0.35, 0.1), "c": (0.3,)})


FULL = [("a", ["p", "q"]), ("b", ["p", "q", "r"]), ("c", ["p"])]


def test_what_is_accepted_leaves_the_queue_and_is_kept_with_all_that_was_said_of_it(
    desk: Desk,
) -> None:
    assert desk.queue() == FULL
    made = desk.accept("b", "p", reason=" Yes. ")
    assert desk.queue() == [FULL[0], FULL[2]]
    assert desk.in_force() == [("b", "p", True)]
    assert (made.verdict, made.score, made.model_version) == ("accepted", 0.6, "test 1")
    assert (made.reason, made.reasons) == ("Yes.", list(WHY))
    assert (made.song_label, made.playlist_name) == ("By b – b", "p")


def test_what_is_rejected_waits_by_its_next_best_list_until_none_is_left(desk: Desk) -> None:
    desk.reject("b", "p")
    assert desk.queue() == [FULL[0], ("b", ["q", "r"]), FULL[2]]
    desk.reject("c", "p")
    assert desk.queue() == [FULL[0], ("b", ["q", "r"])]
    assert decisions.counts(desk.session, **desk.mine) == Counts(0, 2)


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_any_decision_can_be_undone_in_any_order(desk: Desk, verdict: str) -> None:
    made = [getattr(desk, verdict)(song, "p") for song in "abc"]
    for decision in (made[1], made[0], made[2], made[2]):
        desk.undo(decision)
    assert desk.queue() == FULL
    assert desk.in_force() == []
    assert decisions.counts(desk.session, **desk.mine) == Counts(0, 0)
    row = desk.session.scalar(select(Match).where(Match.score == 0.9))
    assert row is not None
    assert (row.reasons, row.model_version) == (list(WHY), "test 1")


def test_a_decision_is_undone_after_a_later_matching_that_left_its_pair_out(desk: Desk) -> None:
    accepted, rejected = desk.accept("a", "p"), desk.reject("b", "p")
    desk.match({"a": (), "b": (), "c": (0.4,)})
    desk.undo(accepted)
    desk.undo(rejected)
    assert desk.queue() == [("a", ["p"]), ("b", ["p"]), ("c", ["p"])]


def test_a_list_of_the_persons_own_choice_is_accepted_and_undone(desk: Desk) -> None:
    made = desk.accept("a", "r")
    assert (made.score, made.reasons) == (None, None)
    assert desk.queue() == FULL[1:]
    desk.undo(made)
    assert desk.queue() == FULL


def test_a_changed_mind_is_one_decision_that_keeps_what_was_said(desk: Desk) -> None:
    first = desk.accept("a", "p")
    again = desk.accept("a", "p")
    changed = desk.reject("a", "p", reason="Too slow")
    assert first.id == again.id == changed.id
    assert (changed.verdict, changed.score, changed.reason) == ("rejected", 0.9, "Too slow")
    assert desk.queue() == [FULL[1], FULL[2], ("a", ["q"])]
    desk.undo(changed)
    desk.accept("a", "p")
    assert desk.in_force() == [("a", "p", True)]


def test_a_song_that_is_put_off_waits_among_those_for_later(desk: Desk) -> None:
    song = desk.songs["b"].id
    assert decisions.put_off(desk.session, **desk.mine, song_id=song)
    assert desk.queue() == [FULL[0], FULL[2]]
    assert desk.queue(queue="later") == [FULL[1]]
    desk.reject("b", "p")
    assert desk.queue(queue="later") == [("b", ["q", "r"])]
    assert decisions.take_up(desk.session, **desk.mine, song_id=song)
    assert desk.queue() == [FULL[0], ("b", ["q", "r"]), FULL[2]]
    assert desk.queue(queue="later") == []
    assert not decisions.put_off(desk.session, **desk.mine, song_id=uuid4())


def test_a_song_that_is_not_loved_waits_among_the_others(desk: Desk) -> None:
    likes.replace(desk.session, **desk.mine, song_ids=[])
    desk.undo(desk.reject("a", "p"))
    assert desk.queue(queue="other") == [FULL[0]]


def test_the_queue_is_asked_for_by_list_artist_and_sureness(desk: Desk) -> None:
    desk.reject("b", "p")
    assert desk.queue(playlist_id=desk.lists["q"].id) == [("b", ["q", "r"])]
    assert desk.queue(artist="By a") == [FULL[0]]
    assert desk.queue(least=0.36) == [FULL[0]]
    assert desk.queue(least=0.35) == [FULL[0], ("b", ["q", "r"])]


def test_all_above_a_bound_are_accepted_as_the_preview_said_and_undone_together(
    desk: Desk,
) -> None:
    wanted, batch = Wanted(least=0.5), uuid4()
    sure = matches.total(desk.session, **desk.mine, wanted=wanted)
    assert (sure.count, sure.least, sure.most) == (2, 0.6, 0.9)
    assert sure.expected_right == pytest.approx(1.5)
    desk.undo(desk.accept("a", "p"))  # a pair that was decided about before
    taken = []
    while done := decisions.accept_all(
        desk.session, **desk.mine, wanted=wanted, batch_id=batch, limit=1
    ):
        taken.append(done)
    assert taken == [1, 1]
    assert desk.in_force() == [("a", "p", True), ("b", "p", True)]
    assert desk.queue() == [FULL[2]]
    undone = []
    while done := decisions.undo_batch(desk.session, **desk.mine, batch_id=batch, limit=1):
        undone.append(done)
    assert undone == [1, 1]
    assert desk.queue() == FULL


def test_songs_of_the_library_are_listed_for_one_list_until_they_are_decided_about(
    desk: Desk,
) -> None:
    def found(least: float = 0.0) -> list[str]:
        of_list = {**desk.mine, "playlist_id": desk.lists["q"].id, "least": least}
        whole = matches.candidates(desk.session, **of_list)
        (first, *_) = whole
        assert matches.candidates(desk.session, **of_list, after=first.mark) == whole[1:]
        return [row.title for row in whole]

    assert found() == ["b", "a"]
    assert found(0.1) == ["b"]
    desk.accept("b", "q")
    assert found() == ["a"]


def test_decisions_outlive_the_songs_and_lists_and_hold_when_these_come_again(desk: Desk) -> None:
    accepted, rejected = desk.accept("a", "p"), desk.reject("b", "q")
    desk.home.playlist("p", desk.songs["c"])  # a list that is read again
    assert desk.in_force() == [("a", "p", True), ("b", "q", False)]
    desk.home.lose(songs=["a", "b"], playlists=["p", "q"])
    assert desk.in_force() == []
    later = NOW + timedelta(days=91)
    for purge in (gone.purge_songs, gone.purge_playlists):
        purge(desk.session, before=later, limit=100)
    desk.session.expire_all()
    assert decisions.page(desk.session, **desk.mine) == [rejected, accepted]
    desk.undo(rejected)  # nothing is there that it could be proposed for
    desk.songs |= {name: desk.home.song(name) for name in "ab"}
    desk.lists |= {name: desk.home.playlist(name) for name in "pq"}
    assert desk.in_force() == [("a", "p", True)]


def test_what_was_decided_while_a_matching_ran_is_taken_out_of_what_it_wrote(desk: Desk) -> None:
    desk.reject("c", "p").decided_at = NOW - timedelta(days=1)
    began = NOW
    desk.accept("a", "p")
    desk.reject("b", "p")
    # It had read the decisions of yesterday alone.
    desk.match({"a": (0.9, 0.05), "b": (0.6, 0.35), "c": (0.3,)})
    assert pairs.settle(desk.session, **desk.mine, since=began) == 2
    assert [name for name, _ in desk.queue()] == ["b", "c"]
    assert dict(desk.queue())["b"] == ["q"]


def test_a_row_of_an_older_version_is_decided_about_by_the_identity_it_will_have(
    desk: Desk,
) -> None:
    song, playlist = desk.songs["a"], desk.lists["p"]
    known = (song.identity, playlist.identity)
    song.identity = playlist.identity = None
    made = desk.accept("a", "p")
    assert (made.song_identity, made.playlist_identity) == known
    assert desk.in_force() == [("a", "p", True)]


def test_nobody_decides_about_anothers_songs(desk: Desk, make_home: Callable[[], Home]) -> None:
    other = make_home()
    made, theirs = desk.accept("a", "p"), {"account_id": other.id}
    ids = {"song_id": desk.songs["b"].id, "playlist_id": desk.lists["p"].id}
    assert decisions.accept(desk.session, **theirs, **ids) is None
    mixed = {"song_id": other.song("x").id, "playlist_id": desk.lists["p"].id}
    assert decisions.reject(desk.session, **theirs, **mixed) is None
    assert decisions.undo(desk.session, **theirs, decision_id=made.id) is None
    assert not decisions.put_off(desk.session, **theirs, song_id=desk.songs["b"].id)
    assert decisions.page(desk.session, **theirs) == []
    assert pairs.in_force(desk.session, **theirs) == []
    assert desk.in_force() == [("a", "p", True)]


def test_decisions_are_paged_the_newest_first_each_once(desk: Desk) -> None:
    made = [desk.reject(song, into) for song in "abc" for into in "pqr"]
    for number, decision in enumerate(made):
        decision.decided_at = NOW + timedelta(seconds=number // 4)
    desk.session.flush()
    whole = decisions.page(desk.session, **desk.mine)
    assert [d.decided_at for d in whole] == sorted((d.decided_at for d in made), reverse=True)
    for limit in (1, 2, 4):
        walked: list[Decision] = []
        while rows := decisions.page(
            desk.session,
            **desk.mine,
            after=(walked[-1].decided_at, walked[-1].id) if walked else None,
            limit=limit,
        ):
            walked += rows
            assert len(walked) <= len(whole)
        assert walked == whole


@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["accept", "reject", "undo", "put_off", "take_up"]),
            st.sampled_from("abc"),
            st.sampled_from("pqr"),
        ),
        max_size=12,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_acts_a_pair_is_either_proposed_or_decided_and_all_is_back_once_all_is_undone(
    desk: Desk, acts: list[tuple[str, str, str]]
) -> None:
    session = desk.session
    session.execute(delete(Decision))
    desk.match({"a": (0.9, 0.05), "b": (0.6, 0.35, 0.1), "c": (0.3,)})
    made: dict[tuple[str, str], Decision] = {}
    for act, song, into in acts:
        if act in ("accept", "reject"):
            made[song, into] = getattr(desk, act)(song, into)
        elif act == "undo" and (song, into) in made:
            desk.undo(made[song, into])
        elif act in ("put_off", "take_up"):
            getattr(decisions, act)(session, **desk.mine, song_id=desk.songs[song].id)
        decided = {(a, b) for a, b, _ in desk.in_force()}
        assert decided == {pair for pair, row in made.items() if row.undone_at is None}
        accepted = {a for a, _, is_accepted in desk.in_force() if is_accepted}
        waiting = [*desk.queue(), *desk.queue(queue="later")]
        assert not accepted & {name for name, _ in waiting}
        assert not decided & {(name, into) for name, lists in waiting for into in lists}
    for decision in made.values():
        desk.undo(decision)
    for name in "abc":
        decisions.take_up(session, **desk.mine, song_id=desk.songs[name].id)
    assert desk.queue() == FULL


def test_no_question_about_decisions_or_queues_grows_with_the_product_of_two_tables(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    for owner in (home, make_home()):
        scores = {f"s{n}": (0.9 - n / 300, 0.1) for n in range(200)}
        desk = Desk(owner, scores)
        for n in range(0, 120, 2):
            desk.accept(f"s{n}", "p")
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE"))
    rows = sum(len(session.execute(select(t.id)).all()) for t in (Song, Playlist, Match, Decision))
    wanted = Wanted(artist="By s5", least=0.2, playlist_id=desk.lists["p"].id)
    engine = session.get_bind().engine
    with recorded(engine) as statements:
        page = decisions.page(session, **desk.mine, limit=5)
        decisions.page(session, **desk.mine, after=(page[-1].decided_at, page[-1].id), limit=5)
        decisions.counts(session, **desk.mine)
        pairs.in_force(session, **desk.mine)
        pairs.settle(session, **desk.mine, since=page[-1].decided_at)
        matches.total(session, **desk.mine, wanted=wanted)
        (first, *_) = matches.page(session, **desk.mine, wanted=Wanted(least=0.2))
        matches.page(session, **desk.mine, wanted=wanted, after=first.mark)
        of_list = {"playlist_id": desk.lists["q"].id, "after": first.mark}
        matches.candidates(session, **desk.mine, **of_list)
        decisions.undo(session, **desk.mine, decision_id=page[0].id)
    assert len(statements) > 10
    for statement in statements:
        assert faults(session.connection(), statement, rows=rows) == [], statement[0]

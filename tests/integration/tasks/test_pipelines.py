"""Sync, analysis and matching by a real worker."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

import mutagen
from sqlalchemy import select, update

from library import (
    account_sources,
    decisions,
    demo,
    features,
    liked_lists,
    likes,
    matches,
    pairs,
    playlists,
    songs,
    unheard,
)
from library.models import Match, Song, Source
from progress.events import ItemEvent, StatusEvent
from tests.integration.conftest import Pipelines


def test_the_three_pipelines_put_the_liked_songs_where_a_person_would(
    pipelines: Pipelines, music: Path
) -> None:
    account = pipelines.account(music)
    for kind in ("sync", "analysis", "matching"):
        row, snapshot, shown = pipelines.run(account, kind)
        assert (row.status, row.attempt, row.failed) == ("completed", 1, 0)
        assert snapshot.progress is not None
        assert (row.total, row.succeeded) == (snapshot.progress.total, snapshot.progress.done)
        assert snapshot.progress.fraction == 1
        last = shown[-1].event
        assert isinstance(last, StatusEvent)
        assert last.status == "completed"
    with pipelines.runtime.database.session() as session:
        found = matches.page(session, account_id=account)
    assert {song.title: song.matches[0].name for song in found} == demo.EXPECTED


def test_every_item_goes_from_queued_over_in_progress_to_its_end(
    pipelines: Pipelines, music: Path
) -> None:
    account = pipelines.account(music)
    pipelines.run(account, "sync")
    _, _, shown = pipelines.run(account, "analysis")
    seen: dict[str, list[str]] = {}
    for event in (frame.event for frame in shown):
        if isinstance(event, ItemEvent):
            seen.setdefault(event.item_id, []).append(event.status.value)
    assert len(seen) == 12
    # The follower came when the first ones may have been under way: the end of each is there.
    for statuses in seen.values():
        assert ["queued", "in_progress", "succeeded"][-len(statuses) :] == statuses


def test_an_analysis_hears_only_what_was_not_heard(pipelines: Pipelines, music: Path) -> None:
    account = pipelines.account(music)
    pipelines.run(account, "sync")
    assert pipelines.run(account, "analysis")[0].result == {"heard": 12}
    row, snapshot, _ = pipelines.run(account, "analysis")
    assert row.result == {"heard": 0}
    assert snapshot.progress is not None
    assert snapshot.progress.fraction == 1


def test_a_folder_full_of_trouble_is_synced_and_says_what_failed(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    good = music / "Dance" / "Neon Street.flac"
    latin = os.fsencode(folder) + "/Caf\xe9.flac".encode("latin-1")
    for name in ("Fine.flac", "日本語 – ünï.flac", "line\nbreak.flac", "Cut.flac"):
        (folder / name).write_bytes(good.read_bytes())
    Path(os.fsdecode(latin)).write_bytes(good.read_bytes())
    (folder / "Cut.flac").write_bytes(good.read_bytes()[:6_000])
    (folder / "Empty.ogg").touch()
    (folder / "Noise.mp3").write_bytes(b"this is not audio" * 50)
    (folder / "loop").symlink_to(folder)
    outside = tmp_path / "outside.flac"
    outside.write_bytes(good.read_bytes())
    (folder / "Secret.flac").symlink_to(outside)
    listed = "Fine.flac\r\nGone.flac\r\n../outside.flac\r\nCaf\xe9.flac\r\n"
    (folder / "Old list.m3u").write_bytes(listed.encode("latin-1"))
    (folder / "Favourites.m3u8").write_bytes("\ufeff日本語 – ünï.flac\n".encode())
    account = pipelines.account(folder)

    row, snapshot, _ = pipelines.run(account, "sync")
    assert row.status == "completed"
    reasons = {item.label: item.error for item in snapshot.failed_items}
    assert reasons["Empty"] == "The file is empty."
    assert reasons["Noise"] == "The file is damaged or is not what its name says."
    assert "not in the folder" in (reasons["Gone.flac"] or "")
    assert "not in the folder" in (reasons["outside.flac"] or "")
    assert row.failed == len(reasons) == 4
    with pipelines.runtime.database.session() as session:
        rows = songs.page(session, account_id=account)
        kept = playlists.page(session, account_id=account)
        ids = [song.id for song in rows]
        found = features.by_ids(session, account_id=account, song_ids=ids)
    names = {song.id: song.external_id for song in found}
    assert len(rows) == 5
    assert set(names.values()) >= {"Caf\\xe9.flac", "line\nbreak.flac"}
    assert [names[song.id] for song in rows if song.is_liked] == ["日本語 – ünï.flac"]
    assert [(playlist.name, playlist.size) for playlist in kept] == [("Old list", 2)]

    row, snapshot, _ = pipelines.run(account, "analysis")
    assert (row.status, row.succeeded, row.failed) == ("completed", 4, 1)
    assert "can be heard. That is less than half" in (snapshot.failed_items[0].error or "")

    # What cannot be heard is not heard again, until it changes.
    row, _, _ = pipelines.run(account, "analysis")
    assert (row.total, row.succeeded, row.failed, row.result["heard"]) == (0, 0, 0, 0)
    with pipelines.runtime.database.session() as session:
        assert unheard.count(session, account_id=account) == 1
        (cut,) = (song for song in songs.page(session, account_id=account) if song.unheard)
        assert cut.unheard is not None
        assert "less than half" in cut.unheard
    (folder / "Cut.flac").write_bytes(good.read_bytes())
    pipelines.run(account, "sync")
    row, _, _ = pipelines.run(account, "analysis")
    assert (row.succeeded, row.failed) == (1, 0)
    with pipelines.runtime.database.session() as session:
        assert unheard.count(session, account_id=account) == 0


def test_a_folder_that_is_gone_fails_the_job_with_a_sentence(
    pipelines: Pipelines, tmp_path: Path
) -> None:
    row, snapshot, _ = pipelines.run(pipelines.account(tmp_path / "nowhere"), "sync")
    assert (row.status, row.error_code) == ("failed", "source_unavailable")
    assert snapshot.error is not None
    assert "Check that it exists" in snapshot.error.message


def test_matching_without_playlists_says_what_to_do(pipelines: Pipelines, tmp_path: Path) -> None:
    row, _, _ = pipelines.run(pipelines.account(tmp_path), "matching")
    assert (row.status, row.error_code) == ("failed", "no_playlists")


def test_a_library_of_itunes_is_synced_list_by_list_and_what_leaves_it_goes(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    (folder / "Dance").mkdir(parents=True)
    for name in ("Neon Street", "Night Drive"):
        data = (music / "Dance" / "Neon Street.flac").read_bytes()
        (folder / "Dance" / f"{name}.flac").write_bytes(data)

    def write(**lists: list[int]) -> None:
        at = "file://localhost/C:/Users/Ann/Music/Dance"
        tracks = {
            "1": {"Location": f"{at}/Neon%20Street.flac", "Loved": "two" in lists},
            "2": {"Location": f"{at}/Night%20Drive.flac"},
            "3": {"Name": "Away", "Location": f"{at}/Away.flac"},
        }
        kept = [
            {"Name": name, "Playlist Persistent ID": name.upper(),
             "Playlist Items": [{"Track ID": track} for track in ids]}
            for name, ids in lists.items()
        ]  # fmt: skip
        (folder / "Library.xml").write_bytes(plistlib.dumps({"Tracks": tracks, "Playlists": kept}))

    def lists() -> dict[str, list[tuple[int, str, bool]]]:
        with pipelines.runtime.database.session() as session:
            return {
                kept.name: [
                    (row.position, row.title, row.is_missing)
                    for row in playlists.songs(session, account_id=account, playlist_id=kept.id)
                ]
                for kept in playlists.page(session, account_id=account)
            }

    account = pipelines.account(folder)
    write(one=[2, 3, 1, 2], two=[1])
    row, _, _ = pipelines.run(account, "sync")
    assert (row.status, row.failed) == ("completed", 1)
    assert row.result == {
        "songs": 2,
        "playlists": 2,
        "liked": 1,
        "moved": 0,
        "gone": 0,
        "unseen": 0,
        "left_out": 0,
    }
    title = lists()["two"][0][1]
    assert [where[0] for where in lists()["one"]] == [0, 1, 2, 3]
    assert lists()["one"][1] == (1, "Away", True)
    assert lists()["two"] == [(0, title, False)]

    write(one=[1])
    row, _, _ = pipelines.run(account, "sync")
    assert row.result == {
        "songs": 2,
        "playlists": 1,
        "liked": 0,
        "moved": 0,
        "gone": 0,
        "unseen": 0,
        "left_out": 0,
    }
    assert lists() == {"one": [(0, title, False)]}

    # What cannot be read takes nothing away.
    (folder / "Library.xml").write_bytes(b"<plist><dict></plist>")
    row, _, _ = pipelines.run(account, "sync")
    assert row.failed == 1
    assert lists() == {"one": [(0, title, False)]}

    (folder / "Library.xml").unlink()
    pipelines.run(account, "sync")
    assert lists() == {}


def test_a_matching_says_how_good_it_is_and_leaves_out_what_was_decided(
    pipelines: Pipelines, music: Path
) -> None:
    account = pipelines.account(music)
    for kind in ("sync", "analysis", "matching"):
        row, snapshot, shown = pipelines.run(account, kind)
    assert row.result.items() >= {"proposed": 3, "asked": 9, "misplaced": 0}.items()
    assert snapshot.progress is not None
    assert snapshot.progress.fraction == 1  # a song that nothing is asked about is done, too
    assert 0 <= row.result["hit1"] <= row.result["hit3"] <= 1
    told = [frame.event for frame in shown if not isinstance(frame.event, StatusEvent)]
    assert not any(isinstance(event, ItemEvent) for event in told)
    mine = {"account_id": account}
    with pipelines.runtime.database.session() as session:
        first, second, third = matches.page(session, **mine)
        versions = set(session.scalars(select(Match.model_version)))
        assert versions == {row.result["model"]}
        pair = {"song_id": first.song_id, "playlist_id": first.matches[0].playlist_id}
        assert decisions.accept(session, **mine, **pair) is not None
        refused = {"song_id": second.song_id, "playlist_id": second.matches[0].playlist_id}
        rejected = decisions.reject(session, **mine, **refused)
        assert rejected is not None
        assert decisions.put_off(session, **mine, song_id=third.song_id)
    for kind in ("sync", "analysis", "matching"):
        row, _, _ = pipelines.run(account, kind)
    assert row.result["model"].endswith("+own")
    assert row.result["asked"] == 10  # the accepted song counts as in its playlist
    with pipelines.runtime.database.session() as session:
        waiting = {song.song_id: song for song in matches.page(session, **mine)}
        assert first.song_id not in waiting
        assert third.song_id in waiting  # taken up again
        left = waiting[second.song_id].matches if second.song_id in waiting else ()
        assert refused["playlist_id"] not in [match.playlist_id for match in left]
        assert len(pairs.in_force(session, **mine)) == 2
        decisions.undo(session, **mine, decision_id=rejected.id)
        again = {song.song_id: song for song in matches.page(session, **mine)}
        assert again[second.song_id].matches[0].playlist_id == refused["playlist_id"]


def test_a_sync_follows_lists_stars_and_choices_and_takes_no_heart_away(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        (folder / f"{name}.flac").write_bytes((music / "Dance" / "Neon Street.flac").read_bytes())
        tags = mutagen.File(folder / f"{name}.flac")
        tags["title"], tags["rating"] = name, "100" if name == "b" else "20"
        tags.save()
    (folder / "Mes favoris.m3u").write_text("a.flac\n")
    (folder / "Mix.m3u").write_text("c.flac\n")
    account = pipelines.account(folder)

    def loved() -> set[str]:
        with pipelines.runtime.database.session() as session:
            rows = songs.page(session, account_id=account, liked_only=True)
            return {row.title for row in rows}

    row, _, _ = pipelines.run(account, "sync")
    assert row.result["liked"] == 2
    assert loved() == {"a", "b"}
    with pipelines.runtime.database.session() as session:
        (source,) = account_sources.of_account(session, account_id=account)
        mine = {"account_id": account, "source_id": source.id}
        liked_lists.choose(session, **mine, external_id="Mix.m3u", is_liked=True)
        liked_lists.choose(session, **mine, external_id="Mes favoris.m3u", is_liked=False)
        for song in songs.page(session, account_id=account):
            if song.title == "d":
                likes.set_heart(session, account_id=account, song_id=song.id, is_loved=True)
    pipelines.run(account, "sync")
    assert loved() == {"b", "c", "d"}
    with pipelines.runtime.database.session() as session:
        kept = playlists.page(session, account_id=account)
        assert [playlist.name for playlist in kept] == ["Mes favoris"]


def test_a_file_that_is_unchanged_is_not_read_again(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    good = (music / "Dance" / "Neon Street.flac").read_bytes()
    for name in ("a", "b"):
        (folder / f"{name}.flac").write_bytes(good)
    account = pipelines.account(folder)
    pipelines.run(account, "sync")

    def write(title: str) -> None:
        """Have another title in the rows, which a sync that reads the files would mend."""
        with pipelines.runtime.database.session() as session:
            session.execute(update(Song).where(Song.account_id == account).values(title=title))

    def titles() -> list[str]:
        with pipelines.runtime.database.session() as session:
            return sorted(song.title for song in songs.page(session, account_id=account))

    (title,) = set(titles())
    write("Mine")
    row, _, _ = pipelines.run(account, "sync")
    assert (row.succeeded, row.result["songs"]) == (2, 2)
    assert titles() == ["Mine", "Mine"]
    (folder / "b.flac").touch()
    pipelines.run(account, "sync")
    assert titles() == sorted(["Mine", title])
    # By other rules all files are read again.
    with pipelines.runtime.database.session() as session:
        session.execute(update(Source).values(read_version=0))
    pipelines.run(account, "sync")
    assert titles() == [title, title]

"""Nobody sees what is not theirs, and no endpoint can be forgotten: they are all tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from werkzeug.routing import Rule

from library import (
    awaited,
    decisions,
    invites,
    jobs,
    likes,
    matches,
    playlists,
    sessions,
    songs,
    write_backs,
)
from library.matching import Proposal
from library.models import utc_now
from library.sources.records import SongRecord
from tests.integration.web.conftest import Person, Site
from web.sessions import PUBLIC


@dataclass(frozen=True)
class Belongings:
    """Something of every kind that has an address or is shown."""

    person: Person
    #: By the name that addresses have for it.
    ids: dict[str, str]
    #: Texts that only their owner may read.
    secrets: tuple[str, ...]


@pytest.fixture
def theirs(site: Site, music) -> Belongings:
    person = site.person()
    (music / "secret.flac").write_bytes(b"fLaC Secret sound")
    mine = {"account_id": person.account_id}
    with site.runtime.database.session() as session:
        from library import account_sources

        source = account_sources.add(session, **mine, location=str(music), name="Secret folder")
        record = SongRecord(external_id="secret.flac", title="Secret song")
        song = songs.save(session, **mine, source_id=source.id, record=record)
        likes.replace(session, **mine, song_ids=[song.id])
        playlist = playlists.save(
            session,
            **mine,
            source_id=source.id,
            external_id="secret.m3u",
            name="Secret playlist",
            song_ids=[],
        )
        job, _ = jobs.create(session, **mine, kind="matching")
        proposal = Proposal(
            song_id=str(song.id),
            playlist_id=str(playlist.id),
            score=0.9,
            reasons=("Secret reason",),
        )
        made = {"job_id": job.id, "proposals": {song.id: [proposal]}}
        matches.replace(session, **mine, **made)
        batch_id = uuid4()
        decisions.accept_all(session, **mine, wanted=matches.Wanted(), batch_id=batch_id)
        (decision,) = decisions.page(session, **mine)
        matches.replace(session, **mine, **made)
        jobs.finish(session, job_id=job.id, attempt=0, status="completed", now=utc_now())
        written = uuid4()
        (awaiting,) = awaited.awaiting_lists(session, **mine)
        write_backs.plan(session, **mine, batch_id=written, lists=[(awaiting, "key")])
        (write_back,) = write_backs.of_batch(session, **mine, batch_id=written)
        invites.create(session, **mine, now=utc_now())
        (invite,) = invites.of_account(session, **mine, now=utc_now())
        (signed_in,) = sessions.of_account(session, **mine, now=utc_now())
    ids = {
        "job_id": str(job.id),
        "playlist_id": str(playlist.id),
        "session_id": str(signed_in.id),
        "invite_id": str(invite.id),
        "song_id": str(song.id),
        "decision_id": str(decision.id),
        "batch_id": str(batch_id),
        "source_id": str(source.id),
        "write_back_id": str(write_back.id),
    }
    return Belongings(person, ids, ("Secret", str(job.id), str(playlist.id), str(song.id)))


def addresses(site: Site, *, with_ids: bool) -> Iterator[tuple[str, Rule]]:
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint not in PUBLIC and bool(rule.arguments) == with_ids:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield method, rule


def ask(person: Person, method: str, path: str):
    if method == "GET":
        return person.browser.get(path, headers={"Accept": "application/json, text/html"})
    return person.send(method, path, headers={"Accept": "application/json, text/html"})


def test_every_address_with_an_id_says_404_to_anyone_but_its_owner(site, ada, theirs):
    tried = 0
    for method, rule in addresses(site, with_ids=True):
        ids = {name: theirs.ids[name] for name in rule.arguments}
        with site.app.test_request_context():
            path = rule.build(ids)[1]
        answer = ask(ada, method, path)
        assert answer.status_code == 404, (method, path)
        assert not any(secret in answer.text for secret in theirs.secrets), (method, path)
        if method == "GET":
            assert ask(theirs.person, method, path).status_code == 200, path
        tried += 1
    assert tried >= 8


def test_no_address_without_an_id_shows_what_is_another_accounts(site, ada, theirs):
    for method, rule in addresses(site, with_ids=False):
        if method == "GET":
            answer = ask(ada, method, rule.rule)
            if answer.status_code == 303:  # to an address that is tried itself
                continue
            assert answer.status_code == 200, rule.rule
            assert not any(secret in answer.text for secret in theirs.secrets), rule.rule


def test_the_owner_sees_it_all(theirs):
    shown = "".join(
        theirs.person.browser.get(path).text for path in ("/", "/library", "/proposals")
    )
    for text in ("Secret folder", "Secret song", "Secret playlist", "Secret reason"):
        assert text in shown


def test_nothing_but_signing_in_and_up_answers_without_a_session(site, anyone, theirs):
    for with_ids in (True, False):
        for method, rule in addresses(site, with_ids=with_ids):
            with site.app.test_request_context():
                path = rule.build({name: theirs.ids[name] for name in rule.arguments})[1]
            answer = anyone.open(path, method=method)
            if path.startswith("/api/"):
                assert answer.status_code == 401, (method, path)
                assert answer.mimetype == "application/problem+json"
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.location.startswith("/sign-in")


def test_another_accounts_feed_is_empty_of_ones_jobs(site, ada):
    site.person().start("sync")
    answer = ada.browser.get("/api/jobs/progress", headers={"Accept": "application/json"})
    assert answer.json["snapshot"]["jobs"] == []


def test_a_stream_is_open_to_its_owner_alone(site, ada):
    job = ada.start("sync").json
    stranger = site.person()
    for path in (job["links"]["progress"], f"{job['links']['progress']}?lastEventId=1-1"):
        headers = {"Accept": "text/event-stream"}
        refused = stranger.browser.get(path, headers=headers)
        assert refused.status_code == 404
        with ada.browser.get(path, headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.mimetype == "text/event-stream"

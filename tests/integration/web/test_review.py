"""The review: each proposal is decided by a form or a script, kept, and can be undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect
from sqlalchemy import select
from werkzeug.test import TestResponse

from benchmarks._seed import Seeded, Size, seed
from library import decisions, matches
from library.database import Database
from library.models import Decision, Match, Song
from tasks import matching_again
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH, Person, Site, submit, token
from tests.integration.web.served import Served, serve
from tests.servers import Server

#: Proposals are of songs that the person loves and that are in no playlist, as matching makes them.
SIZE = Size(songs=200, liked=200, playlists=12, entries_each=0, proposals=120, jobs=3, failures=0)


class Review:
    """A person with proposals, and what the database knows of them."""

    def __init__(self, site: Site, seeded: Seeded) -> None:
        self.database = site.runtime.database
        self.account_id = seeded.account_id
        self.person = Person(site.client(), seeded.account_id, seeded.email)
        assert self.person.sign_in().status_code == 303

    def page(self, limit: int = 5, **wanted: object) -> list[matches.ListedProposal]:
        with self.database.reading() as session:
            asked = matches.Wanted(**wanted)  # type: ignore[arg-type]
            return matches.page(session, account_id=self.account_id, wanted=asked, limit=limit)

    def best(self) -> matches.ListedProposal:
        return self.page(1)[0]

    def counts(self) -> decisions.Counts:
        with self.database.reading() as session:
            return decisions.counts(session, account_id=self.account_id)

    def newest(self) -> Decision:
        with self.database.reading() as session:
            return decisions.page(session, account_id=self.account_id, limit=1)[0]

    def say(self, verdict: str, song: object, **more: str) -> TestResponse:
        fields = {"verdict": verdict, "song": str(song)} | more
        return submit(self.person.browser, "/proposals/decide", "/proposals", **fields)

    def ask(self, verdict: str, song: object, **more: str) -> TestResponse:
        """As the page's script does: it is answered with JSON."""
        browser = self.person.browser
        fields = {"verdict": verdict, "song": str(song), "csrf_token": token(browser, "/proposals")}
        accept = {"Accept": "application/json"}
        return browser.post("/proposals/decide", data=fields | more, headers=accept)


@pytest.fixture
def review(make_site) -> Review:
    site: Site = make_site()
    seeded = seed(site.runtime.database, SIZE, password_hash=PASSWORD_HASH, name=uuid4().hex)
    return Review(site, seeded)


def test_the_surest_comes_first_and_shows_its_alternatives(review: Review) -> None:
    text = review.person.browser.get("/proposals").text
    best = review.best()
    shown = re.findall(r'data-song="([^"]+)"', text)
    assert shown == [str(song.song_id) for song in review.page(50)]
    assert f"accept:{best.matches[0].playlist_id}" in text
    assert all(f"accept:{other.playlist_id}" in text for other in best.matches[1:4])
    assert re.search(r"<title>Proposals", text)


def test_a_proposal_that_is_accepted_is_a_decision_and_leaves_the_queue(review: Review) -> None:
    best = review.best()
    answer = review.say(f"accept:{best.matches[0].playlist_id}", best.song_id)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/proposals"
    made = review.newest()
    assert (made.verdict, made.score) == ("accepted", pytest.approx(best.matches[0].score))
    assert best.song_id not in {song.song_id for song in review.page(200)}
    shown = review.person.browser.get("/proposals").text
    assert "goes into" in shown
    assert '<span data-part="accepted">1</span>' in shown


def test_a_rejected_song_waits_by_its_next_best_playlist(review: Review) -> None:
    best = next(song for song in review.page(100) if len(song.matches) > 1)
    review.say(f"reject:{best.matches[0].playlist_id}", best.song_id, reason="Too loud for it")
    assert review.newest().reason == "Too loud for it"
    found = next(song for song in review.page(200) if song.song_id == best.song_id)
    assert found.matches[0].playlist_id == best.matches[1].playlist_id


def test_later_is_no_decision_and_a_filter_away(review: Review) -> None:
    best = review.best()
    review.say("later", best.song_id)
    assert review.counts() == decisions.Counts(0, 0)
    assert best.title in review.person.browser.get("/proposals?queue=later").text
    review.say("take-up", best.song_id, queue="later")
    assert best.song_id in {song.song_id for song in review.page(200)}


def test_any_playlist_can_be_chosen_on_a_song_s_own_page(review: Review) -> None:
    best = review.best()
    page = review.person.browser.get(f"/proposals/{best.song_id}")
    assert page.status_code == 200
    offered = set(re.findall(r'<option value="([0-9a-f-]{36})"', page.text))
    other = sorted(offered - {str(match.playlist_id) for match in best.matches})[0]
    review.say("accept", best.song_id, list=other)
    assert review.newest().verdict == "accepted"
    assert review.newest().score is None


def test_a_script_is_told_the_numbers_and_how_to_undo(review: Review) -> None:
    best = review.best()
    answer = review.ask(f"accept:{best.matches[0].playlist_id}", best.song_id)
    assert answer.status_code == 200
    assert answer.json["accepted"] == 1
    waiting = answer.json["waiting"]
    undone = submit(review.person.browser, answer.json["undo"], "/proposals")
    assert undone.status_code == 303
    assert best.song_id in {song.song_id for song in review.page(200)}
    assert review.ask("later", best.song_id).json["waiting"] == waiting
    assert review.counts().accepted == 0


def test_yesterdays_decision_is_undone_on_the_page_of_decisions(review: Review) -> None:
    best = review.best()
    review.say(f"accept:{best.matches[0].playlist_id}", best.song_id)
    made = review.newest()
    page = review.person.browser.get("/decisions").text
    assert made.song_label in page.replace("&#39;", "'").replace("&amp;", "&")
    submit(review.person.browser, f"/decisions/{made.id}/undo", "/decisions")
    assert review.counts().accepted == 0
    assert "undone" in review.person.browser.get("/decisions").text


def test_all_above_a_bound_are_accepted_after_a_look_and_undone_as_one(review: Review) -> None:
    bound = int(review.page(40)[-1].matches[0].score * 100)
    expected = len(review.page(200, least=bound / 100))
    assert 0 < expected < len(review.page(200))
    preview = review.person.browser.get(f"/proposals/accept-all?least={bound}").text
    assert f"{expected} songs" in preview
    assert "expected to be right" in preview
    assert review.counts().accepted == 0
    submit(review.person.browser, "/proposals/accept-all", "/proposals", least=str(bound))
    assert review.counts().accepted == expected
    batch = review.newest().batch_id
    submit(review.person.browser, f"/decisions/batches/{batch}/undo", "/decisions")
    assert review.counts().accepted == 0


def test_many_are_accepted_some_at_a_time_as_one_act(
    review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.review.SONGS_AT_ONCE", 50)
    accept = decisions.accept_all
    monkeypatch.setattr(decisions, "accept_all", partial(accept, limit=50))
    songs, fields, answers = len(review.page(200)), dict[str, str](), 0
    while True:
        answer = submit(review.person.browser, "/proposals/accept-all", "/account", **fields)
        answers += 1
        if answer.status_code == 303:
            break
        assert f"of {songs} songs" in answer.text
        fields = dict(re.findall(r'name="(batch|accepted)" value="([^"]+)"', answer.text))
    assert answers == songs // 50 + 1
    assert review.counts().accepted == songs
    with review.database.reading() as session:
        made = decisions.page(session, account_id=review.account_id, limit=200)
    assert len({decision.batch_id for decision in made}) == 1


def test_songs_are_scored_again_after_a_decision_its_undoing_and_once_after_many(
    review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID | None] = []
    monkeypatch.setattr(
        matching_again, "send", lambda _app, *, account_id, decision_id: sent.append(decision_id)
    )
    best, browser = review.best(), review.person.browser
    undo = review.ask(f"accept:{best.matches[0].playlist_id}", best.song_id).json["undo"]
    submit(browser, undo, "/proposals")
    one = review.newest().id
    review.say("later", best.song_id)
    assert sent == [one, one]
    submit(browser, "/proposals/accept-all", "/proposals/accept-all?least=50", least="50")
    batch = review.newest().batch_id
    submit(browser, f"/decisions/batches/{batch}/undo", "/decisions")
    assert sent == [one, one, None, None]


def test_filters_are_by_playlist_artist_and_sureness(review: Review) -> None:
    best = review.best()
    list_id = best.matches[0].playlist_id
    queries = {
        f"list={list_id}": review.page(200, playlist_id=list_id),
        f"artist={best.artist}": review.page(200, artist=best.artist),
        "least=70": review.page(200, least=0.7),
    }
    for query, songs in queries.items():
        text = review.person.browser.get(f"/proposals?{query}").text
        shown = re.findall(r'data-song="([^"]+)"', text)
        assert shown == [str(song.song_id) for song in songs][:50], query


@pytest.mark.parametrize(
    "query",
    [
        "queue=x&least=-1&list=1&artist=%00",
        f"list={UUID(int=7)}&least=9999",
        "least=%F0%9F%98%80&after=x",
    ],
)
def test_a_filter_that_is_none_is_answered_with_a_page(review: Review, query: str) -> None:
    for path in ("/proposals", "/proposals/accept-all"):
        assert review.person.browser.get(f"{path}?{query}").status_code == 200


@pytest.mark.parametrize(
    "verdict", ["", "accept", "accept:x", "burn:{0}", "reject:{0}", "accept:{0}"]
)
def test_a_decision_that_is_none_decides_nothing(review: Review, verdict: str) -> None:
    song = review.page(1)[0].song_id
    for key in (song, "x", UUID(int=7)):
        answer = review.ask(verdict.format(UUID(int=0)), key)
        assert answer.status_code in (400, 404)
    assert review.counts() == decisions.Counts(0, 0)


def test_nobody_decides_about_another_s_songs(make_site) -> None:
    site: Site = make_site()
    review, other = (
        Review(site, seed(site.runtime.database, SIZE, password_hash=PASSWORD_HASH, name=name))
        for name in ("one", "other")
    )
    best = review.best()
    match = f"accept:{best.matches[0].playlist_id}"
    assert other.ask(match, best.song_id).status_code == 404
    assert other.ask("later", best.song_id).status_code == 404
    assert other.person.browser.get(f"/proposals/{best.song_id}").status_code == 404
    review.say(match, best.song_id)
    made = review.newest()
    answer = submit(other.person.browser, f"/decisions/{made.id}/undo", "/decisions")
    assert answer.status_code == 404
    assert review.counts().accepted == 1


@pytest.mark.parametrize("form", ["m3u8", "xspf", "jspf", "csv"])
def test_a_playlist_is_downloaded_with_what_was_accepted_for_it(review: Review, form: str) -> None:
    best = review.best()
    list_id = best.matches[0].playlist_id
    path = f"/playlists/{list_id}/download?format={form}"
    before = review.person.browser.get(path)
    assert best.title not in before.text
    review.say(f"accept:{list_id}", best.song_id)
    after = review.person.browser.get(path)
    assert after.status_code == 200
    assert best.title in after.text
    assert f".{form}" in after.headers["Content-Disposition"]
    submit(review.person.browser, f"/decisions/{review.newest().id}/undo", "/decisions")
    assert review.person.browser.get(path).text == before.text
    assert review.person.browser.get(path.replace(form, "exe")).status_code == 404


EMAIL = "reviewer@example.org"


@pytest.fixture(scope="module")
def served(
    valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Database, UUID]]:
    with serve(valkey_server, tmp_path_factory.mktemp("review")) as site:
        database = Database(site.database_url)
        seeded = seed(database, SIZE, password_hash=PASSWORD_HASH, name="reviewer")
        yield site, database, seeded.account_id
        database.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, served: tuple[Served, Database, UUID]) -> StorageState:
    """What a browser keeps of one sign-in: the site lets nobody in more than ten times a minute."""
    with browser.new_context(base_url=f"http://127.0.0.1:{served[0].port}") as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        return context.storage_state()


@pytest.fixture(params=[390, 1440])
def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    served: tuple[Served, Database, UUID],
    signed_in: StorageState,
) -> Iterator[Page]:
    site, _, _ = served
    size = {"width": request.param, "height": 900}
    with browser.new_context(
        base_url=f"http://127.0.0.1:{site.port}", viewport=size, storage_state=signed_in
    ) as context:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.goto("/proposals")
        yield page
        assert [fault for fault in faults if "Failed to load" not in fault] == []


def first_song(page: Page) -> str:
    found = page.locator("[data-song]").first.get_attribute("data-song")
    assert found is not None
    return found


def test_a_person_goes_through_the_queue_by_keyboard(
    page: Page, served: tuple[Served, Database, UUID]
) -> None:
    _, database, account_id = served
    page.get_by_role("button", name="Review by keyboard").click()
    accepted, rejected = first_song(page), None
    page.keyboard.press("a")
    expect(page.locator("#told")).to_contain_text("goes into")
    expect(page.locator(f'[data-song="{accepted}"]')).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("k")
    rejected = page.evaluate("document.activeElement.dataset.song")
    page.keyboard.press("r")
    expect(page.locator("#told")).to_contain_text("does not go into")
    expect(page.locator('[data-part="rejected"]')).not_to_have_text("0")
    page.keyboard.press("u")
    expect(page.locator("#told")).to_contain_text("undecided again")
    expect(page.locator(f'[data-song="{rejected}"]')).to_be_focused()
    page.keyboard.press("l")
    expect(page.locator("#told")).to_contain_text("later")
    with database.reading() as session:
        song = session.scalar(select(Song).where(Song.id == UUID(accepted)))
        kept = decisions.page(session, account_id=account_id, limit=200)
        assert song is not None
        assert song.identity in {made.song_identity for made in kept if made.undone_at is None}
        waits = select(Match.queue).where(Match.song_id == UUID(str(rejected)), Match.rank == 1)
        assert session.scalar(waits) == "later"


def test_what_the_server_refuses_comes_back_into_the_list(page: Page) -> None:
    key = first_song(page)
    page.route("**/proposals/decide", lambda route: route.abort())
    page.locator(f'[data-song="{key}"]').get_by_role("button", name="Accept").click()
    expect(page.locator("#told")).to_contain_text("cannot be reached")
    expect(page.locator(f'[data-song="{key}"]')).to_be_visible()
    assert first_song(page) == key
    page.unroute("**/proposals/decide")
    page.locator(f'[data-song="{key}"]').get_by_role("button", name="Accept").click()
    expect(page.locator("#told")).to_contain_text("goes into")
    page.locator("#told").get_by_role("button", name="Undo").click()
    expect(page.locator(f'[data-song="{key}"]')).to_be_visible()


def test_nothing_is_wider_than_the_screen_and_every_target_is_fit_for_a_thumb(page: Page) -> None:
    for path in (
        "/proposals",
        f"/proposals/{first_song(page)}",
        "/proposals/accept-all",
        "/decisions",
    ):
        page.goto(path)
        assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0, path
    page.goto("/proposals")
    for button in page.locator(".choices").first.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 32

"""Listening while deciding, in a real browser: songs play, one at a time and the right one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from library import accounts, jobs, likes, matches, playlists
from library.database import Database
from library.matching import Proposal
from library.models import Features, Song
from tests.axe import faults
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH
from tests.integration.web.listening import encode, keep_songs
from tests.integration.web.served import Served

Contexts = Callable[..., BrowserContext]

EMAIL = "deciding@example.org"
RATE_HZ, SECONDS = 44_100, 30.0
#: In the order of the queue.
PROPOSED = (
    "Flac song.flac",
    "Wave song.wav",
    "Vorbis song.ogg",
    "Apple song.m4a",
    "Lost song.flac",
)
IN_LIST = ("Known one.flac", "Known two.flac", "Known three.flac", "Known four.m4a")


def write(path: Path, hz: float) -> None:
    moments = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
    sound = np.sin(2 * np.pi * hz * moments) * np.sin(np.pi * moments / SECONDS) * 0.3
    if path.suffix == ".m4a":
        encode(path, sound, rate_hz=RATE_HZ, codec="alac", form="ipod")
    else:
        soundfile.write(path, sound, RATE_HZ)


@pytest.fixture(scope="module")
def contexts(
    one_thread: Served, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Contexts:
    music = tmp_path_factory.mktemp("music")
    for number, name in enumerate((*PROPOSED, *IN_LIST)):
        write(music / name, 220 + 40 * number)
    with closing(Database(one_thread.database_url)) as database:
        propose(database, music)
    base = f"http://127.0.0.1:{one_thread.port}"
    with browser.new_context(base_url=base) as context:
        sign_in(context.new_page())
        state = context.storage_state()
    return partial(browser.new_context, base_url=base, storage_state=state)


def propose(database: Database, music: Path) -> None:
    """An account for whose songs one playlist is proposed, as a sync, analysis and matching do."""
    with database.session() as session:
        account = accounts.create(session, email=EMAIL, password_hash=PASSWORD_HASH).id
    ids = keep_songs(database, account, music)
    (music / "Lost song.flac").unlink()
    mine = {"account_id": account}
    with database.session() as session:
        source = session.get(Song, ids["Flac song.flac"]).source_id
        likes.replace(session, **mine, song_ids=[ids[name] for name in PROPOSED])
        kept = playlists.save(
            session,
            **mine,
            source_id=source,
            external_id="evening.m3u",
            name="Evening",
            song_ids=[ids[name] for name in IN_LIST],
        )
        job, _ = jobs.create(session, **mine, kind="matching")
        made = {
            ids[name]: [proposal(ids[name], kept.id, score)]
            for name, score in zip(PROPOSED, (0.9, 0.8, 0.7, 0.6, 0.5), strict=True)
        }
        matches.replace(session, **mine, job_id=job.id, proposals=made)
        kin = Song.id.in_((ids["Flac song.flac"], ids["Known four.m4a"]))
        session.execute(update(Song).where(kin).values(artist="The Kin"))
        measured = Song.id != ids["Wave song.wav"]
        session.execute(update(Song).where(measured).values(duration_seconds=SECONDS))
        session.execute(
            update(Song).where(Song.id == ids["Vorbis song.ogg"]).values(has_sound=False)
        )
        session.add(features(account, ids["Flac song.flac"], lufs=-12.0))


def proposal(song: UUID, playlist: UUID, score: float) -> Proposal:
    return Proposal(
        song_id=str(song),
        playlist_id=str(playlist),
        score=score,
        reasons=("Sounds like “Known three” in it",),
    )


def features(account: UUID, song: UUID, *, lufs: float) -> Features:
    return Features(
        song_id=song,
        account_id=account,
        analyser_version=1,
        content_key="x",
        tempo_bpm=120,
        tempo_confidence=0.5,
        loudness_lufs=lufs,
        key_confidence=0,
        duration_seconds=SECONDS,
        timbre=b"",
    )


@dataclass(frozen=True)
class Heard:
    """A page, and the sound that it plays."""

    page: Page

    def play(self, title: str) -> None:
        self.page.get_by_role("button", name=f"Play {title}", exact=True).click()

    def card(self, title: str):
        return self.page.locator("[data-song]", has=self.page.get_by_role("heading", name=title))

    def move(self, title: str, seconds: int) -> None:
        self.page.get_by_role("slider", name=f"Place in {title}").evaluate(
            "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }",
            str(seconds),
        )

    def wait_until(self, condition: str) -> None:
        self.page.wait_for_function(f"() => {{ const a = window.heard; return a && {condition}; }}")


#: The sound is made by the page's script and stands in no document: the test looks for it here.
_KEEP = """
const Real = window.Audio;
window.Audio = function () {
  window.heard = new Real();
  window.heard.muted = true;
  return window.heard;
};
"""


@pytest.fixture
def make_heard(contexts: Contexts) -> Iterator[Callable[[int], Heard]]:
    errors: list[str] = []
    with ExitStack() as stack:

        def make(width: int) -> Heard:
            size = {"width": width, "height": 900}
            context = stack.enter_context(contexts(viewport=size))
            context.add_init_script(_KEEP)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto("/proposals")
            return Heard(page)

        yield make
    assert errors == []


@pytest.fixture
def heard(make_heard: Callable[[int], Heard]) -> Heard:
    return make_heard(1440)


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def test_songs_play_one_at_a_time_turned_down_at_any_place_and_in_any_format(heard: Heard) -> None:
    page = heard.page
    heard.play("Flac song")
    heard.wait_until("a.currentTime > 0.2")
    assert page.evaluate("window.heard.volume") == pytest.approx(0.501, abs=0.001)
    heard.move("Flac song", 20)
    heard.wait_until("a.currentTime > 20.2")
    slider = page.get_by_role("slider", name="Place in Flac song")
    expect(slider).to_have_attribute("aria-valuetext", "0:20 of 0:30")
    expect(heard.card("Flac song").locator("path.all")).to_have_attribute("d", re.compile("V1.9"))
    heard.play("Apple song")
    heard.wait_until("a.src.endsWith('sound') && a.currentTime > 0.2 && a.currentTime < 15")
    assert page.evaluate("window.heard.volume") == 1
    expect(page.get_by_role("button", name="Play Flac song", exact=True)).to_be_visible()
    heard.move("Apple song", 25)
    heard.wait_until("a.currentTime > 25.2")
    page.get_by_role("button", name="Pause Apple song").click()
    heard.wait_until("a.paused")
    heard.play("Wave song")  # which nobody has measured
    expect(page.get_by_role("slider", name="Place in Wave song")).to_have_attribute("max", "30")
    heard.play("Lost song")
    expect(heard.card("Lost song").get_by_role("status")).to_contain_text("cannot be opened")
    expect(heard.card("Vorbis song")).to_contain_text("knows this song by its name alone")


def test_keys_play_stop_move_and_the_next_song_is_silent(heard: Heard) -> None:
    page = heard.page
    page.get_by_role("button", name="Review by keyboard").click()
    page.keyboard.press("p")
    heard.wait_until("a.currentTime > 0.1 && !a.paused")
    page.keyboard.press(" ")
    heard.wait_until("a.paused")
    page.keyboard.press("ArrowRight")
    heard.wait_until("a.currentTime >= 10")
    page.keyboard.press("p")
    heard.wait_until("!a.paused")
    page.keyboard.press("s")
    heard.wait_until("a.currentTime >= 10 && a.currentTime < 12 && !a.paused")
    page.keyboard.press("j")
    heard.wait_until("a.paused && !a.hasAttribute('src')")
    page.keyboard.press("p")
    heard.wait_until("!a.paused")
    page.route("**/proposals/decide", lambda route: route.abort())
    page.keyboard.press("l")
    heard.wait_until("a.paused && !a.hasAttribute('src')")
    expect(page.locator("#told")).to_contain_text("cannot be reached")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_playlist_is_heard_beside_it_and_all_fits_and_is_open_to_all(
    make_heard: Callable[[int], Heard], width: int
) -> None:
    heard = make_heard(width)
    page, card = heard.page, heard.card("Flac song")
    card.get_by_role("button", name="Hear Evening").click()
    heard.wait_until("a.currentTime > 10.1")
    buttons = card.locator(".samples button")
    expect(buttons).to_have_count(3)
    # The one that the reason names comes first, then the one by the same artist.
    expect(buttons.first).to_have_text("Known three")
    expect(buttons.nth(1)).to_have_text("Known four")
    expect(buttons.first).to_have_attribute("aria-label", "Pause ten seconds of Known three")
    card.get_by_role("button", name="Play ten seconds of Known four, The Kin").click()
    # It has to be made: ten seconds of it are.
    heard.wait_until("a.src.includes('from=10.0') && a.currentTime > 0.1 && a.duration < 11")
    assert faults(page) == []
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    page.evaluate("window.heard.currentTime = 9.9")
    heard.wait_until("a.paused && !a.hasAttribute('src')")
    page.goto(f"/proposals/{card.get_attribute('data-song')}")
    heard.play("Flac song")
    heard.wait_until("a.currentTime > 0.1")
    assert faults(page) == []


def test_without_a_script_the_browser_s_own_player_plays(contexts: Contexts) -> None:
    with contexts(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/proposals")
        player = page.get_by_label("Listen to Apple song")
        expect(player).to_be_visible()
        assert player.evaluate("a => a.preload") == "none"
        player.evaluate("a => { a.muted = true; return a.play(); }")
        page.wait_for_timeout(300)
        assert player.evaluate("a => a.currentTime") > 0.1
        page.goto(f"/proposals/{heard_song(page)}")
        other = page.get_by_label("Listen to Known three")
        other.evaluate("a => { a.muted = true; return a.play(); }")
        page.wait_for_timeout(300)
        assert other.evaluate("a => a.currentTime") > 10


def heard_song(page: Page) -> str:
    found = page.locator("[data-song]").first.get_attribute("data-song")
    assert found is not None
    return found

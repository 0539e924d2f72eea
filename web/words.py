"""Counts, times and outcomes as sentences, for the templates. Twin: `client/src/words.ts`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask

from library.models import Job
from progress.events import JobStatus, JobWaiting, Progress, RunningItem

#: The title of each kind of job, for the listener.
TITLES = {
    "sync": "Read my music",
    "analysis": "Listen to every song",
    "matching": "Find a playlist for each",
    "write_back": "Write songs into my lists",
}
#: The word on the button that starts each kind.
ACTIONS = {"sync": "Sync", "analysis": "Analyse", "matching": "Match"}
#: Where a job stands, in a word or a few.
STATUSES = {
    "pending": "Waiting",
    "running": "Running",
    "retrying": "Waiting to try again",
    "completed": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


def register(app: Flask) -> None:
    """Give an application's templates the words."""
    app.jinja_env.globals.update(titles=TITLES, actions=ACTIONS, statuses=STATUSES)
    for say in _FILTERS:
        app.jinja_env.filters[say.__name__] = say


def amount(number: int, noun: str) -> str:
    """Such as ``1 song`` or ``2 songs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def share(numbers: dict[str, int], noun: str) -> str:
    """A part and the whole, such as ``3 of 12 songs``."""
    return f"{numbers['missing']:,} of {amount(numbers['known'], noun)}"


def counts(progress: Progress | None) -> str:
    """How much is done, such as ``3 of 1,200, 1 failed``."""
    if progress is None:
        return ""
    of = "" if progress.total is None else f" of {progress.total:,}"
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    return f"{progress.done:,}{of}{failed}"


def pace(progress: Progress | None) -> str:
    """How long it will take, roughly."""
    left = progress.eta_seconds if progress else None
    if not left:
        return ""
    if left < 60:
        return "less than a minute left"
    minutes = (left + 30) // 60
    if minutes < 90:
        return f"about {amount(minutes, 'minute')} left"
    return f"about {(minutes + 30) // 60} hours left"


def rate(progress: Progress | None) -> str:
    """How much is done in a second or in a minute, such as ``3.2 a second``."""
    speed = progress.per_second if progress else None
    if not speed:
        return ""
    number, unit = (speed, "second") if speed >= 1 else (speed * 60, "minute")
    # Half up, as the browser's twin does.
    text = f"{int(number + 0.5):,}" if number >= 10 else f"{int(number * 10 + 0.5) / 10:g}"
    return "" if text == "0" else f"{text} a {unit}"


def phase(progress: Progress | None) -> str:
    """Which part of the job is under way."""
    now = progress.phase if progress else None
    return f"Part {now.index} of {now.count}: {now.name}" if now else ""


def waiting(why: JobWaiting | None, status: str) -> str:
    """Why a job waits: no worker, others before it, a time."""
    if why is None:
        return ""
    said = []
    if why.until is not None:
        begins = "Tries again" if status == JobStatus.RETRYING else "Begins"
        said.append(f"{begins} at {why.until:%H:%M} UTC.")
    if not why.workers:
        said.append(f"No worker takes jobs of the queue ‘{why.queue}’ at the moment.")
    elif why.before == 0:
        said.append("It is next.")
    elif why.before is not None:
        is_or_are = "is" if why.before == 1 else "are"
        said.append(f"About {amount(why.before, 'job')} {is_or_are} before it.")
    return " ".join(said)


def since(item: RunningItem, now: datetime | None = None) -> str:
    """How long an item is worked on, from a minute on, such as ``4 min``."""
    if item.since is None:
        return ""
    minutes = int(((now or datetime.now(UTC)) - item.since).total_seconds() // 60)
    if minutes < 1:
        return ""
    return f"{minutes} min" if minutes < 90 else f"{(minutes + 30) // 60} h"


def took(begun: datetime, ended: datetime) -> str:
    """How long something lasted, such as ``45 s``, ``4 min`` or ``2 h``."""
    seconds = max(0, round((ended - begun).total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = (seconds + 30) // 60
    return f"{minutes} min" if minutes < 90 else f"{(minutes + 30) // 60} h"


def moment(at: datetime) -> str:
    """A moment to the minute, such as ``3 January 2026, 09:05 UTC``."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


#: The words of a `User-Agent` by which a browser and a system are known, the special ones first.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser(user_agent: str) -> str:
    """The browser and the system of a `User-Agent`, such as ``Firefox on Linux``."""
    named = [
        next((name for mark, name in known.items() if mark in user_agent), None)
        for known in (_BROWSERS, _SYSTEMS)
    ]
    return " on ".join(filter(None, named)) or user_agent[:60] or "A browser without a name"


def outcome(job: Job) -> str:
    """What a completed job has done, in a sentence, from its row."""
    number, say = _OUTCOMES[job.kind]
    return say(job) if job.status == "completed" and number in job.result else ""


def came_to(job: Job, progress: Progress | None) -> str:
    """What a job that is over came to, in a sentence; empty while it is not."""
    if job.is_active:
        return ""
    if job.status != "completed":
        done = progress.succeeded if progress is not None else job.succeeded
        total = progress.total if progress is not None else job.total
        of = f" of {total:,}" if total else ""
        return f"It had done {done:,}{of} when it ended." if done else "Nothing was done."
    failed = f" {job.failed:,} failed." if job.failed else ""
    return (outcome(job) or f"{job.succeeded:,} done.") + failed


def _read(job: Job) -> str:
    result = job.result
    songs, playlists = amount(result["songs"], "song"), amount(result["playlists"], "playlist")
    found = f"Found {songs} and {playlists}; you love {amount(result['liked'], 'song')}."
    moved, gone, unseen, left_out = (
        result.get(name, 0) for name in ("moved", "gone", "unseen", "left_out")
    )
    if moved:
        found += (
            f" {amount(moved, 'song')} {'has' if moved == 1 else 'have'} another place or name."
        )
    if gone:
        found += f" {amount(gone, 'song')} {'is' if gone == 1 else 'are'} gone."
    if unseen:
        found += f" {amount(unseen, 'folder')} could not be looked at: what was in there stays."
    if left_out:
        is_one = left_out == 1
        found += (
            f" {amount(left_out, 'folder')} of the system {'was' if is_one else 'were'} left out."
        )
    return found


def _heard(job: Job) -> str:
    heard = job.result["heard"]
    is_idle = not heard and not job.failed
    return "There was nothing new to hear." if is_idle else f"Heard {amount(heard, 'song')}."


def _matched(job: Job) -> str:
    proposed = job.result["proposed"]
    if not proposed:
        return "There was no song you love without a playlist." + _trial(job)
    return f"Found a playlist for {amount(proposed, 'song')}." + _trial(job)


def _trial(job: Job) -> str:
    """How far the proposals can be trusted: how often hidden songs of one's own were found."""
    result = job.result
    if "hit1" not in result:
        return ""
    asked = amount(result["asked"], "song")
    first, among_three = (f"{100 * result[name]:.0f} %" for name in ("hit1", "hit3"))
    return (
        f" As a trial, {asked} of your playlists had to be found again: "
        f"{first} came first, {among_three} among the first three."
    )


def _wrote(job: Job) -> str:
    result = job.result
    if "undone" in result:
        undone = result["undone"]
        what = "list is as it was" if undone == 1 else "lists are as they were"
        return f"{undone:,} {what} before." if undone else "Nothing was put back."
    songs, lists = amount(result["written"], "song"), amount(result["lists"], "list")
    return f"Put {songs} into {lists}." if result["written"] else "Nothing was written."


#: The number in the result of each kind of job, and the sentence about it.
_OUTCOMES: dict[str, tuple[str, Callable[[Job], str]]] = {
    "sync": ("songs", _read),
    "analysis": ("heard", _heard),
    "matching": ("proposed", _matched),
    "write_back": ("written", _wrote),
}

_FILTERS: tuple[Callable[..., str], ...] = (
    amount,
    browser,
    share,
    counts,
    pace,
    rate,
    phase,
    waiting,
    since,
    took,
    moment,
    outcome,
    came_to,
)

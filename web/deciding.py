"""What a person says of a song, done and told in a sentence; the same from every page."""

from __future__ import annotations

from sqlalchemy.orm import Session

from library import decisions
from library.models import Decision
from tasks import matching_again

from .review_requests import DecisionRequest
from .services import services
from .sessions import account_id

#: What is said where a song or a playlist went away while its page was open.
GONE = "This song or this playlist is not there any more. Load the page again."


def decide(
    session: Session, said: DecisionRequest, *, reason: str = ""
) -> tuple[bool, Decision | None]:
    """Whether there was such a song and playlist, and the decision that was made."""
    mine, song_id = account_id(), said.song_id
    if said.verdict == "later":
        return decisions.put_off(session, account_id=mine, song_id=song_id), None
    if said.verdict == "take-up" or said.playlist_id is None:
        return decisions.take_up(session, account_id=mine, song_id=song_id), None
    act = decisions.accept if said.verdict == "accept" else decisions.reject
    made = act(
        session, account_id=mine, song_id=song_id, playlist_id=said.playlist_id, reason=reason
    )
    return made is not None, made


def match_again(decision: Decision | None) -> None:
    """Have songs scored again that a decision tells something about. It does not wait for that."""
    if decision is not None:
        matching_again.send(services().celery, account_id=account_id(), decision_id=decision.id)


def match_all_again() -> None:
    """The same after many decisions, for all songs that are in no playlist."""
    matching_again.send(services().celery, account_id=account_id(), decision_id=None)


def sentence(said: DecisionRequest, decision: Decision | None) -> str:
    """What came of it, for the person who said it."""
    if decision is None:
        return "Put off for later." if said.verdict == "later" else "Back among the proposals."
    if said.verdict == "accept":
        return f"{decision.song_label} goes into {decision.playlist_name}."
    return f"{decision.song_label} does not go into {decision.playlist_name}."

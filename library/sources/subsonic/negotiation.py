"""Which way of being asked a server accepts, the safest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .answers import OTHER_LOGIN, SERVER_TOO_OLD, WRONG_KEY, WRONG_LOGIN, several
from .errors import AnswerRefused, Failed, LoginRefused, ServerError
from .login import API_KEYS, FORM_POST, VERSIONS, Login, Way, ways

#: Ask a call without parameters in a way, or, where that is None, as nobody.
Ask = Callable[[Way | None, str], dict[str, Any]]

_NO_KEYS = "This server takes no API keys: give a user name and a password."


def find_way(login: Login, ask: Ask) -> Way:
    """The first way in which the server lets this person in.

    Raises:
        LoginRefused: there is none.
        ServerError: the server does not answer, or answers something else.
    """
    offers = _offers(ask)
    if login.api_key and offers is not None and API_KEYS not in offers:
        raise LoginRefused(_NO_KEYS, code=0)
    reads_forms = offers is not None and FORM_POST in offers
    failure: ServerError | None = None
    closed: set[str] = set()
    for way in ways(login):
        if way.method in closed:
            continue
        try:
            return _tried(way, ask)
        except (Failed, AnswerRefused) as error:
            failure = error
            may_be_unread = way.method == "POST" and not reads_forms
            if not _is_other_way(error, way, may_be_unread=may_be_unread):
                break
            if not isinstance(error, Failed) or error.code == WRONG_LOGIN:
                closed.add(way.method)
    raise _refusal(failure, has_key=bool(login.api_key))


def _tried(way: Way, ask: Ask) -> Way:
    try:
        ask(way, "ping")
    except Failed as error:
        if error.code != SERVER_TOO_OLD or way.proof != "password":
            raise
        way = replace(way, version=VERSIONS[-1])
        ask(way, "ping")
    return way


def _offers(ask: Ask) -> set[str] | None:
    """The names of the server's extensions, which it tells anybody; None if it tells none."""
    try:
        entries = several(ask(None, "getOpenSubsonicExtensions"), "openSubsonicExtensions")
    except (Failed, AnswerRefused):
        return None
    return {name for entry in entries if isinstance(name := entry.get("name"), str)}


def _is_other_way(error: ServerError, way: Way, *, may_be_unread: bool) -> bool:
    """Whether an error says that the login was not understood, rather than that it is wrong."""
    if not isinstance(error, Failed):
        return may_be_unread
    if error.code in OTHER_LOGIN or error.code == SERVER_TOO_OLD:
        return True
    # A server that reads no form misses the user name, and some call that a wrong one. Where the
    # password itself was refused so, the form was read: the token before was refused otherwise.
    return may_be_unread and error.code == WRONG_LOGIN and way.proof != "password"


def _refusal(failure: ServerError | None, *, has_key: bool) -> ServerError:
    """Why nobody was let in, after the last way."""
    if not isinstance(failure, Failed):
        return failure or AnswerRefused("The server accepts no login that Earmark knows.")
    if has_key and failure.code != WRONG_KEY:
        return LoginRefused(_NO_KEYS, code=failure.code)
    if failure.code in OTHER_LOGIN:
        return LoginRefused(f"Earmark is not let in. {failure}", code=failure.code)
    return failure

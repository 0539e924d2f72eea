"""What a server answers, read with doubt. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from .errors import AnswerRefused, Failed, LoginRefused, NotAllowed, NotFound

#: More lists and objects than this are in no honest answer, and fill the memory.
MAX_CONTAINERS = 1_000_000
#: What a person is shown of a server's own message, in letters.
MAX_MESSAGE = 200

#: The API's numbers of errors (opensubsonic.netlify.app/docs/responses/error).
MISSING_PARAMETER, WRONG_LOGIN, NO_TOKENS, NO_SUCH_LOGIN, MIXED_LOGINS, WRONG_KEY = (
    *(10, 40, 41, 42, 43, 44),
)
SERVER_TOO_OLD, NOT_ALLOWED, NOT_FOUND = 30, 50, 70
_LOGIN = frozenset({WRONG_LOGIN, NO_TOKENS, NO_SUCH_LOGIN, MIXED_LOGINS, WRONG_KEY})
#: Errors that say that this way of logging in is none of the server's.
OTHER_LOGIN = frozenset({MISSING_PARAMETER, NO_TOKENS, NO_SUCH_LOGIN, MIXED_LOGINS})

_ERRORS: Mapping[int, type[Failed]] = {
    **dict.fromkeys(_LOGIN, LoginRefused),
    NOT_ALLOWED: NotAllowed,
    NOT_FOUND: NotFound,
}


def payload_of(body: bytes, *, redacted: Callable[[str], str] = str) -> dict[str, Any]:
    """What the server says in an answer of the API; its words are `redacted` before they are told.

    Raises:
        Failed: the server says that the call failed.
        AnswerRefused: the bytes are no answer of the API.
    """
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise AnswerRefused("The server's answer holds more than it was asked for.")
    try:
        document = orjson.loads(body)
    except ValueError:
        raise AnswerRefused(_no_answer(body)) from None
    payload = document.get("subsonic-response") if isinstance(document, dict) else None
    if not isinstance(payload, dict):
        raise AnswerRefused("The server answers, and not by the Subsonic API: check the address.")
    if payload.get("status") != "ok":
        raise _error(payload.get("error"), redacted)
    return payload


def _no_answer(body: bytes) -> str:
    if body.lstrip()[:1] == b"<":
        return "The server answers with a page and not by the Subsonic API: check the address."
    return "The server's answer is damaged, or none of the Subsonic API: check the address."


def _error(told: object, redacted: Callable[[str], str]) -> Failed:
    error = told if isinstance(told, dict) else {}
    code = whole(error.get("code")) or 0
    if code in (WRONG_LOGIN, WRONG_KEY):
        what = "API key" if code == WRONG_KEY else "user name or password"
        return LoginRefused(f"The server says that the {what} is wrong.", code=code)
    # Before it is cut: half of a secret would not be found.
    said = error.get("message")
    message = text(redacted(said), at_most=MAX_MESSAGE) if isinstance(said, str) else None
    message = message or "no reason is given"
    return _ERRORS.get(code, Failed)(f"The server refuses this: {message}", code=code)


def part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within an answer; empty where it is missing.

    Raises:
        AnswerRefused: something else is in its place.
    """
    found = payload.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AnswerRefused(f"The server's answer has something else than {name} in its place.")
    return found


def several(payload: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects within an answer; what is no object is left out.

    Some servers write a list of one without the list around it.

    Raises:
        AnswerRefused: something else is in its place.
    """
    found = payload.get(name)
    if found is None:
        return []
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        raise AnswerRefused(f"The server's answer has something else than a list of {name}.")
    return [entry for entry in found if isinstance(entry, dict)]


def text(value: object, *, at_most: int) -> str | None:
    """A text as it can be shown, or None where it is none or empty."""
    if isinstance(value, str) and value.isprintable():
        return value.strip()[:at_most] or None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in str(value)[: 2 * at_most]
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    return kept.strip()[:at_most] or None


def whole(value: object, *, at_most: int = 2**53) -> int | None:
    """A number that is whole and not negative, which some servers write as text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= at_most else None

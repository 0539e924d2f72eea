"""The scripts for pages: built by `web/client`, and served by the blueprint as they are.

They hold nothing of an account, so every page and every cache may have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2s
from http import HTTPStatus
from pathlib import Path

from flask import Response, request

from .. import history
from .refused import Refused

_FOLDER = Path(__file__).parents[1] / "static"
_HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
    # A page loads a module of another origin only where that says so.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
#: How long a copy holds: one from a URL that names this very version, and one from any other.
_FOR_EVER, _ASK_EACH_TIME = "public, max-age=31536000, immutable", "public, no-cache"


@dataclass(frozen=True)
class Script:
    """One file."""

    text: bytes

    @cached_property
    def version(self) -> str:
        """Names what is in it."""
        return blake2s(self.text, digest_size=8).hexdigest()

    @cached_property
    def packed(self) -> bytes:
        """It, for who accepts gzip."""
        return history.compressed(self.text)

    def answer(self) -> Response:
        """The response to the present request."""
        answer = Response(self.text, headers=_HEADERS)
        answer.headers["ETag"] = f'W/"{self.version}"'
        is_this = request.args.get("v") == self.version
        answer.headers["Cache-Control"] = _FOR_EVER if is_this else _ASK_EACH_TIME
        if request.accept_encodings["gzip"]:
            answer.data = self.packed
            answer.headers["Content-Encoding"] = "gzip"
        answer.make_conditional(request)
        return answer


class Scripts:
    """All of them, read once."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {path.stem: Script(path.read_bytes()) for path in folder.glob("*.js")}

    def answer(self, name: str) -> Response:
        """The response with a script.

        Raises:
            Refused: there is none of this name.
        """
        found = self._files.get(name)
        if found is None:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such script.")
        return found.answer()

    def version(self, name: str) -> str | None:
        """What names the present text of a script; None where there is none of this name."""
        found = self._files.get(name)
        return found.version if found is not None else None

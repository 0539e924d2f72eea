"""What can go wrong with a music server. Every text is fit for a person, and none has a secret."""

from __future__ import annotations

from ...errors import LibraryError


class ServerError(LibraryError):
    """A music server that did not do what it was asked; its text is fit for the person."""


class AddressRefused(ServerError):
    """An address that is none, or that Earmark may not connect to."""


class ServerAway(ServerError):
    """A server that cannot be reached, or answers with a fault of its own. It may be well later."""


class TooSlow(ServerAway):
    """A server that did not answer in time."""


class AnswerRefused(ServerError):
    """An answer that is none of the Subsonic API: a page, a redirect, wrong types, too large."""


class Failed(ServerError):
    """An error that the server told by the Subsonic API, with its code."""

    def __init__(self, sentence: str, *, code: int) -> None:
        self.code = code
        super().__init__(sentence)


class LoginRefused(Failed):
    """A user name, password or API key that the server does not accept."""


class NotFound(Failed):
    """A song or playlist that the server does not have."""


class NotAllowed(Failed):
    """Something that the server does not let this user do."""

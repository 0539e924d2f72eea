"""The environment's variables, read by one rule: what is wrong is gathered and told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from .redis_url import RedisUrlError

T = TypeVar("T")


class SettingsError(ValueError):
    """Environment variables hold values that cannot be used: a sentence for each, in ``args``."""

    def __str__(self) -> str:
        """The sentences, a line for each."""
        return "\n".join(map(str, self.args))


class Environment:
    """An environment's variables. Wrong values are gathered, so that all are told at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in environ.items() if value.strip()}
        self._sentences: list[str] = []

    def get(self, name: str, read: Callable[[str], T], *, unset: str | None = None) -> T | None:
        """A variable, or its value where it is ``unset``, as ``read`` has it. None: it is wrong."""
        text = self._values.get(name, unset)
        try:
            return None if text is None else read(text)
        except (SettingsError, RedisUrlError) as error:
            self._sentences.append(str(error))
            return None

    def refuse_what_is_wrong(self) -> None:
        """Raise `SettingsError` where a value was wrong."""
        if self._sentences:
            raise SettingsError(*self._sentences)

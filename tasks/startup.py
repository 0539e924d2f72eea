"""Startup: how a process of Earmark begins, or ends with a sentence for each reason."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from library.music_roots import MusicRoots
from library.sources.location import shown

from .servers import look_at_database, look_at_redis
from .settings import Settings, SettingsError

logger = logging.getLogger(__name__)

_NO_KEY = "SECRET_KEY is not set: set it to a long random text, and keep it."

#: The exit code of a process that cannot begin.
REFUSED = 2


def read_settings(*, needs_key: bool = False) -> Settings:
    """The settings of this process. The process ends where one is missing or cannot be used."""
    missing = () if not needs_key or os.environ.get("SECRET_KEY", "").strip() else (_NO_KEY,)
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        refuse(*error.args, *missing)
    if missing:
        refuse(*missing)
    return settings


def look_around(settings: Settings) -> None:
    """Look at the database, Redis and the music roots; say what is missing there.

    This process ends where a server is of no use. A root that is away may come back.
    """
    for root in MusicRoots(settings.music_roots).missing():
        logger.warning(
            "The folder %s of EARMARK_MUSIC_ROOTS cannot be opened: check that it is there and "
            "that Earmark may read it. Nobody can choose music from it until then.",
            shown(str(root)),
            extra={"action": "root_missing"},
        )
    found = [f for f in (look_at_database(settings), look_at_redis(settings)) if f is not None]
    for finding in found:
        if not finding.is_final:
            logger.warning("%s", finding.sentence, extra={"action": "server_finding"})
    final = [finding.sentence for finding in found if finding.is_final]
    if final:
        refuse(*final)


def refuse(*sentences: str) -> NoReturn:
    """End this process, a line on standard error for each reason."""
    for sentence in sentences:
        print(f"earmark: {sentence}", file=sys.stderr, flush=True)  # noqa: T201
    sys.exit(REFUSED)

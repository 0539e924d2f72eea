"""What the tasks of one process share: the database and the log."""

from __future__ import annotations

from dataclasses import dataclass

from library.database import Database
from progress.redis import RedisLog

from .settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The open ends of one installation."""

    settings: Settings
    database: Database
    log: RedisLog

    @classmethod
    def of(cls, settings: Settings) -> Runtime:
        """The runtime for settings. Nothing connects before it is used."""
        return cls(settings, Database(settings.database_url), RedisLog(settings.redis_url))

    def close(self) -> None:
        """Close what was opened."""
        self.log.close()
        self.database.close()

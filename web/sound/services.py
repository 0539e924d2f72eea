"""What the sounds of one process are sent and made by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from library.sound.store import SoundStore
from tasks.settings import Settings
from tasks.sources import installation

from .making import Makers
from .sender import Sender

_KEY = "earmark.sounds"


@dataclass(frozen=True, slots=True)
class SoundServices:
    """The sender, and who has sounds made."""

    sender: Sender
    makers: Makers


def register(app: Flask, settings: Settings) -> None:
    """Give an application its own."""
    store = SoundStore.within(settings.data_dir, most_bytes=settings.sound_cache_mb * 1024**2)
    app.extensions[_KEY] = SoundServices(Sender(), Makers(store, installation(settings)))


def is_in(app: Flask) -> bool:
    """Whether an application has any."""
    return _KEY in app.extensions


def of(app: Flask) -> SoundServices:
    """Those of an application."""
    return cast("SoundServices", app.extensions[_KEY])


def sound_services() -> SoundServices:
    """Those of the present application."""
    return of(current_app)

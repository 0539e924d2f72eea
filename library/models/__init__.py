"""The tables. Their constraints hold the rules, so that no code path can break them.

Every row belongs to an account. References between rows carry the account along, so that a
row of one account can never point to a row of another.
"""

from __future__ import annotations

from .accounts import Account, BrowserSession, Invite
from .base import Base, Moment, utc_now
from .jobs import (
    ACTIVE_STATUSES,
    FILE_KINDS,
    JOB_KINDS,
    STEPS,
    TERMINAL_STATUSES,
    ItemFailure,
    Job,
    JobPart,
)
from .list_files import ListFile
from .matches import QUEUES, VERDICTS, Decision, Match
from .music import (
    Features,
    LikedSong,
    MissingEntry,
    Playlist,
    PlaylistEntry,
    Song,
    UnheardSong,
)
from .sources import LikedList, Source
from .write_backs import WRITE_BACK_STATES, WRITTEN_SONG_STATES, WriteBack, WrittenSong

__all__ = [
    "ACTIVE_STATUSES",
    "FILE_KINDS",
    "JOB_KINDS",
    "QUEUES",
    "STEPS",
    "TERMINAL_STATUSES",
    "VERDICTS",
    "WRITE_BACK_STATES",
    "WRITTEN_SONG_STATES",
    "Account",
    "Base",
    "BrowserSession",
    "Decision",
    "Features",
    "Invite",
    "ItemFailure",
    "Job",
    "JobPart",
    "LikedList",
    "LikedSong",
    "ListFile",
    "Match",
    "MissingEntry",
    "Moment",
    "Playlist",
    "PlaylistEntry",
    "Song",
    "Source",
    "UnheardSong",
    "WriteBack",
    "WrittenSong",
    "utc_now",
]

"""What the sync of one source knows of it while it reads, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from library.list_files import Read
from library.loss import Loss
from library.moves import NO_MOVES, Moves
from library.sources.contents import Contents
from library.sources.source import MusicSource


@dataclass(frozen=True)
class Place:
    """What one sync reads."""

    source_id: UUID
    #: Where it was when the sync began.
    location: str
    music: MusicSource
    contents: Contents
    #: The playlists that were there at the last sync, those of liked songs among them, by the names
    #: that they have now.
    known_playlists: frozenset[str]
    loss: Loss
    #: The songs whose files are as they were read.
    unchanged: frozenset[str]
    #: Whether the newest sync has read all of it by the rules of today.
    is_known_by_rules: bool
    #: What could not be looked at and stays as it is known, with the reasons.
    unseen: Mapping[str, str]
    #: What ends the names of its phases.
    suffix: str = ""
    #: Songs whose files have other names now.
    moves: Moves = NO_MOVES
    #: The new names of files with playlists, by their old ones.
    renamed_lists: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Tally:
    """What one sync came to."""

    succeeded: int = 0
    failed: int = 0
    songs: int = 0
    #: How many playlists there are, without the lists of loved songs.
    playlists: int = 0
    #: The lists of loved songs that were read: their names, and what each song is said by.
    loved: dict[str, str] = field(default_factory=dict)
    said_by: dict[UUID, str] = field(default_factory=dict)
    #: The files with playlists that were read.
    read_lists: dict[str, Read] = field(default_factory=dict)
    #: The files with playlists that were not read: they cannot be, or are as they were.
    unread: set[str] = field(default_factory=set)

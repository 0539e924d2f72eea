"""The playlists of a music server, written by its API.

A server has no file to compare: what names a list's content is the ids of its songs, in order. It
adds songs some at a time, so that a list may be half-way when a process dies: it is then what it
was and some of the songs, and whoever goes on adds the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from ..errors import SourceUnavailable
from ..sources.subsonic.errors import LoginRefused, ServerAway, ServerError
from ..sources.subsonic.server import MusicServer
from ..sources.subsonic.source import PLAYLIST
from ..sources.subsonic.values import ServerPlaylist, ServerSong, server_id
from ..sources.subsonic.writing import add_songs, remove_songs
from .adding import Addition
from .backups import Backups
from .diff import Line, lines
from .entries import NewEntry, NewSong
from .errors import Edited, NotWritable
from .replacing import CHANGED, CHANGED_SINCE, key_of
from .writer import BeforeWriting, Plan, Preview, Standing

#: Opens the server for one act.
Open = Callable[[], AbstractContextManager[MusicServer]]
_STAYED = "The server did not put the playlist back as it was: look at it there."


class ServerWriter:
    """Writes one person's own playlists on a server."""

    def __init__(self, connect: Open, *, user: str, backups: Backups) -> None:
        self._connect = connect
        self._user = user
        self._backups = backups
        #: Why the server could not be asked: it is not asked for every list of a page.
        self._is_away: str | None = None

    def preview(self, list_id: str, songs: Sequence[NewSong]) -> Preview:
        """What would be put into a playlist."""
        with self._opened() as server:
            found = self._own(server, list_id)
        before = _ids(found)
        new = _addition(before, songs)
        labels = [_label(song) for song in found.songs]
        shown = [*labels, *(entry.song.label for entry in new.added)]
        return Preview(_key(before), new, lines(_text(labels), _text(shown), encoding="utf-8"))

    def write(self, plan: Plan, before_writing: BeforeWriting) -> None:
        """Put a plan's songs into its playlist, those of them that it does not have yet."""
        with self._opened() as server:
            now = _ids(self._own(server, plan.list_id))
            if _key(now) == plan.after_key:
                return
            before = self._before(plan, now)
            new = _addition(before, plan.songs)
            if new.added:
                self._backups.keep(plan.id, _text(before))
            before_writing(key_of(new.data), new)
            if new.added:
                self._add(server, plan, new, before_writing)

    def _add(
        self, server: MusicServer, plan: Plan, new: Addition, before_writing: BeforeWriting
    ) -> None:
        asked = [entry.place for entry in new.added]
        done = add_songs(server, _server_id(plan.list_id), asked)
        if not done.failed:
            return
        if len(done.failed) == len(asked):
            raise NotWritable(next(iter(done.failed.values())))
        # What the list holds now is known, and which songs it did not take.
        after = _ids(server.playlist(_server_id(plan.list_id)))
        taken = tuple(entry for entry in new.added if entry.place not in done.failed)
        refused = tuple(
            (entry.song, done.failed[entry.place])
            for entry in new.added
            if entry.place in done.failed
        )
        before_writing(
            _key(after), Addition(_text(after), taken, new.already, refused, new.encoding)
        )

    def undo(self, plan: Plan) -> None:
        """Take a plan's songs out of its playlist again."""
        with self._opened() as server:
            now = _ids(self._own(server, plan.list_id))
            if _key(now) == plan.before_key:
                return
            before = self._before(plan, now, changed=CHANGED_SINCE)
            ours = now[len(before) :]
            remove_songs(server, _server_id(plan.list_id), ours)
            if _ids(server.playlist(_server_id(plan.list_id))) != before:
                raise NotWritable(_STAYED)

    def verify(self, plan: Plan) -> Standing:
        """How a playlist stands to a plan. One that is half-way can be undone, too."""
        with self._opened() as server:
            now = _ids(self._own(server, plan.list_id))
        if _key(now) == plan.after_key:
            return Standing.AFTER
        if _key(now) == plan.before_key:
            return Standing.BEFORE
        try:
            self._before(plan, now)
        except NotWritable:
            return Standing.OTHER
        return Standing.AFTER

    def settle(self, plan: Plan) -> Standing:
        """How a playlist stands to a plan: nothing is ever left beside it."""
        return self.verify(plan)

    def since(self, plan: Plan) -> Sequence[Line]:
        """What a playlist has that it did not have when the plan was carried out, and lacks."""
        before = self._kept(plan)
        expected = [*before, *(entry.place for entry in _addition(before, plan.songs).added)]
        with self._opened() as server:
            found = self._own(server, plan.list_id)
        named = {_server_id(song.external_id): song.label for song in plan.songs}
        named |= {song.id: _label(song) for song in found.songs}
        old, new = ([named.get(key, key) for key in keys] for keys in (expected, _ids(found)))
        return lines(_text(old), _text(new), encoding="utf-8")

    def _before(self, plan: Plan, now: list[str], *, changed: str = CHANGED) -> list[str]:
        """What a playlist held before a plan, of which some songs may be in it now.

        Raises:
            Edited: somebody else has changed it.
        """
        if _key(now) == plan.before_key:
            return now
        if plan.after_key is None:
            raise Edited(changed)
        before = self._kept(plan)
        ours, wanted = now[len(before) :], [_server_id(song.external_id) for song in plan.songs]
        is_half_way = now[: len(before)] == before and set(ours) <= set(wanted)
        if not is_half_way or len(set(ours)) < len(ours):
            raise Edited(changed)
        return before

    def _kept(self, plan: Plan) -> list[str]:
        kept = self._backups.read(plan.id, content_key=plan.before_key).decode()
        return kept.split("\n") if kept else []

    @contextmanager
    def _opened(self) -> Iterator[MusicServer]:
        """The server, for one act; what it answers is told in its words."""
        if self._is_away is not None:
            raise NotWritable(self._is_away)
        try:
            with self._connect() as server:
                yield server
        except (ServerError, SourceUnavailable) as error:
            if isinstance(error, ServerAway | LoginRefused | SourceUnavailable):
                self._is_away = str(error)
            raise NotWritable(str(error)) from error

    def _own(self, server: MusicServer, list_id: str) -> ServerPlaylist:
        if not list_id.startswith(PLAYLIST):
            raise NotWritable("Songs with a star are no playlist: give them their star there.")
        found = server.playlist(_server_id(list_id))
        if found.is_read_only or (found.owner and self._user and found.owner != self._user):
            raise NotWritable(
                "The server lets you see this playlist and not change it: it belongs to somebody "
                "else, or is filled by rules. Download the list instead."
            )
        return found


def _addition(before: Sequence[str], songs: Sequence[NewSong]) -> Addition:
    there = set(before)
    wanted = {_server_id(song.external_id): song for song in songs}
    added = tuple(NewEntry(song, key) for key, song in wanted.items() if key not in there)
    already = tuple(song for key, song in wanted.items() if key in there)
    after = _text([*before, *(entry.place for entry in added)])
    return Addition(after, added, already, (), "utf-8")


def _label(song: ServerSong) -> str:
    return NewSong(song.id, song.record.title, song.record.artist).label


def _server_id(name: str) -> str:
    return server_id(name.removeprefix(PLAYLIST))


def _ids(found: ServerPlaylist) -> list[str]:
    return [song.id for song in found.songs]


def _text(rows: Sequence[str]) -> bytes:
    return "\n".join(rows).encode("utf-8", "replace")


def _key(ids: Sequence[str]) -> str:
    return key_of(_text(ids))

"""What a person has goes with the account, or after it was gone for as long as it is kept.

Foreign keys cascade from an account down to every song's features, entries and likes. So the rule
is held by who deletes the rows at the top: this names them all, as the source has them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.models import Base, Decision

ROOT = Path(__file__).parents[3]
#: The tables whose rows take rows of others with them, but for jobs, which take failures and parts.
TOPS = {"Account", "Source", "Song", "Playlist"}
#: After `EARMARK_KEEP_GONE_DAYS`; with the account.
ALLOWED = {
    ("library/gone.py", "purge_songs", "Song"),
    ("library/gone.py", "purge_playlists", "Playlist"),
    ("library/removal.py", "remove_some", "Account"),
}
_RAW = re.compile(r"\bDELETE\s+FROM\s+(accounts|sources|songs|playlists)\b", re.IGNORECASE)


def deletions(path: str, source: str) -> Iterator[tuple[str, str, str]]:
    """The file, the function and the thing of each deletion that may be of a top row."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for found in _RAW.findall(node.value):
                    yield path, function.name, found
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if ast.unparse(node.func) in ("delete", "session.delete"):
                thing = ast.unparse(node.args[0])
                # A row in a variable is one of those that its function names.
                if not thing.islower() or _names_a_top(function):
                    yield path, function.name, thing


def _names_a_top(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Name) and node.id in TOPS for node in ast.walk(function))


def is_of_a_top(thing: str) -> bool:
    """Whether a deletion may be of a top row: of one of them, or of what only runs tell."""
    known = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    return thing not in known - TOPS


def all_deletions() -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for package in ("library", "tasks", "web"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" in path.parts or "node_modules" in path.parts:
                continue
            name = path.relative_to(ROOT).as_posix()
            found |= {d for d in deletions(name, path.read_text()) if is_of_a_top(d[2])}
    return found


#: Rows of other things: a proposal that was decided about, what a playlist has and misses.
OTHERS = {
    ("library/decisions.py", "_decide", "match"),
    ("library/likes.py", "set_heart", "known"),
    ("library/playlists.py", "save", "table"),
}


def test_songs_playlists_and_sources_are_deleted_by_the_purge_and_with_the_account_alone() -> None:
    found = all_deletions()
    new = found - ALLOWED - OTHERS
    assert new == set(), "a row of another table is named in OTHERS, with its function"
    assert found >= ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "session.execute(delete(Song).where(Song.present))",
        "session.delete(session.get(Playlist, playlist_id))",
        "for song in songs_of(Song): session.delete(song)",
        "session.execute(text('delete from sources'))",
    ],
)
def test_a_deletion_elsewhere_would_be_seen(line: str) -> None:
    found = set(deletions("library/new.py", f"def tidy(session):\n    {line}\n"))
    assert {d for d in found if is_of_a_top(d[2])}


def test_a_decision_refers_to_nothing_but_its_account() -> None:
    assert {key.target_fullname for key in Decision.__table__.foreign_keys} == {"accounts.id"}

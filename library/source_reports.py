"""What the newest sync of a source found, small enough for the source's row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

#: A report names at most this many of a kind; it counts all of them.
MOST_NAMED = 20
#: Longest name, in letters.
MOST_LETTERS = 200


def report(
    *, songs: int, playlists: int, gone: int, unseen: Mapping[str, str], left_out: Collection[str]
) -> dict[str, Any]:
    """What a sync found.

    `unseen` is what could not be looked at, with the reasons; `left_out` are the folders that
    systems make for themselves.
    """
    named = sorted(unseen)[:MOST_NAMED]
    return {
        "songs": songs,
        "playlists": playlists,
        "gone": gone,
        "unseen": [{"name": _cut(name), "reason": _cut(unseen[name])} for name in named],
        "moreUnseen": len(unseen) - len(named),
        "leftOut": [_cut(name) for name in sorted(left_out)[:MOST_NAMED]],
        "moreLeftOut": max(0, len(left_out) - MOST_NAMED),
    }


def _cut(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"

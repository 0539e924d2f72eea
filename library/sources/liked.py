"""By which names people call the list of the songs they love. Pure."""

from __future__ import annotations

_LIKED_NAMES = frozenset(
    f"{word}{ending}"
    for word in ("favorite", "favourite", "liked", "like", "loved", "starred")
    for ending in ("", "s", " songs", " tracks")
)


def is_liked_name(name: str) -> bool:
    """Whether a playlist of this name is the list of the person's liked songs."""
    return name.casefold().strip() in _LIKED_NAMES

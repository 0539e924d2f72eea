"""Matching: how well each song fits each playlist. Pure: numbers and names, no database.

`songs` has the columns, `signals` what speaks for a pair (`sound`, `names`, `years`), `choice` how
it is weighed, `matcher` what is proposed, `trial` how well it does on a person's own playlists,
and `personal` what decisions change.
"""

from __future__ import annotations

from .matcher import STRICTNESS, Matcher, Proposal
from .songs import Playlist, Songs

__all__ = ["STRICTNESS", "Matcher", "Playlist", "Proposal", "Songs"]

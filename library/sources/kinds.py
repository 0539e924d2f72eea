"""The kinds of sources that are installed, found by their entry points.

A package adds one by an entry point in the group ``earmark.sources``: the kind's name, and where
its `SourceKind` is. Earmark's own kinds are found in the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from ..errors import SourceUnavailable
from .source import SourceKind

logger = logging.getLogger(__name__)

GROUP = "earmark.sources"


@cache
def installed() -> Mapping[str, SourceKind]:
    """The kinds by their names, in alphabetical order. One that cannot be loaded is left out.

    Looked for once in a process: a package that is installed later is found by the next one.
    """
    found: dict[str, SourceKind] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            found[entry.name] = entry.load()
        except Exception:
            # Somebody else's package. The sources of the other kinds can still be read.
            logger.exception(
                "The kind of sources %r (%s) cannot be loaded.",
                entry.name,
                entry.value,
                extra={"action": "kind_broken"},
            )
    return MappingProxyType(found)


def kind_of(name: str) -> SourceKind:
    """The kind of a name.

    Raises:
        SourceUnavailable: none of this name is installed.
    """
    kind = installed().get(name)
    if kind is None:
        raise SourceUnavailable(
            f"Sources of the kind “{name}” cannot be read here: no installed package has it. "
            "The person who runs Earmark installs the package again. Nothing was removed."
        )
    return kind

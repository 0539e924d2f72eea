"""The kinds of sources: Earmark's own, and those of packages, found by their entry points.

A package adds one by an entry point in the group ``earmark.sources``: the kind's name, and where
its `SourceKind` is. Earmark's own have none: a host that installs the requirements alone, as for a
``Procfile``, knows of no entry points of the project.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from ..errors import SourceUnavailable
from .exports.source import KIND as EXPORT
from .folder_kind import KIND as FOLDER
from .source import SourceKind
from .subsonic.kind import KIND as SUBSONIC

logger = logging.getLogger(__name__)

GROUP = "earmark.sources"
OWN: tuple[SourceKind, ...] = (EXPORT, FOLDER, SUBSONIC)


@cache
def installed() -> Mapping[str, SourceKind]:
    """The kinds by their names, in alphabetical order. One that cannot be loaded is left out.

    No package replaces one of Earmark's own. Looked for once in a process: a package that is
    installed later is found by the next one.
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
    found |= {kind.name: kind for kind in OWN}
    return MappingProxyType(dict(sorted(found.items())))


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

"""Faults of a server's settings, or of a user's rights, that harm a log: a sentence for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import redis

_NEVER_EVICTS = "noeviction"


def eviction(info: Mapping[str, Any]) -> str | None:
    """The sentence for a server that may evict, from what it says of itself (INFO)."""
    policy = info.get("maxmemory_policy", _NEVER_EVICTS)
    if policy == _NEVER_EVICTS or not info.get("maxmemory", 0):
        return None
    return (
        f"The Redis server evicts when its memory is full (maxmemory-policy is {policy}), and "
        f"jobs get lost then: set maxmemory-policy to {_NEVER_EVICTS}."
    )


def findings(client: Any, *, probe: str) -> Sequence[str]:
    """The sentences for the faults of a server. It raises what the client raises.

    Args:
        client: A client of the server.
        probe: A channel of the log's prefix that nobody listens to.
    """
    found = []
    try:
        client.publish(probe, "")
    except redis.ResponseError as error:
        found.append(
            f"The log's server refuses PUBLISH ({error}): streams look at the logs every few "
            "seconds instead. Let its user write to the channels of the log's prefix."
        )
    try:
        evicts = eviction(client.info("memory"))
    except redis.ResponseError:  # a user without INFO: nothing is known
        evicts = None
    return [*found, *filter(None, [evicts])]

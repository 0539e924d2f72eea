"""The text of the script that a server runs for every append: constants, then `append.lua`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from .. import rules as room
from .constants import ITEM_LETTERS, RULES, UPKEEP, Rules, Upkeep


def append_script(rules: Rules = RULES, upkeep: Upkeep = UPKEEP) -> str:
    """The script by which a server makes events of reports.

    The constants are local variables before the script's own text, so an append sends none of
    them. Servers know a script by the hash of its text: writers with other constants run theirs.
    """
    body = resources.files(room).joinpath("append.lua").read_text("utf-8")
    return "".join(f"local {line}\n" for line in _constants(rules, upkeep)) + body


def _constants(rules: Rules, upkeep: Upkeep) -> list[str]:
    order = {ITEM_LETTERS[status]: number for status, number in rules.item_order.items()}
    letters = (f"{status.name} = '{letter}'" for status, letter in ITEM_LETTERS.items())
    return [
        f"FEED_EVERY_US = {rules.feed_every_us}",
        f"RATE_MEMORY_S = {rules.rate_memory_seconds}",
        f"RATE_STEP_S = {rules.rate_step_seconds}",
        f"RATE_PARTS = {rules.rate_parts}",
        f"FRACTION_PARTS = {rules.fraction_parts}",
        f"MAX_LISTED = {rules.max_listed}",
        f"MAX_SLOWEST = {rules.max_slowest}",
        f"TRIM_EVERY = {upkeep.trim_every_events}",
        f"KEEP_EVERY_S = {upkeep.keep_every_seconds}",
        f"KEEPS_IN_A_LIFE = {upkeep.keeps_in_a_life}",
        *letters,
        f"ORDER = {_table(order)}",
        f"TERMINAL = {_table(dict.fromkeys(sorted(rules.terminal_statuses), 'true'))}",
    ]


def _table(pairs: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in pairs.items()) + "}"

"""The text of the script that a server runs for every append: constants, then `append.lua`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from .. import rules as room
from .constants import (
    ITEM_LETTERS,
    RULES,
    RUN_BOUNDS,
    STATE_NUMBERS,
    UPKEEP,
    Rules,
    RunBounds,
    Upkeep,
)


def append_script(
    rules: Rules = RULES, upkeep: Upkeep = UPKEEP, bounds: RunBounds = RUN_BOUNDS
) -> str:
    """The script by which a server makes events of reports.

    The constants are local variables before the script's own text, so an append sends none of
    them. Servers know a script by the hash of its text: writers with other constants run theirs.
    """
    body = resources.files(room).joinpath("append.lua").read_text("utf-8")
    lines = [*_constants(rules, upkeep, bounds), *_numbers()]
    return "".join(f"local {line}\n" for line in lines) + body


def _numbers() -> list[str]:
    """Two functions that read and write the numbers of a state, without a loop over their names.

    A state that a version with fewer numbers wrote has 0 for the others.
    """
    names = ", ".join(f"s.{name}" for name in STATE_NUMBERS)
    values = ", ".join(f"n{place}" for place in range(len(STATE_NUMBERS)))
    # A table that grows field by field is made anew several times; this one has its size at once.
    fields = [f"{name} = n{place}" for place, name in enumerate(STATE_NUMBERS)]
    fields += [f"{name} = false" for name in ("status", "progress", "phase", "cancel", "at")]
    form, size = ">" + "d" * len(STATE_NUMBERS), 8 * len(STATE_NUMBERS)
    padded = f"text .. string.rep('\\0', {size} - #text)"
    read = f"local {values} = struct.unpack('{form}', {padded})"
    return [
        f"function read_numbers(text) {read} return {{{', '.join(fields)}}} end",
        f"function write_numbers(s) return struct.pack('{form}', {names}) end",
    ]


def _constants(rules: Rules, upkeep: Upkeep, bounds: RunBounds) -> list[str]:
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
        f"MAX_ATTEMPTS = {bounds.max_attempts}",
        f"MAX_PHASES = {bounds.max_phases}",
        f"MAX_PARTS = {bounds.max_parts}",
        f"MAX_POINTS = {bounds.max_points}",
        f"POINT_EVERY_US = {bounds.point_every_us}",
        f"TRIM_EVERY = {upkeep.trim_every_events}",
        f"KEEP_EVERY_S = {upkeep.keep_every_seconds}",
        f"KEEPS_IN_A_LIFE = {upkeep.keeps_in_a_life}",
        *letters,
        f"ORDER = {_table(order)}",
        f"TERMINAL = {_table(dict.fromkeys(sorted(rules.terminal_statuses), 'true'))}",
    ]


def _table(pairs: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in pairs.items()) + "}"

from typing import Any

def set_rules(
    join_seconds: float,
    early_seconds: float,
    busy: float,
    max_frames: int,
    max_bytes: int,
    terminal_prefixes: tuple[bytes, ...],
    /,
) -> None: ...
def take(
    fd: int, channels: dict[bytes, Any], wants_firsts: bool, /
) -> tuple[bytes, int, list[tuple[Any, int, bytes, int]], list[bytes] | None] | None: ...

from typing import Any

Rules = tuple[float, float, float, int, int, tuple[bytes, ...]]

def take(
    fd: int, channels: dict[bytes, Any], rules: Rules
) -> tuple[bytes, int, list[tuple[Any, int, bytes, int]]] | None: ...

"""Hints when to come back: a thousand clients of one server do not come together."""

from __future__ import annotations

from collections import Counter

from progress.sse import retry_hint


def test_a_thousand_clients_are_spread_over_the_seconds_in_which_they_come_back() -> None:
    hints = [retry_hint() for _ in range(1_000)]
    assert all(hint.startswith(b"retry: ") and hint.endswith(b"\n\n") for hint in hints)
    after_ms = [int(hint[len("retry: ") :]) for hint in hints]
    assert 1_000 <= min(after_ms) < max(after_ms) <= 5_000
    in_each = Counter(ms // 500 for ms in after_ms)
    # 125 in each half second on average; 200 would be seven deviations more.
    assert max(in_each.values()) < 200
    assert len(in_each) >= 8

"""The text for Prometheus has every metric, in its format."""

from __future__ import annotations

import re
from dataclasses import fields

from progress.metrics import Histogram, HubMetrics, exposition

LINE = re.compile(r'([a-z_]+)(?:\{le="([^"]+)"\})? (\S+)')


def samples(text: str) -> dict[tuple[str, str | None], float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match is not None, line
            found[match[1], match[2] or None] = float(match[3])
    return found


def test_every_figure_is_told_with_its_value() -> None:
    metrics = HubMetrics()
    counters = [f.name for f in fields(metrics) if isinstance(getattr(metrics, f.name), int)]
    for number, name in enumerate(counters, 2):
        setattr(metrics, name, number)
    found = samples(exposition(metrics, open_streams=1))
    told = [value for (name, _), value in found.items() if name.endswith("_total")]
    assert sorted(told) == list(range(2, len(counters) + 2))
    assert found["progress_streams_open", None] == 1
    assert found["progress_gaps_total", None] == metrics.gaps
    assert found["progress_streams_refused_total", None] == metrics.refused


def test_a_histogram_is_summed_up_to_all_that_was_observed() -> None:
    metrics = HubMetrics(replays=Histogram((1, 10)))
    for count in (0, 1, 5, 10, 700):
        metrics.replays.observe(count)
    found = samples(exposition(metrics, open_streams=0))
    name = "progress_replay_events"
    assert [found[f"{name}_bucket", bound] for bound in ("1", "10", "+Inf")] == [2, 4, 5]
    assert found[f"{name}_count", None] == 5
    assert found[f"{name}_sum", None] == 716


def test_every_metric_has_a_help_and_a_type_before_it() -> None:
    text = exposition(HubMetrics(), open_streams=0)
    for name, _ in samples(text):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        start = text.index(f"\n{name}") + 1
        assert f"# HELP {base} " in text[:start]
        assert re.search(rf"# TYPE {base} (counter|gauge|histogram)\n", text[:start])

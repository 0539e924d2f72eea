"""The wheel names each thing once, never before it is due and soon after."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from progress.hub.wheel import Wheel

STEP = 0.5
TIMES = st.floats(min_value=-5, max_value=20)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), TIMES),
        st.tuples(st.just("remove"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.floats(min_value=0, max_value=3)),
    ),
    max_size=60,
)


@given(began_at=st.floats(min_value=0, max_value=1e6), acts=ACTS)
def test_all_that_was_put_and_not_removed_is_told_of_in_time(
    began_at: float, acts: list[tuple[str, float]]
) -> None:
    now = began_at
    wheel: Wheel[int] = Wheel(step_seconds=STEP, now=now)
    waiting: dict[int, float] = {}
    put_at: dict[int, float] = {}
    for number, (act, value) in enumerate(acts):
        if act == "put":
            waiting[number], put_at[number] = began_at + value, now
            wheel.put(number, waiting[number])
        elif act == "remove" and waiting:
            thing = sorted(waiting)[int(value) % len(waiting)]
            wheel.remove(thing, waiting.pop(thing))
        elif act == "wait":
            now += value
            told = list(wheel.due(now))
            assert len(set(told)) == len(told)
            for thing in told:
                assert waiting.pop(thing) <= now
            assert all(max(when, put_at[n]) > now - STEP for n, when in waiting.items())
    told = list(wheel.due(max(began_at + 20, now) + 2 * STEP))
    assert sorted(told) == sorted(waiting)


def test_what_is_put_while_others_are_told_of_is_told_of_next_time() -> None:
    wheel: Wheel[str] = Wheel(step_seconds=STEP, now=10.0)
    wheel.put("a", 9.0)
    assert list(wheel.due(10.1)) == ["a"]
    wheel.put("b", 9.0)
    assert list(wheel.due(10.1)) == []
    assert list(wheel.due(10.6)) == ["b"]


def test_nothing_is_told_of_early() -> None:
    wheel: Wheel[str] = Wheel(step_seconds=STEP, now=10.0)
    wheel.put("a", 10.7)
    assert list(wheel.due(10.69)) == []
    assert list(wheel.due(11.0)) == ["a"]


def test_nothing_is_kept_of_what_was_removed() -> None:
    wheel: Wheel[int] = Wheel(step_seconds=STEP, now=0.0)
    for thing in range(1_000):
        wheel.put(thing, thing / 7)
        wheel.remove(thing, thing / 7)
    assert wheel._slots == {}


def test_who_stops_after_some_is_told_of_the_others_next_time() -> None:
    wheel: Wheel[int] = Wheel(step_seconds=STEP, now=0.0)
    for thing in range(5):
        wheel.put(thing, 0.6)
    told = []
    for thing in wheel.due(1.0):
        told.append(thing)
        if len(told) == 2:
            break
    removed = next(thing for thing in range(5) if thing not in told)
    wheel.remove(removed, 0.6)
    told += wheel.due(1.5)
    assert sorted([*told, removed]) == [0, 1, 2, 3, 4]

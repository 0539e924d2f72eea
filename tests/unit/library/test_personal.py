"""Weights learn from a person's decisions, and cannot run away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from library.matching.choice import Choices, fit, shares
from library.matching.matcher import Matcher
from library.matching.personal import FURTHEST, HALF_WAY, Decided, moved, own_weights
from library.matching.songs import Playlist, Songs
from library.matching.weights import read

PUBLIC = np.array([1.5, 0.5, 0.0, -0.8])


@st.composite
def decisions(draw: st.DrawFn) -> Decided:
    count, lists = draw(st.integers(0, 40)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.0, 1e-6, 1.0, 1e3]))
    signals = rng.normal(0, 1, (len(PUBLIC), count, lists)) * size
    accepted = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return Decided(signals.astype(np.float32), rng.integers(0, lists, count), accepted)


@given(decisions())
@settings(max_examples=150, deadline=None)
def test_no_weight_moves_further_than_the_decisions_allow(decided):
    found = moved(PUBLIC, decided)
    count = len(decided.columns)
    bound = FURTHEST * np.abs(PUBLIC) * count / (count + HALF_WAY)
    assert (np.abs(found - PUBLIC) <= bound + 1e-9).all()
    assert ((found > 0) == (PUBLIC > 0)).all()


def test_five_decisions_that_all_say_the_same_move_no_weight_by_more_than_a_fourteenth():
    signals = np.zeros((len(PUBLIC), 5, 2), dtype=np.float32)
    signals[1, :, 0] = 10
    found = moved(PUBLIC, Decided(signals, np.zeros(5, dtype=np.int64), [False] * 5))
    assert (np.abs(found - PUBLIC) <= np.abs(PUBLIC) / 14 + 1e-9).all()
    assert found[1] < PUBLIC[1]


@pytest.mark.parametrize(("accepted", "towards"), [(True, 1), (False, -1)])
def test_a_signal_that_was_right_counts_more_and_one_that_was_wrong_less(accepted, towards):
    rng = np.random.default_rng(1)
    signals = rng.normal(0, 1, (len(PUBLIC), 200, 5)).astype(np.float32)
    columns = signals[1].argmax(axis=1)  # what the second signal says, and no other
    found = moved(PUBLIC, Decided(signals, columns, [accepted] * 200))
    assert (found[1] - PUBLIC[1]) * towards > 0.1
    assert abs(found[0]) < abs(PUBLIC[0])


def test_without_decisions_nothing_moves():
    none = Decided(np.zeros((4, 0, 3), dtype=np.float32), np.zeros(0, dtype=np.int64), [])
    assert moved(PUBLIC, none) is PUBLIC


def test_choices_of_known_weights_are_learnt_again():
    rng = np.random.default_rng(0)
    signals = rng.normal(0, 1, (3, 4_000, 6)).astype(np.float32)
    wanted = np.array([2.0, -1.0, 0.0])
    odds = shares(np.tensordot(wanted, signals, 1))
    chosen = (odds.cumsum(axis=1) > rng.random(4_000)[:, None]).argmax(axis=1)
    found = fit([Choices(signals, chosen)], prior=np.zeros(3), strength=np.full(3, 1e-3))
    assert found == pytest.approx(wanted, abs=0.12)


def test_what_was_accepted_is_hidden_while_it_is_learnt_from_and_the_version_says_so():
    artists = ["Ann"] * 5 + ["Bob"] * 5
    songs = Songs(
        [str(n) for n in range(10)], [""] * 10, artists, [None] * 10,
        np.full(10, np.nan, dtype=np.float32), np.full((10, 2), np.nan, dtype=np.float32),
    )  # fmt: skip
    lists = [Playlist.of("a", range(5)), Playlist.of("b", range(5, 10))]
    weights = read()
    found = own_weights(songs, lists, [(0, "a", True), (9, "a", False), (1, "gone", True)], weights)
    assert found.version == f"{weights.version}+own"
    bound = FURTHEST * np.abs(weights.known) * 2 / (2 + HALF_WAY)
    assert (np.abs(found.known - weights.known) <= bound + 1e-9).all()
    assert found.known.tolist() != weights.known.tolist()
    assert own_weights(songs, lists, [], weights) is weights
    assert Matcher(songs, lists, weights=found).propose(np.array([0]), without={0: {0}})

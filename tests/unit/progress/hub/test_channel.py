"""A channel is divided by who writes it: each part by one module and no other."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import progress.hub
from progress.hub.channel import Channel, Delivery, Inquiry, Stream
from progress.hub.channels import Channels
from progress.hub.kept import Kept
from progress.testing import fresh_ref

ROOM = Path(progress.hub.__file__).parent
#: Which module may write which fields; `Stream` and `Lag` have fields of other names.
OWNERS = {
    "writer": {field.name for field in fields(Delivery)},
    "replays": {field.name for field in fields(Inquiry)} | {"kept"},
    "channels": {"is_idle"},
    "kept": {name.lstrip("_") for name in Kept.__slots__},
}
MUTATORS = {"add", "append", "clear", "discard", "extend", "pop", "remove", "setdefault", "update"}


def is_of_another(node: ast.expr) -> bool:
    """Whether this is not an object's own attribute of that name."""
    return not (isinstance(node, ast.Name) and node.id == "self")


def written(tree: ast.Module) -> Iterator[str]:
    """The names of the attributes of other objects that a module assigns or changes in place."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=of, attr=name, ctx=ast.Store() | ast.Del()):
                if is_of_another(of):
                    yield name
            case ast.Subscript(
                value=ast.Attribute(value=of, attr=name), ctx=ast.Store() | ast.Del()
            ):
                if is_of_another(of):
                    yield name
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=of, attr=name), attr=how)):
                if how in MUTATORS and is_of_another(of):
                    yield name


@pytest.mark.parametrize("owner", OWNERS)
def test_a_part_of_a_channel_is_written_by_one_module(owner: str) -> None:
    others = {
        path.stem: set(written(ast.parse(path.read_text()))) & OWNERS[owner]
        for path in ROOM.glob("*.py")
        if path.stem != owner
    }
    assert {name: found for name, found in others.items() if found} == {}


def test_the_owners_do_write_their_parts() -> None:
    for owner in ("writer", "replays", "channels"):
        found = set(written(ast.parse((ROOM / f"{owner}.py").read_text())))
        assert found & OWNERS[owner], owner


def test_a_channel_with_a_reader_is_kept_and_one_without_goes_the_second_time() -> None:
    channels = Channels(keep_alive_seconds=15)
    channel = channels.open(fresh_ref(), now=0.0)
    channel.delivery.live[7] = Stream(7, channel, ends_at=1.0)
    assert [channels.drop_if_unread(channel) for _ in range(3)] == [False] * 3
    channel.delivery.live.clear()
    assert not channels.drop_if_unread(channel)
    channel.inquiry.asked = 1
    assert not channels.drop_if_unread(channel)
    channel.inquiry.asked = 0
    assert [channels.drop_if_unread(channel) for _ in range(2)] == [False, True]
    assert channels.by_ref == {}


def test_a_channel_is_due_for_its_keep_alive_and_once_it_is_dropped_no_more() -> None:
    channels = Channels(keep_alive_seconds=15)
    now = time.monotonic()
    channel = channels.open(fresh_ref(), now=now)
    assert list(channels.due(now + 14)) == []
    assert list(channels.due(now + 16)) == [channel]
    channels.tend_later(channel)
    del channels.by_ref[channel.ref]
    assert list(channels.due(now + 17)) == [channel]
    channels.tend_later(channel)
    assert list(channels.due(now + 100)) == []


def test_a_channel_has_a_reader_while_any_part_has_one() -> None:
    channel = Channel(fresh_ref())
    assert not channel.has_readers
    channel.inquiry.early[Stream(1, channel, ends_at=1.0)] = None
    assert channel.has_readers

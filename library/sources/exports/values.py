"""Values out of a stream of JSON or of an XML property list, without the whole being in memory.

Both are events, as ijson has them: ``("map_key", "name")``, ``("string", "Road trip")``. A tree of
routes says which values are wanted. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias
from xml.parsers import expat

import ijson

from ...errors import UnreadableFile

Event: TypeAlias = tuple[str, Any]
#: Names of keys; ``*`` is any key, and each item of an array. A text names what is found there; the
#: text under the empty key names the end of a map.
Routes: TypeAlias = Mapping[str, "Routes | str"]

#: No export nests deeper. One value that is wanted has at most so many others in it.
MAX_DEPTH = 40
MAX_NODES = 1_000
_MAX_STRING = 4_000
_READ_BYTES = 64 * 1024

BROKEN = "The file ends in the middle or is damaged: download it again."
TOO_DEEP = "The file is no export that Earmark knows: its values are nested too deeply."


def json_events(file: BinaryIO) -> Iterator[Event]:
    """The events of a JSON document in UTF-8.

    Raises:
        UnreadableFile: it is none, or ends early.
    """
    try:
        yield from ijson.basic_parse(file, buf_size=_READ_BYTES, use_float=True)
    # A library in C tells what it meets in several ways.
    except (ijson.JSONError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableFile(BROKEN) from error


def json_lines(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines; a line that is none is left out.

    Raises:
        UnreadableFile: a line is longer than any export has.
    """
    while line := file.readline(_READ_BYTES * 4):
        if len(line) >= _READ_BYTES * 4:
            raise UnreadableFile(TOO_DEEP)
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def plist_events(file: BinaryIO) -> Iterator[Event]:
    """The events of an XML property list, in which no entity is resolved.

    Raises:
        UnreadableFile: it is none, ends early, or declares entities.
    """
    plist = _Plist()
    try:
        while data := file.read(_READ_BYTES):
            plist.parser.Parse(data, False)  # noqa: FBT003 - as expat has it
            yield from plist.take()
        plist.parser.Parse(b"", True)  # noqa: FBT003
        yield from plist.take()
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableFile(BROKEN) from error


class _Plist:
    """A parser of property lists, which gathers events."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._text: list[str] | None = None
        self._depth = self._letters = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.EntityDeclHandler = _refuse_entity

    def take(self) -> list[Event]:
        """The events since the last time."""
        events, self._events = self._events, []
        return events

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableFile(TOO_DEEP)
        if name in _OPENING:
            self._events.append((_OPENING[name], None))
        self._text, self._letters = [], 0

    def _data(self, text: str) -> None:
        # What is longer than any text is a picture or a rule: its beginning tells that it is there.
        if self._text is not None and self._letters < _MAX_STRING:
            self._letters += len(text)
            self._text.append(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        text, self._text = "".join(self._text or ()), None
        if name in _CLOSING:
            self._events.append((_CLOSING[name], None))
        elif name == "key":
            self._events.append(("map_key", text))
        elif name in ("true", "false"):
            self._events.append(("boolean", name == "true"))
        elif name in ("integer", "real"):
            self._events.append(("number", _number(text)))
        elif name in ("string", "date", "data"):
            self._events.append(("string", text))


_OPENING = {"dict": "start_map", "array": "start_array"}
_CLOSING = {"dict": "end_map", "array": "end_array"}


def _refuse_entity(*_: object) -> None:
    raise UnreadableFile("The file declares entities, which no export does: it is not read.")


def _number(text: str) -> float | int | None:
    plain = text.strip()[:40]
    try:
        return int(plain)
    except ValueError:
        try:
            return float(plain)
        except ValueError:
            return None


def found(events: Iterator[Event], routes: Routes) -> Iterator[tuple[str, Any]]:
    """The wanted values in the order of the stream, each with the name that its route has.

    Raises:
        UnreadableFile: the values are nested more deeply than those of any export.
    """
    # What the containers around the present place lead to; and in a map, what its newest key does.
    around: list[Routes | str | None] = []
    here: Routes | str | None = routes
    for event, value in events:
        if event == "map_key":
            here = _within(around[-1], value) if around else None
        elif event in ("start_map", "start_array"):
            if isinstance(here, str):
                yield here, _build(event, events)
                here = _within(around[-1], "*") if around else None
                continue
            around.append(here)
            if len(around) > MAX_DEPTH:
                raise UnreadableFile(TOO_DEEP)
            here = _within(here, "*") if event == "start_array" else None
        elif event in ("end_map", "end_array"):
            ended = around.pop() if around else None
            end = ended.get("") if event == "end_map" and isinstance(ended, Mapping) else None
            if isinstance(end, str):
                yield end, None
            here = _within(around[-1], "*") if around else None
        elif isinstance(here, str):
            yield here, value


def _within(routes: Routes | str | None, key: str) -> Routes | str | None:
    if not isinstance(routes, Mapping) or not key:
        return None
    return routes.get(key, routes.get("*"))


def _build(event: str, events: Iterator[Event]) -> Any:
    """The value that begins with an event, as far as it is no larger than it may be."""
    top: Any = {} if event == "start_map" else []
    stack: list[Any] = [top]
    keys: list[str] = [""]
    nodes = 0
    for kind, value in events:
        if kind == "map_key":
            keys[-1] = value
            continue
        if kind in ("end_map", "end_array"):
            stack.pop()
            keys.pop()
            if not stack:
                break
            continue
        nodes += 1
        is_container = kind in ("start_map", "start_array")
        new: Any = ({} if kind == "start_map" else []) if is_container else _cut(value)
        if nodes <= MAX_NODES:
            _put(stack[-1], keys[-1], new)
        if is_container:
            stack.append(new)
            keys.append("")
            if len(stack) > MAX_DEPTH:
                raise UnreadableFile(TOO_DEEP)
    return top


def _put(into: Any, key: str, value: Any) -> None:
    if isinstance(into, dict):
        into[key] = value
    else:
        into.append(value)


def _cut(value: Any) -> Any:
    return value[:_MAX_STRING] if isinstance(value, str) else value

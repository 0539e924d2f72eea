"""How the items of a loop are named: by their keys, or by where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from ..fit import fit_id, has_words
from .maker import ReportMaker

T = TypeVar("T")
#: An item, its position from 1, its id and its words.
Named = tuple[T, int, str, object]


class Names(Generic[T]):
    """The ids and words of the items of one `JobReporter.track`.

    An item without a key is named by its part of the job, by the number of the loop within the
    part, and by its position: the same in every attempt, and no two are equal.

    Args:
        make: Says once in the process's log that a key or a label was of no use.
        place: The part and the loop.
        key: An item's id.
        label: An item's words.
        stops: Exceptions that end a task wherever they are raised.
    """

    def __init__(
        self,
        make: ReportMaker,
        *,
        place: str,
        key: Callable[[T], object] | None,
        label: Callable[[T], object] | None,
        stops: tuple[type[BaseException], ...],
    ) -> None:
        self._make = make
        self._place = place
        self._key, self._label = key, label
        self._stops = stops
        #: The keys so far. None once two were equal and the log of the process said so.
        self._seen: set[str] | None = set()

    def each(self, items: Iterable[T]) -> Iterator[Named[T]]:
        """All items with their names, in order."""
        for index, item in enumerate(items, 1):
            yield (item, index, *self.of(item, index))

    def of(self, item: T, index: int) -> tuple[str, object]:
        """The id and the words of the item at a position, from 1."""
        by_place = f"{self._place}.{index}"
        words: object = None
        if self._label is not None:
            words = self._asked("label", self._label, item)
        elif has_words(item):
            words = item
        if self._key is None:
            return by_place, words
        item_id = fit_id(self._asked("key", self._key, item))
        if item_id is None:
            self._make.complain("key", item)
            return by_place, words
        self._note(item_id)
        return item_id, words

    def _asked(self, field: str, question: Callable[[T], object], item: T) -> object:
        try:
            return question(item)
        except self._stops:
            raise
        except Exception as error:
            self._make.complain(field, error)
            return None

    def _note(self, item_id: str) -> None:
        if self._seen is None:
            return
        if item_id in self._seen:
            self._make.say_once("equal_keys", "has items with equal keys, which count as one.")
            self._seen = None
        else:
            self._seen.add(item_id)


def length(items: object, *, stops: tuple[type[BaseException], ...]) -> int | None:
    """How many items there are, where they know; a set, a view, an array and a query set do."""
    try:
        return len(items)  # type: ignore[arg-type] # what has none raises
    except stops:
        raise
    except Exception:
        return None

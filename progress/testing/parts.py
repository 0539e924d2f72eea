"""The suite for logs that keep open parts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..events import JobStatus
from ..lifecycle import Settlement
from ..log import JobRef, Log
from ..parts import Next, PartBook, Standing, SupportsParts, Window, part_id

_REF = JobRef("an {account}", "a:job")
_FAILED = Settlement(JobStatus.FAILED, "It broke.", "broken")
_CANCELLED = Settlement(JobStatus.CANCELLED)
_RECIPE = b"{}"


def fan_out(book: PartBook, *, parts: int, size: int, closes: bool = True) -> None:
    """Have a job's first task fan out, send the first parts, and end."""
    window = Window(parts, size, closes, _RECIPE)
    book.open(_REF, _REF.job_id, attempt=1)
    assert book.fan_out(_REF, window, attempt=1)
    assert book.end(_REF, _REF.job_id, attempt=1).next is None


def end(book: PartBook, number: int | None, outcome: Settlement | None = None) -> Standing:
    """The answer to the end of a part of the window; None is the closing part."""
    task_id = part_id(_REF, number, attempt=1)
    return book.end(_REF, task_id, attempt=1, outcome=outcome)


class PartContract:
    """What a log has to do that declares `SupportsParts`.

    Needs the fixture `log`, with no parts in it when a test begins.
    """

    def test_it_declares_parts(self, log: Log) -> None:
        assert isinstance(log, SupportsParts)

    def test_the_last_part_to_end_finds_none_open_and_the_first_failure(
        self, log: SupportsParts
    ) -> None:
        book = log.parts
        book.open(_REF, "root", attempt=1)
        for task in ("a", "b"):
            book.announce(_REF, task, attempt=1)
        assert book.end(_REF, "root", attempt=1).open == 2
        assert book.end(_REF, "a", attempt=1, outcome=_FAILED).open == 1
        last = book.end(_REF, "b", attempt=1, outcome=_CANCELLED)
        assert last.is_last
        assert last.outcome == _FAILED

    def test_a_book_that_was_lost_never_says_that_a_part_was_the_last(
        self, log: SupportsParts
    ) -> None:
        book = log.parts
        book.announce(_REF, "sent after the loss", attempt=2)
        standing = book.end(_REF, "sent after the loss", attempt=2)
        assert standing.open is None
        assert not standing.is_last

    def test_the_end_of_a_part_of_an_older_attempt_ends_nothing(self, log: SupportsParts) -> None:
        book = log.parts
        book.open(_REF, "root", attempt=1)
        book.open(_REF, "root", attempt=2)
        assert book.end(_REF, "root", attempt=1).is_stale
        assert not book.end(_REF, "root", attempt=1).is_last
        assert book.end(_REF, "root", attempt=2).is_last

    def test_a_part_of_an_attempt_that_has_not_begun_holds_nothing_open(
        self, log: SupportsParts
    ) -> None:
        book = log.parts
        book.open(_REF, "root", attempt=1)
        book.announce(_REF, "ahead", attempt=2)
        assert book.end(_REF, "root", attempt=1).is_last

    def test_each_part_that_ends_is_followed_by_the_one_a_window_later(
        self,
        log: SupportsParts,
    ) -> None:
        book, sent = log.parts, [0, 1, 2]
        fan_out(book, parts=7, size=3)
        for number in sent:
            standing = end(book, number)
            assert standing.open is not None
            assert standing.open <= 3
            if standing.next is not None and standing.next.number is not None:
                assert standing.next.recipe == _RECIPE
                sent.append(standing.next.number)
                book.sent(_REF, standing.next.number, attempt=1)
        assert sent == list(range(7))
        assert standing.next == Next(None, _RECIPE)
        assert standing.open == 1
        assert end(book, None).is_last

    def test_of_two_last_parts_that_end_together_one_opens_the_closing_part(
        self,
        log: SupportsParts,
    ) -> None:
        book = log.parts
        fan_out(book, parts=2, size=2)
        with ThreadPoolExecutor(2) as pool:
            standings = list(pool.map(lambda number: end(book, number), (0, 1)))
        assert sorted(standing.open or 0 for standing in standings) == [1, 1]
        assert [standing.next for standing in standings].count(Next(None, _RECIPE)) == 1
        assert not any(standing.is_last for standing in standings)
        assert end(book, None).is_last

    def test_what_follows_is_told_again_until_it_is_sent(self, log: SupportsParts) -> None:
        book = log.parts
        fan_out(book, parts=2, size=1)
        assert end(book, 0).next == end(book, 0).next == Next(1, _RECIPE)
        assert end(book, 0).open == 1
        book.sent(_REF, 1, attempt=1)
        assert end(book, 0).next is None
        assert end(book, 1).next == end(book, 1).next == Next(None, _RECIPE)
        book.sent(_REF, None, attempt=1)
        assert end(book, 1).next is None
        assert end(book, None).is_last

    def test_a_part_that_has_run_is_not_sent_again_though_its_sending_was_never_noted(
        self,
        log: SupportsParts,
    ) -> None:
        book = log.parts
        fan_out(book, parts=4, size=1)
        end(book, 0)
        end(book, 1)
        assert end(book, 0).next is None

    def test_a_part_that_failed_is_followed_and_the_closing_part_is_not_opened(
        self,
        log: SupportsParts,
    ) -> None:
        book = log.parts
        fan_out(book, parts=2, size=1)
        assert end(book, 0, _FAILED).next == Next(1, _RECIPE)
        last = end(book, 1)
        assert (last.is_last, last.next, last.outcome) == (True, None, _FAILED)

    def test_nothing_follows_in_a_job_that_was_cancelled(self, log: SupportsParts) -> None:
        book = log.parts
        fan_out(book, parts=9, size=2)
        assert end(book, 0, _CANCELLED).next is None
        last = end(book, 1)
        assert (last.is_last, last.next, last.outcome) == (True, None, _CANCELLED)

    def test_nothing_follows_a_part_that_has_failed_the_job_in_its_own_words(
        self, log: SupportsParts
    ) -> None:
        book = log.parts
        fan_out(book, parts=9, size=2)
        assert end(book, 0, replace(_FAILED, is_final=True)).next is None
        last = end(book, 1)
        assert (last.is_last, last.next, last.outcome) == (True, None, _FAILED)

    def test_parts_of_an_older_attempt_are_followed_by_nothing(self, log: SupportsParts) -> None:
        book = log.parts
        fan_out(book, parts=9, size=2)
        book.open(_REF, _REF.job_id, attempt=2)
        assert end(book, 0).is_stale
        assert end(book, 0).next is None
        book.sent(_REF, 8, attempt=1)
        assert book.fan_out(_REF, Window(9, 2, closes=True, recipe=_RECIPE), attempt=1) is None
        assert book.fan_out(_REF, Window(9, 2, closes=True, recipe=_RECIPE), attempt=2)

    def test_an_attempt_fans_out_once_and_the_same_again_changes_nothing(
        self,
        log: SupportsParts,
    ) -> None:
        book, window = log.parts, Window(3, 2, closes=True, recipe=_RECIPE)
        book.open(_REF, _REF.job_id, attempt=1)
        assert book.fan_out(_REF, window, attempt=1)
        assert book.fan_out(_REF, window, attempt=1)
        assert book.fan_out(_REF, Window(4, 2, closes=True, recipe=_RECIPE), attempt=1) is False
        assert end(book, 0).open == 3

    def test_a_fan_out_of_nothing_goes_on_with_its_closing_part(self, log: SupportsParts) -> None:
        book = log.parts
        book.open(_REF, _REF.job_id, attempt=1)
        assert book.fan_out(_REF, Window(0, 2, closes=True, recipe=_RECIPE), attempt=1)
        assert book.end(_REF, _REF.job_id, attempt=1).next == Next(None, _RECIPE)

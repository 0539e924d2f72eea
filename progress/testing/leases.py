"""The suite for logs that keep leases."""

from __future__ import annotations

from ..lease import Lease, Part, SupportsLeases
from ..log import JobRef, Log

_REF = JobRef("an {account}", "a:job")
_PART = Part(_REF, "task")


def _lease(process: str = "host/1", execution: str = "x", attempt: int = 1) -> Lease:
    return Lease(_PART, process, execution, attempt)


class LeaseContract:
    """What a log has to do that declares `SupportsLeases`.

    Needs the fixture `log`, with no leases in it when a test begins.
    """

    def test_it_declares_leases(self, log: Log) -> None:
        assert isinstance(log, SupportsLeases)

    def test_a_part_that_is_held_is_refused_and_says_for_how_long(
        self, log: SupportsLeases
    ) -> None:
        book = log.leases
        assert book.take(_lease(), seconds=60).granted
        refused = book.take(_lease("host/2", "y"), seconds=60)
        assert not refused.granted
        assert 50 < refused.left_seconds <= 60
        assert book.held() == {_REF}
        book.release(_lease("host/2", "y"))
        assert not book.take(_lease("host/2", "y"), seconds=60).granted
        book.release(_lease())
        assert book.held() == frozenset()
        assert book.take(_lease("host/2", "y"), seconds=60).tries == 1

    def test_a_lease_that_ran_out_is_given_to_one_reaper(self, log: SupportsLeases) -> None:
        book = log.leases
        book.take(_lease(), seconds=0)
        assert list(book.expired(claim_seconds=60)) == [_lease()]
        assert list(book.expired(claim_seconds=60)) == []

    def test_each_execution_that_was_lost_counts_until_one_ends_well(
        self, log: SupportsLeases
    ) -> None:
        book = log.leases
        for number in (1, 2, 3):
            mine = _lease(f"host/{number}", str(number))
            assert book.take(mine, seconds=60).tries == number
            book.vacate(mine, seconds=60)
        book.take(_lease("host/4", "4"), seconds=60)
        book.release(_lease("host/4", "4"))
        assert book.take(_lease("host/5", "5"), seconds=60).tries == 1

    def test_a_process_renews_its_own_and_hears_of_what_was_lost(self, log: SupportsLeases) -> None:
        book = log.leases
        book.take(_lease(), seconds=0)
        assert list(book.renew([_lease("host/2")], seconds=60)) == []
        assert list(book.expired(claim_seconds=0)) == [_lease()]
        assert list(book.renew([_lease("host/1", "")], seconds=60)) == []
        assert list(book.expired(claim_seconds=0)) == []
        unknown = Lease(Part(_REF, "unheard of"), "host/1")
        assert list(book.renew([_lease(), unknown], seconds=60)) == [unknown]

"""The suite for logs that keep leases."""

from __future__ import annotations

from ..lease import Lease, Part, SupportsLeases, leased_jobs
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

    def test_a_part_that_is_held_is_refused_and_shown(self, log: SupportsLeases) -> None:
        book = log.leases
        mine = book.take(_lease())
        assert mine.granted
        refused = book.take(_lease("host/2", "y"))
        assert not refused.granted
        assert refused.held == mine.held
        assert list(book.look()) == [mine.held]
        assert leased_jobs(book.look()) == {_REF}
        book.release(_lease("host/2", "y"))
        assert not book.take(_lease("host/2", "y")).granted
        book.release(_lease())
        assert leased_jobs(book.look()) == frozenset()
        assert book.take(_lease("host/2", "y")).tries == 1

    def test_every_change_of_a_lease_is_seen(self, log: SupportsLeases) -> None:
        book = log.leases
        seen = [book.take(_lease()).held, book.take(_lease(attempt=2)).held]
        book.renew([_lease()])
        seen += book.look()
        book.claim(seen[-1])
        seen += book.look()
        book.vacate(_lease())
        seen += book.look()
        assert len({held.renewals for held in seen}) == 5
        assert seen == sorted(seen, key=lambda held: held.renewals)

    def test_a_lease_is_claimed_as_it_was_seen_and_once(self, log: SupportsLeases) -> None:
        book = log.leases
        seen = book.take(_lease()).held
        assert book.claim(seen)
        assert not book.claim(seen)
        (seen,) = book.look()
        book.renew([_lease()])
        assert not book.claim(seen)
        (seen,) = book.look()
        book.release(_lease())
        assert not book.claim(seen)

    def test_a_part_is_taken_from_another_only_as_it_was_seen(self, log: SupportsLeases) -> None:
        book, other = log.leases, _lease("host/2", "y")
        seen = book.take(_lease()).held
        book.renew([_lease()])
        assert not book.take(other, instead_of=seen).granted
        seen = book.take(other).held
        taken = book.take(other, instead_of=seen)
        assert (taken.granted, taken.tries, taken.held.lease) == (True, 2, other)
        assert not book.take(_lease("host/3", "z"), instead_of=seen).granted

    def test_each_execution_that_was_lost_counts_until_one_ends_well(
        self, log: SupportsLeases
    ) -> None:
        book = log.leases
        for number in (1, 2, 3):
            mine = _lease(f"host/{number}", str(number))
            assert book.take(mine).tries == number
            book.vacate(mine)
        book.take(_lease("host/4", "4"))
        book.release(_lease("host/4", "4"))
        assert book.take(_lease("host/5", "5")).tries == 1

    def test_a_process_renews_its_own_and_hears_of_what_was_lost(self, log: SupportsLeases) -> None:
        book = log.leases
        seen = book.take(_lease()).held
        assert list(book.renew([_lease("host/2")])) == []
        assert list(book.look()) == [seen]
        assert list(book.renew([_lease("host/1", "")])) == []
        assert list(book.look()) != [seen]
        unknown = Lease(Part(_REF, "unheard of"), "host/1")
        assert list(book.renew([_lease(), unknown])) == [unknown]

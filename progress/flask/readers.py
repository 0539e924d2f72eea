"""Who may read what: the application's answers to that, asked within a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from ..aliases import locate
from ..events import Snapshot
from ..log import FeedRef, JobRef, Log
from .refused import Refused, no_job

#: Tells the log of a job if the present account may read it, else None.
Authorize = Callable[[str], JobRef | None]
#: The present account, or None without a session.
Account = Callable[[], str | None]
#: A job's state from the application's database, for when there is no log.
JobFallback = Callable[[JobRef], Snapshot | None]


@dataclass(frozen=True, slots=True)
class Readers:
    """Asks the application. Only logs that it names are read: no name from a request is."""

    authorize: Authorize
    account: Account
    fallback: JobFallback | None = None

    def job(self, job_id: str, purpose: str = "follow this job") -> JobRef:
        """The log of a job that the present account may read.

        Raises:
            Refused: there is no session, or no such job for this account.
        """
        if self.account() is None:
            raise _no_session(purpose)
        ref = self.authorize(job_id)
        if ref is None:
            raise no_job()
        return ref

    def feed(self) -> FeedRef:
        """The feed of the present account.

        Raises:
            Refused: there is no session.
        """
        name = self.account()
        if name is None:
            raise _no_session("follow your jobs")
        return FeedRef(name)

    def row(self, ref: JobRef) -> Snapshot | None:
        """A job's state from the application's rows; None where it keeps none of this job."""
        return self.fallback(ref) if self.fallback is not None else None

    def require_known(self, log: Log, ref: JobRef) -> None:
        """Go on only where the log or the rows know of a job.

        Raises:
            Refused: neither does.
            LogUnavailable: the log cannot be asked, and the rows know nothing.
        """
        if self.row(ref) is None and locate(log, ref)[1] is None:
            raise no_job()


def _no_session(purpose: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, f"Sign in to {purpose}.")

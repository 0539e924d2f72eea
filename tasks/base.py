"""What the pipelines have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy.exc import OperationalError

from library import jobs
from library.database import Database
from library.errors import UnreadableFile
from progress.celery import JobTask
from progress.errors import JobFailure, LogUnavailable
from progress.events import ItemStatus
from progress.reporting.item import ItemContext
from progress.reporting.reporter import JobReporter

from .failures import FailureBook
from .runtime import Runtime
from .sources import SourceFailure, Sources

#: The failures of each execution, by its reporter and not by its request: an eager task has two.
_books: WeakKeyDictionary[JobReporter, FailureBook] = WeakKeyDictionary()


class PipelineTask(JobTask):
    """A task of a pipeline: it knows its account and its database."""

    abstract = True
    # A database that is locked or being restarted is mostly back soon, and so is the log's server,
    # which a shared-out job needs. A task is tried again for some minutes, each time before the
    # reaper takes the job for lost.
    autoretry_for = (OperationalError, LogUnavailable)
    retry_backoff = 2
    retry_backoff_max = 8
    retry_jitter = False
    max_retries = 30

    @property
    def database(self) -> Database:
        """The database of this process."""
        return cast("Runtime", self.app.runtime).database

    @property
    def window(self) -> int | None:
        """How many parts of a shared-out job are open at a time; None: by the processors."""
        return cast("Runtime", self.app.runtime).settings.window

    @property
    def account_id(self) -> UUID:
        """The account that owns the job, as the job's row says."""
        return UUID(self.job.ref.account)

    @property
    def begun_at(self) -> datetime:
        """When the job was asked for, in its first attempt."""
        with self.database.session() as session:
            job = jobs.load(session, job_id=UUID(self.job.ref.job_id))
            if job is None:
                raise JobFailure("The job is not known any more.", code="unknown_job")
            return job.created_at

    def sources(self) -> Sources:
        """The account's sources of music, to be used as a block."""
        settings = cast("Runtime", self.app.runtime).settings
        return Sources(self.database, settings, self.account_id)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task; what failed in it is kept, however it ends."""
        try:
            return super().__call__(*args, **kwargs)
        finally:
            book = _books.get(self.job)
            if book is not None:
                book.close()

    @property
    def failures(self) -> FailureBook:
        """Where this execution's failed items are kept."""
        job = self.job
        book = _books.get(job)
        if book is None:
            book = FailureBook(self.database, job_id=UUID(job.ref.job_id), attempt=job.attempt)
            _books[job] = book
        return book

    @contextmanager
    def item(
        self,
        item_id: object,
        *,
        kind: str,
        label: str,
        index: int | None = None,
        count: int | None = None,
    ) -> Iterator[ItemContext]:
        """As `JobReporter.item`, and the job keeps the item if it fails.

        A file that cannot be used fails its item, and nothing else.
        """
        item = self.job.item(
            item_id, kind=kind, label=label, index=index, count=count, tolerate=(UnreadableFile,)
        )
        try:
            with item:
                yield item
        except SourceFailure as failure:
            failure.item = (kind, item_id, label)
            raise
        finally:
            if item.error is not None:
                self.failures.add(item_id, kind=kind, label=label, reason=item.error)
            self.failures.flush_if_due()

    def item_failed(self, item_id: object, *, kind: str, label: str, reason: str) -> None:
        """Report an item that failed, and keep it."""
        self.failures.add(item_id, kind=kind, label=label, reason=reason)
        self.job.item_status(item_id, ItemStatus.FAILED, kind=kind, label=label, error=reason)

    def keep(self, *, succeeded: int, failed: int, total: int | None = None, **result: Any) -> None:
        """Write into the job's row what the work came to. The last thing before a job ends."""
        self.failures.flush()
        with self.database.session() as session:
            jobs.set_counts(
                session,
                job_id=UUID(self.job.ref.job_id),
                attempt=self.job.attempt,
                total=succeeded + failed if total is None else total,
                succeeded=succeeded,
                failed=failed,
                result=result,
            )

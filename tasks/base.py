"""What the three pipelines have in common."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy.exc import OperationalError

from library import accounts, jobs
from library.database import Database
from library.sources.folder import FolderSource
from progress.celery import JobTask
from progress.errors import JobFailure

from .runtime import Runtime


class PipelineTask(JobTask):
    """A task of a pipeline: it knows its account and its database."""

    abstract = True
    # A database that is locked or being restarted is back soon, most often.
    autoretry_for = (OperationalError,)
    retry_backoff = 2
    retry_backoff_max = 60
    max_retries = 3

    @property
    def database(self) -> Database:
        """The database of this process."""
        return cast("Runtime", self.app.runtime).database

    @property
    def account_id(self) -> UUID:
        """Whose job it is, as its row says."""
        return UUID(self.job.ref.account)

    @property
    def begun_at(self) -> datetime:
        """When the job was asked for, in its first attempt."""
        with self.database.session() as session:
            job = jobs.load(session, job_id=UUID(self.job.ref.job_id))
            if job is None:
                raise JobFailure("The job is not known any more.", code="unknown_job")
            return job.created_at

    def source(self) -> tuple[UUID, FolderSource]:
        """The account's source of music and its id.

        Raises:
            JobFailure: the account has none.
        """
        with self.database.session() as session:
            source = accounts.source(session, account_id=self.account_id)
            if source is None:
                raise JobFailure("No music folder has been chosen yet.", code="no_source")
            return source.id, FolderSource(Path(source.location))

    def keep(self, *, succeeded: int, failed: int, total: int | None = None, **result: Any) -> None:
        """Write into the job's row what the work came to. The last thing before a job ends."""
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

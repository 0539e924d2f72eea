"""A job that a page's button starts, and where its person is led then."""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from library.errors import JobAlreadyActive
from library.models import Job
from tasks.jobs import QueueUnavailable


def to_job(start: Callable[[], Job | None], kind: str = "") -> ResponseReturnValue:
    """Start a job and show it, or the one that has to end first; that may be of another kind."""
    try:
        found = start()
    except JobAlreadyActive as error:
        if kind not in ("", error.kind):
            flash("This job has to end first: it is at your lists, too.")
        return redirect(url_for("pages.job", job_id=str(error.job_id)), 303)
    except QueueUnavailable as error:
        flash(str(error))
        return redirect(url_for("pages.start"), 303)
    if found is None:
        abort(404)
    return redirect(url_for("pages.job", job_id=str(found.id)), 303)

"""What can go wrong in live progress, named for the caller's situation."""

from __future__ import annotations

from .fit import fit_text, fit_word


class ProgressError(Exception):
    """Something in live progress did not work. The root of this library's errors."""


class InvalidCursor(ProgressError):
    """A cursor that is not of the form ``<epoch>-<seq>``."""

    def __init__(self, text: str) -> None:
        self.text = text[:64]
        super().__init__(
            f"The cursor {self.text!r} is not of the form '<epoch>-<seq>'. "
            "Send back an id exactly as a frame carried it, or none at all."
        )


class LogUnavailable(ProgressError):
    """The server that keeps the logs cannot be reached, or refuses to work."""


class MessagesRefused(LogUnavailable):
    """The log's server lets this user hear no messages. The logs themselves may be read."""


class StoreUnavailable(ProgressError):
    """The application's own rows cannot be reached for a moment; whoever needs them asks again."""


class WriteRefused(ProgressError):
    """The log refused a whole batch: its writer may not report on the job any more."""

    def __init__(self, job_id: str, *, attempt: int, current_attempt: int) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.current_attempt = current_attempt
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        return f"The log of job {self.job_id} refuses attempt {self.attempt}."


class StaleAttempt(WriteRefused):
    """A write of an attempt that a newer one has replaced."""

    def _sentence(self) -> str:
        return (
            f"Attempt {self.attempt} of job {self.job_id} was replaced by attempt "
            f"{self.current_attempt}. Stop working on it: its reports are not recorded."
        )


class JobEnded(WriteRefused):
    """A write to a job whose terminal status is already in its log."""

    def _sentence(self) -> str:
        return (
            f"Job {self.job_id} has ended (in attempt {self.current_attempt}). "
            "Nothing can be added after its terminal status; start a new job."
        )


class JobFailure(ProgressError):
    """Raised by a task whose job has failed; the message is for the person whose job it is.

    Where the task is a part of its job, no further part is begun.
    """

    def __init__(self, message: object, *, code: object = "failed") -> None:
        self.message = fit_text(message) or "The work failed."
        self.code = fit_word(code, otherwise="failed")
        super().__init__(self.message)


class CancelRequested(ProgressError):
    """Somebody asked for the job to be cancelled; the task is to stop."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"Job {job_id} was asked to stop.")


class TooManyStreams(ProgressError):
    """An account has as many streams open as it may have."""

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        return (
            f"{self.limit} streams are open already. Close a tab, or try again in "
            f"{self.retry_after_seconds} seconds."
        )


class ServerFull(TooManyStreams):
    """A process has as many streams open as it may have."""

    def _sentence(self) -> str:
        return (
            "This server has as many streams open as it can. Try again in "
            f"{self.retry_after_seconds} seconds."
        )

"""A block whose errors are logged: observation never breaks the work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import LogUnavailable

logger = logging.getLogger(__name__)


@contextmanager
def harmlessly() -> Iterator[None]:
    """Whatever goes wrong in observing a task is not to be the task's trouble."""
    try:
        yield
    except LogUnavailable as error:
        logger.info("%s", error, extra={"action": "log_gone"})
    except Exception:
        logger.exception("A task is not observed rightly.", extra={"action": "observing_failed"})

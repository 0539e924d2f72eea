"""How often one visitor may do what costs much or could be tried for ever."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from .problems import refusal
from .sessions import present_account


def _account() -> str:
    return f"account:{present_account()}"


def _email() -> str:
    address = request.form.get("email", "").strip().lower()
    return f"email:{hashlib.sha256(address.encode()).hexdigest()}"


def _was_refused(answer: Response) -> bool:
    return answer.status_code == 422


@dataclass(frozen=True, slots=True)
class Rule:
    """At most so many requests to an endpoint for each value of the key."""

    endpoint: str
    limit: str
    key: Callable[[], str]
    #: Counts all, or only those that were refused.
    counts: Callable[[Response], bool] | None = None


RULES = (
    Rule("accounts.sign_in", "10 per minute", get_remote_address),
    # Guesses at one password from many addresses. Its owner is kept out for as long.
    Rule("accounts.sign_in", "20 per 10 minutes", _email, counts=_was_refused),
    Rule("accounts.sign_up", "10 per hour", get_remote_address),
    Rule("api.post_job", "60 per minute", _account),
    Rule("api.retry_job", "60 per minute", _account),
    Rule("pages.start_job", "60 per minute", _account),
    Rule("pages.retry_job", "60 per minute", _account),
)


def register(app: Flask) -> None:
    """Hold an application's endpoints to the rules. After they have been added."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        # A store that is gone must not lock people out: each process counts meanwhile.
        in_memory_fallback_enabled=True,
        in_memory_fallback=[],
    )
    for rule in RULES:
        view: Any = app.view_functions[rule.endpoint]
        hold = limiter.limit(
            rule.limit, key_func=rule.key, methods=["POST"], deduct_when=rule.counts
        )
        app.view_functions[rule.endpoint] = hold(view)
    # Kept here: what it wraps refers to it weakly.
    app.extensions["earmark.limiter"] = limiter

    @app.errorhandler(429)
    def too_many(_error: Exception) -> Response:
        answer = refusal(429)
        if limiter.current_limit is not None:
            wait = max(1, math.ceil(limiter.current_limit.reset_at - time.time()))
            answer.headers["Retry-After"] = str(wait)
        return answer

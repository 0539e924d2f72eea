"""Rate limits: how often one visitor may sign in, sign up, or start what costs much."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_login import current_user

from library.accounts import normal_email

from .problems import refusal
from .proxies import network_of
from .sessions import present_account


def _visitor() -> str:
    return f"visitor:{network_of(request.remote_addr)}"


def _account() -> str:
    return f"account:{present_account()}"


def _session() -> str:
    return f"session:{current_user.session_id}"


def _email() -> str:
    address = normal_email(request.form.get("email", ""))
    return f"email:{hashlib.sha256(address.encode(errors='replace')).hexdigest()}"


def _was_refused(answer: Response) -> bool:
    return answer.status_code == 422


@dataclass(frozen=True, slots=True)
class Rule:
    """The most requests to an endpoint within a time, for each value of a key."""

    endpoint: str
    limit: str
    key: Callable[[], str]
    #: Counts all, or only those that were refused.
    counts: Callable[[Response], bool] | None = None
    method: str = "POST"


_WRITING, _ACTS = ("writing", "writing_api"), ("write", "undo", "undo_batch")
RULES = (
    Rule("accounts.sign_in", "10 per minute", _visitor),
    # Guesses at one password from many addresses. An address without an account is counted alike.
    # While it lasts the owner cannot sign in either, but goes on in the sessions that are open.
    Rule("accounts.sign_in", "20 per 10 minutes", _email, counts=_was_refused),
    Rule("accounts.sign_up", "10 per hour", _visitor),
    # By session: whoever guesses in one session does not keep the owner from another one.
    Rule("account.password", "10 per 10 minutes", _session, counts=_was_refused),
    Rule("invites.create", "20 per hour", _account),
    Rule("api.post_job", "60 per minute", _account),
    Rule("api.retry_job", "60 per minute", _account),
    Rule("pages.start_job", "60 per minute", _account),
    Rule("pages.retry_job", "60 per minute", _account),
    Rule("exports.upload", "30 per hour", _account),
    # A player asks anew for each place that a person jumps to.
    Rule("sounds.sound", "600 per minute", _account, method="GET"),
    Rule("sounds.waveform", "300 per minute", _account, method="GET"),
    Rule("sounds.sampled", "300 per minute", _account, method="GET"),
    Rule("sources.read", "60 per minute", _account),
    # Each looks at the lists themselves, on the disk or on a server.
    *(Rule(f"{name}.preview", "60 per minute", _account, method="GET") for name in _WRITING),
    *(Rule(f"{name}.{act}", "60 per minute", _account) for name in _WRITING for act in _ACTS),
    # A kind may ask a server whether it is there.
    Rule("source_forms.form", "60 per minute", _account),
    Rule("sources_api.post_source", "60 per minute", _account),
    Rule("source_forms.form", "20 per 10 minutes", _account, counts=_was_refused),
    Rule("sources_api.post_source", "20 per 10 minutes", _account, counts=_was_refused),
)


def register(app: Flask) -> None:
    """Hold an application's endpoints to the rules. Call it when all endpoints are registered."""
    limiter = Limiter(
        _visitor,
        app=app,
        # A store that is gone must not lock people out: each process counts meanwhile.
        in_memory_fallback_enabled=True,
        in_memory_fallback=[],
    )
    for rule in RULES:
        view: Any = app.view_functions[rule.endpoint]
        hold = limiter.limit(
            rule.limit, key_func=rule.key, methods=[rule.method], deduct_when=rule.counts
        )
        app.view_functions[rule.endpoint] = hold(view)
    # The wrapped views refer to the limiter weakly: this keeps it.
    app.extensions["earmark.limiter"] = limiter

    @app.errorhandler(429)
    def too_many(_error: Exception) -> Response:
        answer = refusal(429)
        if limiter.current_limit is not None:
            wait = max(1, math.ceil(limiter.current_limit.reset_at - time.time()))
            answer.headers["Retry-After"] = str(wait)
        return answer

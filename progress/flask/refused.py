"""Requests that are refused: raised anywhere in a view, answered as problem+json."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from flask import Blueprint, Response

from ..errors import LogUnavailable, TooManyStreams
from ..failures import UnusableQuery
from ..wsgi.problem import Problem, too_many

_E = TypeVar("_E", bound=Exception)


class Refused(Exception):
    """Ends a view with an error response."""

    def __init__(self, status: HTTPStatus, detail: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(detail)
        self.problem = Problem(status, detail, retry_after_seconds)


def no_job() -> Refused:
    """The one answer for a job that is unknown, or another's."""
    return Refused(HTTPStatus.NOT_FOUND, "There is no such job.")


def unavailable(detail: str) -> Refused:
    """The answer where something is gone for a moment."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after_seconds=1)


def _unasked(_: LogUnavailable) -> Problem:
    return unavailable("The log of this job cannot be read now.").problem


def _unusable(error: UnusableQuery) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


def respond(refused: Refused) -> Response:
    """The response to a refused request."""
    return respond_to(refused.problem)


def respond_to(problem: Problem) -> Response:
    """The response that a problem is."""
    return Response(problem.body, problem.status, problem.headers)


def answer_refusals(blueprint: Blueprint) -> None:
    """Have a blueprint's views answer what they raise."""
    blueprint.register_error_handler(Refused, respond)
    _answer(blueprint, LogUnavailable, _unasked)
    _answer(blueprint, TooManyStreams, too_many)
    _answer(blueprint, UnusableQuery, _unusable)


def _answer(blueprint: Blueprint, kind: type[_E], problem: Callable[[_E], Problem]) -> None:
    blueprint.register_error_handler(kind, lambda error: respond_to(problem(error)))

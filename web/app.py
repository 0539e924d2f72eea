"""The Flask application."""

from __future__ import annotations

from celery import Celery
from flask import Flask

from library.sessions import LIFE
from progress.limits import StreamLimits
from tasks.factory import create_celery
from tasks.settings import Settings

from . import (
    account_page,
    accounts,
    api,
    candidates,
    downloads,
    exports,
    folders,
    health,
    invites,
    loved,
    pages,
    problems,
    proposals_api,
    proxies,
    rate_limits,
    request_context,
    review,
    security,
    services,
    sessions,
    source_forms,
    sources,
    sources_api,
    streams,
    words,
    writing,
    writing_api,
)
from .arrival import MAX_BODY_BYTES
from .sound import routes as sound
from .sound import services as sound_services
from .visible import finalize


def create_app(
    settings: Settings,
    *,
    celery: Celery | None = None,
    limits: StreamLimits | None = None,
    has_rate_limits: bool = True,
) -> Flask:
    """The application for given settings.

    Args:
        settings: With a secret key.
        celery: The way to the workers; by default one for the same settings.
        limits: How long streams live and how many an account may open.
        has_rate_limits: Off in tests that sign in often.

    Raises:
        ValueError: the settings have no secret key.
    """
    if not settings.secret_key:
        raise ValueError("SECRET_KEY is not set: sessions cannot be signed without it.")
    app = Flask(__name__)
    app.jinja_options = {**app.jinja_options, "finalize": finalize}
    app.config.update(_configuration(settings), RATELIMIT_ENABLED=has_rate_limits)
    celery = celery or create_celery(settings)
    # The site reads no results; with a backend Celery would subscribe to the result of each job.
    celery.conf.result_backend = "disabled://"
    found = services.Services.of(celery)
    services.keep(app.extensions, found)
    sessions.register(app)
    sound_services.register(app, settings)
    exports.register(app)
    security.register(app)
    problems.register(app)
    words.register(app)
    app.jinja_env.globals["keep_gone_days"] = settings.keep_gone_days
    for blueprint in (
        accounts.blueprint,
        account_page.blueprint,
        api.blueprint,
        downloads.blueprint,
        exports.blueprint,
        folders.blueprint,
        invites.blueprint,
        loved.blueprint,
        pages.blueprint,
        candidates.blueprint,
        proposals_api.blueprint,
        review.blueprint,
        sound.blueprint,
        source_forms.blueprint,
        sources.blueprint,
        sources_api.blueprint,
        writing.blueprint,
        writing_api.blueprint,
    ):
        app.register_blueprint(blueprint)
    streams.register(app, found, limits=limits, streamer=settings.streamer)
    rate_limits.register(app)
    proxies.register(app, count=settings.trusted_proxies)
    health.register(app, found)
    request_context.register(app)
    return app


def _configuration(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "PERMANENT_SESSION_LIFETIME": LIFE,
        "SESSION_COOKIE_NAME": "earmark",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        # A page may stay open for as long as its session.
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_STORAGE_URI": settings.redis_url,
    }

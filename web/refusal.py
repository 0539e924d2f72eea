"""Refusal: one sentence instead of a start."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tasks.settings import Settings


class Refusal(click.ClickException):
    """A command cannot do what was asked. The message says why, and what to do.

    Shown on standard error, a line for each reason, with exit code 2.
    """

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentences."""
        for sentence in self.format_message().splitlines():
            click.echo(f"earmark: {sentence}", file=file, err=file is None)


def settings_or_refusal() -> Settings:
    """What the environment of a command says.

    Raises:
        Refusal: a variable holds a value that cannot be used.
    """
    # Imported late: the guards refuse nothing, and live as long as the site.
    from tasks.settings import Settings, SettingsError

    try:
        return Settings.from_environ(os.environ)
    except SettingsError as error:
        raise Refusal(str(error)) from error

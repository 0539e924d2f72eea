"""Refusal: one sentence instead of a start."""

from __future__ import annotations

from typing import IO, Any

import click


class Refusal(click.ClickException):
    """A command cannot do what was asked. The message says why, and what to do.

    Shown as one line on standard error, with exit code 2.
    """

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(f"earmark: {self.format_message()}", file=file, err=file is None)

"""Refusal: one sentence instead of a start."""

from __future__ import annotations

from typing import IO, Any

import click


class Refusal(click.ClickException):
    """A command cannot do what was asked. The message says why, and what to do.

    Shown on standard error, a line for each reason, with exit code 2.
    """

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentences."""
        for sentence in self.format_message().splitlines():
            click.echo(f"earmark: {sentence}", file=file, err=file is None)

"""``python -m web``: the command line `earmark`, where the project is not installed."""

from __future__ import annotations

from .cli import main

main(prog_name="earmark")

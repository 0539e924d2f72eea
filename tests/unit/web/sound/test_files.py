"""A song's file is opened within its source, also where a link changes at the wrong moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from library.errors import UnreadableFile
from web.sound.files import open_within


def test_what_a_name_leads_to_is_judged_once_it_is_open(tmp_path: Path) -> None:
    root, outside = tmp_path / "music", tmp_path / "outside.flac"
    root.mkdir()
    outside.write_bytes(b"fLaC")
    (root / "own.flac").write_bytes(b"fLaC!")
    (root / "out.flac").symlink_to(outside)
    (root / "in.flac").symlink_to(root / "own.flac")
    os.mkfifo(root / "pipe.flac")
    (root / "folder.flac").mkdir()
    for name in ("own.flac", "in.flac"):
        file = open_within(root, root / name)
        assert file.size_bytes == 5
        file.close()
    reasons = {
        "out.flac": "outside",
        "pipe.flac": "no file",
        "folder.flac": "no file",
        "none.flac": "cannot be opened",
        "nul\0.flac": "no such name",
    }
    for name, reason in reasons.items():
        with pytest.raises(UnreadableFile, match=reason):
            open_within(root, root / name)

"""The example of a log of one's own in the documents runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from progress import aliases, lease, log, parts, queues, testing

DOCUMENT = (Path(__file__).parents[3] / "docs" / "progress.md").read_text("utf-8")
SECTION = DOCUMENT.partition("## A log of your own")[2].partition("\n## ")[0]


def test_the_suites_run_for_a_log_of_ones_own(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    (tmp_path / "my_log.py").write_text("from progress.memory import MemoryLog as MyLog\n", "utf-8")
    (tmp_path / "test_my_log.py").write_text(block, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_log.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert int(re.findall(r"(\d+) passed", ran.stdout)[0]) > 20


def test_every_ability_and_every_suite_is_documented() -> None:
    for module in (aliases, lease, log, parts, queues):
        for name in vars(module):
            if name.startswith("Supports") and vars(module)[name].__module__ == module.__name__:
                assert f"`{module.__name__}.{name}`" in SECTION
    for name in testing.__all__:
        assert name in SECTION or not name.endswith("Contract")

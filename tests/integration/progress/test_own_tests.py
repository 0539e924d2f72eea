"""The document's task and the document's test of it run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = (Path(__file__).parents[3] / "docs" / "progress.md").read_text("utf-8")
BEFORE = """
from celery import Celery
from progress import JobTask

celery_app = Celery("shop", broker="memory://localhost")

class CardDeclined(Exception):
    pass

def charge(order):
    pass

"""


def first_block(title: str) -> str:
    section = DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]


def test_the_tasks_of_an_application_are_tested_without_a_server(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(BEFORE + first_block("Reporting"), "utf-8")
    (tmp_path / "test_shop.py").write_text(first_block("Tests"), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in ran.stdout, ran.stdout

"""The server's script: where its constants come from, and the Python twin of each part."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import progress
from progress.rules import feed, rate, run, snapshot, state
from progress.rules.constants import Rules, RunBounds, Upkeep
from progress.rules.script import append_script

BODY = Path(progress.__file__).parent.joinpath("rules/append.lua").read_text("utf-8")
_SECTION = re.compile(r"^-- == (.+) ==$", re.MULTILINE)
_TWINS = re.compile(r"^-- twin: (.+)$", re.MULTILINE)
_CONSTANT = re.compile(r"\b[A-Z][A-Z_]{3,}\b")


def _sections() -> dict[str, str]:
    first, *rest = _SECTION.split(BODY)
    assert not [line for line in first.splitlines() if line and not line.startswith("--")]
    return dict(zip(rest[::2], rest[1::2], strict=True))


def _twins(text: str) -> list[str]:
    return [name for line in _TWINS.findall(text) for name in line.split(", ")]


def _find(name: str) -> object:
    """What a dotted name below `progress` stands for."""
    parts, found = name.split("."), None
    for length in range(1, len(parts) + 1):
        try:
            found = importlib.import_module(".".join(["progress", *parts[:length]]))
        except ModuleNotFoundError:
            for part in parts[length - 1 :]:
                found = getattr(found, part)
            break
    return found


def test_every_section_of_the_script_names_its_twin():
    assert len(_sections()) > 10
    assert [title for title, text in _sections().items() if not _twins(text)] == []


def test_every_twin_that_the_script_names_exists():
    for name in _twins(BODY):
        found = _find(name)
        assert callable(found) or isinstance(found, property), name


def test_every_rule_in_python_is_named_by_a_section():
    rules = {
        f"rules.{module.__name__.rpartition('.')[2]}.{type_.__name__}.{name}"
        for module, types in (
            (state, (state.JobState,)),
            (rate, (rate.Rate,)),
            (feed, (feed.FeedPace,)),
            (run, (run.RunRecord,)),
        )
        for type_ in types
        for name, found in vars(type_).items()
        if getattr(found, "__module__", "") == module.__name__ or isinstance(found, property)
    }
    rules = {name for name in rules if not name.rpartition(".")[2].startswith("__")}
    rules |= {f"rules.snapshot.{name}" for name in vars(snapshot) if name.endswith("_changes")}
    assert len(rules) > 15
    # `ended` is the script's table of terminal statuses; `_changes` chooses among the others.
    assert rules - set(_twins(BODY)) == {"rules.state.JobState.ended", "rules.snapshot._changes"}


def test_the_script_has_no_constant_of_its_own():
    given = set(
        re.findall(r"^local ([A-Z_]+) = ", append_script().removesuffix(BODY), re.MULTILINE)
    )
    said = {line for line in BODY.splitlines() if not line.lstrip().startswith("--")}
    words = set(_CONSTANT.findall(re.sub(r"'[^']*'", "", "\n".join(said))))
    names = words - {"KEYS", "ARGV", "ITEM", "TEXTS"}
    assert names == given - {"QUEUED"}
    assert "local FEED_EVERY_US = 250000\n" in append_script()


def test_every_constant_changes_the_script():
    plain = append_script()
    for type_, argument in ((Rules, "rules"), (Upkeep, "upkeep"), (RunBounds, "bounds")):
        for field in fields(type_):
            value = getattr(type_(), field.name)
            other = value + 1 if isinstance(value, int | float) else {}
            changed = append_script(**{argument: type_(**{field.name: other})})
            assert changed != plain, field.name
            assert changed.endswith(BODY)


def test_the_script_is_found_under_any_name_of_the_package(tmp_path):
    folder = tmp_path / "earmark_live"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(progress.__file__).parent, folder, ignore=ignored)
    code = (
        "import sys; from earmark_live.rules.script import append_script as made; "
        "assert 'progress' not in sys.modules; print(made(), end='')"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout == append_script(), said.stderr

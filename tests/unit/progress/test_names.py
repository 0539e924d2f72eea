"""The public names stay where they are, and importing one loads only what it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import progress

FOLDER = Path(progress.__file__).parent

#: The public names of each module at the top of progress/, and of each room that hands names on.
LIST = Path(__file__).with_name("names.txt")


def public_names(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found: list[str] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")], value=value):
                return sorted(ast.literal_eval(value))
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                found.append(name)
            case ast.Assign(targets=[ast.Tuple(elts)]):
                found += [target.id for target in elts if isinstance(target, ast.Name)]
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.append(name)
    return sorted(name for name in found if not name.startswith("_"))


def test_a_public_name_that_moves_is_seen():
    lines = []
    for path in sorted([*FOLDER.glob("*.py"), *FOLDER.glob("*/__init__.py")]):
        module = path.relative_to(FOLDER).as_posix()
        lines += [f"{module} {name}" for name in public_names(path)]
    # After a change on purpose: write `lines` there, and the change into CHANGELOG.md.
    assert lines == LIST.read_text("utf-8").splitlines()


def test_every_name_of_the_map_can_be_imported():
    assert len(progress.__all__) <= 12
    assert set(progress.__all__) <= set(dir(progress))
    for name in progress.__all__:
        assert getattr(progress, name).__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = progress.nothing


@pytest.mark.parametrize(
    ("names", "unneeded"),
    [
        # With RabbitMQ for a broker, what kombu's transport for Redis imports may not be there.
        ("JobTask, RedisLog, install", {"flask", "werkzeug", "kombu.transport.redis"}),
        ("RedisLog, create_blueprint", {"celery", "kombu"}),
        ("JobRef, StreamLimits", {"celery", "flask", "redis"}),
    ],
)
def test_a_process_imports_only_what_its_names_need(names, unneeded):
    script = f"import sys; from progress import {names}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert unneeded.isdisjoint(done.stdout.split())

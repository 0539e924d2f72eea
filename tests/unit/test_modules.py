"""How large a module of the four packages is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("progress", "library", "tasks", "web")
MOST_LINES = 300


def test_a_module_has_at_most_300_lines():
    modules = [
        module
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
        if "node_modules" not in module.parts and "versions" not in module.parts
    ]
    lines = {str(module.relative_to(ROOT)): _lines(module) for module in modules}
    assert len(lines) > 200
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def _lines(module: Path) -> int:
    return module.read_text("utf-8").count("\n")

"""The build's one step of its own: compiles `progress/shortcut.c` where there is a C compiler.

Without one the package is built all the same: what is compiled there is done in Python, too.
"""

from __future__ import annotations

import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.errors import BaseError, CCompilerError

#: It keeps to the stable interface of this version and all later ones.
SINCE = "cp311"


class ShortcutHook(BuildHookInterface):  # type: ignore[type-arg]
    """Also of an editable installation: the library lies beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, and put the library into the wheel."""
        try:
            library = compile_shortcut(Path(self.root))
        except (BaseError, CCompilerError, OSError) as error:
            # One of an earlier source would do what that said.
            for old in Path(self.root, "progress").glob("_shortcut*.so"):
                old.unlink()
            self.app.display_warning(
                f"The C shortcut is left out, since it could not be compiled: {error}"
            )
            return
        build_data["artifacts"].append(f"/{library.relative_to(self.root)}")
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"{SINCE}-abi3-{platform}"


def compile_shortcut(root: Path) -> Path:
    """The compiled library, in `progress/` beside its source.

    Raises:
        BaseError, CCompilerError, OSError: There is no compiler, or it cannot.
    """
    source = root / "progress" / "shortcut.c"
    extension = Extension("progress._shortcut", [str(source)], py_limited_api=True)
    command = Distribution({"ext_modules": [extension]}).get_command_obj("build_ext")
    with tempfile.TemporaryDirectory() as scratch:
        command.build_lib, command.build_temp = str(root), scratch
        command.ensure_finalized()
        command.run()
    return root / command.get_ext_filename("progress._shortcut")

"""Real music for `bench-matching`: the soundtracks in Debian's packages, a folder for each.

`python -m benchmarks._packages FOLDER` fetches what is not there yet, with `apt-get download` and
`dpkg-deb`, on a machine with Debian 12's package lists: 1.5 GB. Nothing is installed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGES = (
    "ardentryst", "btanks-data", "colobot-common-sounds", "drascula-music", "extremetuxracer-data",
    "fillets-ng-data", "flare-game", "freedink-data", "freedroidrpg-data",
    "fretsonfire-songs-muldjord", "fretsonfire-songs-sectoid", "frozen-bubble-data", "glob2-data",
    "gunroar-data", "hedgewars-data", "hyperrogue-music", "lincity-ng-data", "lordsawar-data",
    "marsshooter-data", "megaglest-data", "mu-cade-data", "noiz2sa-data", "parsec47-data",
    "powermanga-data", "rrootage-data", "scorched3d-data", "singularity-music", "starfighter-data",
    "supertux-data", "titanion-data", "torus-trooper-data", "tumiki-fighters-data",
    "unknown-horizons", "warmux-data", "warzone2100-music", "wesnoth-1.16-music", "xmoto-data",
    "zaz-data",
)  # fmt: skip


def fetch(package: str, folder: Path) -> bool:
    """Unpack a package into a folder of its name; whether it is there then."""
    target = folder / package
    if target.is_dir():
        return True
    with TemporaryDirectory(dir=folder, prefix=".fetched-") as here:
        try:
            subprocess.run(["apt-get", "download", package], cwd=here, check=True, timeout=600)
            (found,) = Path(here).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", found, Path(here) / "files"], check=True, timeout=600)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            print(f"{package} is left out: {error}", file=sys.stderr)
            return False
        (Path(here) / "files").rename(target)
    return True


def main() -> int:
    """The command; 1 where nothing could be fetched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    there = [package for package in PACKAGES if fetch(package, folder)]
    print(f"{len(there)} of {len(PACKAGES)} soundtracks are in {folder}.")
    return 0 if there else 1


if __name__ == "__main__":
    sys.exit(main())

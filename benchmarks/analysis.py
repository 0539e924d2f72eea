"""What listening costs, stage by stage, and how well it hears.

Costs are of one thread. With `--music FOLDER` (or EARMARK_BENCH_MUSIC) real files are heard too;
songs of Frets on Fire there (song.ogg and guitar.ogg beside notes.mid) give true tempi. On Debian:
`apt-get download fretsonfire-songs-muldjord ardentryst`, then `dpkg-deb -x` each into a folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import soundfile

from library.analysis import STAGES, analyse
from library.errors import UnreadableFile
from library.sources.folder import AUDIO_SUFFIXES
from library.synth import RATE_HZ, Score, render

from ._table import tell

VARIABLE = "EARMARK_BENCH_MUSIC"
#: Shorter files are sounds of a game rather than songs.
SHORTEST_SECONDS = 25
RUNS = 5


def cost(path: Path) -> dict[str, float]:
    """CPU seconds of each stage and of all, the medians of `RUNS`."""
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        marks: list[float] = []
        analyse(path, on_stage=lambda _, marks=marks: marks.append(time.process_time()))
        marks.append(time.process_time())
        runs.append(dict(zip(STAGES, np.diff(marks), strict=True)) | {"all": marks[-1] - marks[0]})
    return {name: median(run[name] for run in runs) for name in runs[0]}


def costs(folder: Path) -> None:
    """A song of three minutes in each format."""
    song = render(Score("dance", 126, 0, "minor", 5, seconds=180))
    # Rather near to what music takes to decode than the two loops of a synthesiser: some noise.
    noise = np.random.default_rng(0).normal(0, 0.02, (len(song), 2))
    stereo = np.clip(song[:, None] + noise, -1, 1)
    rows = []
    for name in ("song.wav", "song.flac", "song.ogg", "song.mp3"):
        _write(folder / name, stereo)
        found = cost(folder / name)
        rows.append({"format": name[5:], **found, "songs/min/core": round(60 / found["all"])})
    tell("CPU seconds for a song of three minutes", rows)


def _write(path: Path, sound: np.ndarray) -> None:
    # In parts: libsndfile's Vorbis encoder keeps each write on the stack, and minutes overflow it.
    with soundfile.SoundFile(path, "w", RATE_HZ, sound.shape[1]) as file:
        for start in range(0, len(sound), RATE_HZ):
            file.write(sound[start : start + RATE_HZ])


def memory(folder: Path) -> None:
    """The most memory of a process that hears one file, beside what it has when it hears none."""
    rows = []
    for minutes in (0, 3, 15, 60):
        path = folder / "long.flac"
        song = np.zeros((minutes * 60 * RATE_HZ, 2), dtype=np.float32)
        song[:: RATE_HZ // 2] = 0.5
        soundfile.write(path, song, RATE_HZ)
        del song
        order = [sys.executable, "-m", "benchmarks.analysis", "--peak", str(path)]
        answer = subprocess.run(order, check=True, capture_output=True, text=True)
        rows.append({"minutes of stereo": minutes, "peak MiB": round(float(answer.stdout))})
    tell("Memory", rows)


def peak(path: Path) -> None:
    """Hear one file and say this process's most memory in MiB."""
    if path.stat().st_size > 1_000:
        analyse(path)
    # Not getrusage, whose figure a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def heard_right(folder: Path) -> None:
    """Tempo and key of songs that were made here, so that the truth is known."""
    names = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
    rows = []
    rng = np.random.default_rng(7)
    for style, mode, slow, fast in (
        ("calm", "minor", 50, 80), ("dance", "minor", 110, 150), ("strings", "major", 80, 120),
    ):  # fmt: skip
        tempi, keys = [], []
        for number in range(20):
            score = Score(style, rng.uniform(slow, fast), number % 12, mode, number, 20)
            soundfile.write(folder / "made.wav", render(score), RATE_HZ)
            found = analyse(folder / "made.wav")
            tempi.append(found.tempo_bpm / score.tempo_bpm)
            keys.append(found.key == f"{names[score.tonic]} {mode}")
        rows.append({"style": style, "songs": 20, **_tempi(tempi), "key": float(np.mean(keys))})
    tell("Heard right, of synthesised songs", rows)


def _tempi(ratios: Sequence[float]) -> dict[str, float]:
    found = np.array(ratios)
    multiples = np.array([1, 2, 3, 1 / 2, 1 / 3])
    near = np.abs(found[:, None] / multiples - 1) < 0.04
    return {
        "tempo within 4 %": float(near[:, 0].mean()),
        "or a multiple": float(near.any(axis=1).mean()),
    }


def real(folder: Path) -> None:
    """What real files cost, and their tempi where a score is beside them."""
    rows = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in AUDIO_SUFFIXES or not path.is_file():
            continue
        began = time.process_time()
        try:
            found = analyse(path)
        except UnreadableFile:
            continue
        spent = time.process_time() - began
        if found.duration_seconds >= SHORTEST_SECONDS:
            rows.append((path, found, spent))
    if not rows:
        sys.exit(f"No songs of {SHORTEST_SECONDS} seconds or more in {folder}.")
    each = [spent * 180 / found.duration_seconds for _, found, spent in rows]
    tell(
        "Real files",
        [
            {
                "files": len(rows),
                "minutes": round(sum(found.duration_seconds for _, found, _ in rows) / 60),
                "CPU s per 3 min": median(each),
                "songs/min/core": round(60 / median(each)),
                "with a key": sum(found.key is not None for _, found, _ in rows),
                "with a beat": sum(found.tempo_confidence > 0.2 for _, found, _ in rows),
            }
        ],
    )
    ratios = list(_against_scores(folder))
    if ratios:
        tell("Tempo, against scores", [{"songs": len(ratios), **_tempi(ratios)}])


def _against_scores(folder: Path) -> Iterator[float]:
    for score in sorted(folder.rglob("notes.mid")):
        tracks = [path for path in score.parent.glob("*.ogg") if path.stem in ("song", "guitar")]
        truth = _tempo_of(score.read_bytes())
        if not tracks or truth is None:
            continue
        parts = [soundfile.read(path, always_2d=True) for path in tracks]
        length = min(len(sound) for sound, _ in parts)
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            soundfile.write(file.name, sum(sound[:length] for sound, _ in parts) / 2, parts[0][1])
            yield analyse(Path(file.name)).tempo_bpm / truth


def _tempo_of(midi: bytes) -> float | None:
    """The first tempo of a MIDI file: its event is FF 51 03 and microseconds a beat."""
    at = midi.find(b"\xff\x51\x03")
    return 60e6 / int.from_bytes(midi[at + 3 : at + 6]) if at >= 0 else None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="make bench-analysis", description=__doc__)
    parser.add_argument("--music", type=Path, default=os.environ.get(VARIABLE))
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak is not None:
        peak(options.peak)
        return
    with tempfile.TemporaryDirectory() as name:
        costs(Path(name))
        memory(Path(name))
        heard_right(Path(name))
    if options.music is None:
        print(
            f"\nReal files are left out: give a folder by --music or {VARIABLE}.", file=sys.stderr
        )
        return
    real(Path(options.music))


if __name__ == "__main__":
    main()

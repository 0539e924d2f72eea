"""The files of an export, those in zips among them. Nothing is unpacked, nor opened by its name."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from ...errors import UnreadableFile
from .bounds import MAX_FILES, MAX_TEXT, MAX_UNPACKED_BYTES

#: A zip's directory is read at once, and takes 20 times its length in memory.
_MAX_DIRECTORY_BYTES = 1024 * 1024
_MB = 1024 * 1024
_IS_ENCRYPTED = 0x1
_READ_BYTES = 64 * 1024
_DIVIDER = re.compile(r"[/\\]")
_BROKEN = "The zip is damaged or was not loaded to its end: download it again."


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that the person gave."""

    #: As the person's machine calls it: shown, never opened.
    name: str
    path: Path


class SeenEnough(Exception):
    """A look at files has seen as much of them as it may."""


class Budget:
    """How many bytes may still be read, and unpacked for that; of a look, fewer."""

    def __init__(self, *, look_bytes: int | None = None) -> None:
        self._look_bytes = look_bytes
        self._spent_bytes = 0

    def spend(self, size: int) -> None:
        """Count bytes that were read.

        Raises:
            UnreadableFile: there were too many.
            SeenEnough: there were too many for a look.
        """
        self._spent_bytes += size
        if self._look_bytes is not None and self._spent_bytes > self._look_bytes:
            raise SeenEnough
        if self._spent_bytes > MAX_UNPACKED_BYTES:
            most = MAX_UNPACKED_BYTES // _MB
            raise UnreadableFile(f"The export holds more than {most} MB when it is unpacked.")


class Reader(io.RawIOBase):
    """A file of an export, read from its beginning to its end and no further than is allowed."""

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        super().__init__()
        self._file, self._budget = file, budget

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Bytes into a buffer; how many.

        Raises:
            UnreadableFile: it is damaged, or holds too much.
        """
        view = memoryview(buffer)  # type: ignore[arg-type] # whatever the buffer is
        with _reading_a_zip():
            data = self._file.read(min(len(view), _READ_BYTES))
        self._budget.spend(len(data))
        view[: len(data)] = data
        return len(data)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export, in a zip or not."""

    #: Its name alone, without folders.
    name: str
    #: Where it can be opened by other programs' libraries; None in a zip.
    path: Path | None
    _open: Callable[[], IO[bytes]]
    _budget: Budget

    @property
    def stem(self) -> str:
        """The name without what stands after the last dot."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def suffix(self) -> str:
        """What stands after the last dot, in small letters, with the dot."""
        head, dot, tail = self.name.rpartition(".")
        return f".{tail.lower()}" if dot and head else ""

    @contextmanager
    def raw(self) -> Iterator[BinaryIO]:
        """Its bytes, from the beginning on."""
        with _reading_a_zip():
            file = self._open()
        with file:
            yield io.BufferedReader(Reader(file, self._budget), _READ_BYTES)

    @contextmanager
    def utf8(self) -> Iterator[BinaryIO]:
        """Its bytes as UTF-8 without a mark, where one says that it is UTF-16 or UTF-8."""
        with self.raw() as file:
            head = file.peek(4)[:4]  # type: ignore[attr-defined]
            if head.startswith(codecs.BOM_UTF8):
                file.read(3)
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                yield io.BufferedReader(_Recoded(codecs.getreader("utf-16")(file, "replace")))
            else:
                yield file

    def head(self, size: int = 1024) -> bytes:
        """Its first bytes."""
        with self.utf8() as file:
            return file.read(size)


class _Recoded(io.RawIOBase):
    """A text in UTF-16 as bytes in UTF-8."""

    def __init__(self, text: codecs.StreamReader) -> None:
        super().__init__()
        self._text, self._rest = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type] # whatever the buffer is
        while not self._rest:
            text = self._text.read(_READ_BYTES, _READ_BYTES // 2)
            if not text:
                return 0
            self._rest = text.encode("utf-8", "replace")
        part, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(part)] = part
        return len(part)


@contextmanager
def _reading_a_zip() -> Iterator[None]:
    """A block that reads a zip, which can be broken in many ways."""
    try:
        yield
    except (UnreadableFile, SeenEnough):
        raise
    except NotImplementedError as error:
        raise UnreadableFile(
            "The zip is packed in a way that Earmark cannot unpack: unpack it and add its files."
        ) from error
    except Exception as error:  # of zipfile, struct, zlib, bz2, lzma and the system
        raise UnreadableFile(_BROKEN) from error


@contextmanager
def parts_of(files: Sequence[ExportFile], *, look_bytes: int | None = None) -> Iterator[list[Part]]:
    """The files of an export and those in its zips, in the order of their names.

    Raises:
        UnreadableFile: a zip is damaged, encrypted, or holds too much.
    """
    budget, found = Budget(look_bytes=look_bytes), list[Part]()
    with ExitStack() as opened:
        for file in files:
            if _is_zip(file.path):
                found += _members(_open_zip(file.path, opened), budget)
            else:
                found.append(_file(file, budget))
        if len(found) > MAX_FILES:
            raise UnreadableFile(f"The export has more than {MAX_FILES} files.")
        yield sorted(found, key=lambda part: _in_order(part.name))


def _in_order(name: str) -> tuple[list[int | str], str]:
    """Playlist10.json comes after Playlist9.json."""
    divided = re.split(r"(\d{1,9})", name.casefold())
    return [int(text) if at % 2 else text for at, text in enumerate(divided)], name


def _file(file: ExportFile, budget: Budget) -> Part:
    return Part(_name(file.name), file.path, lambda: file.path.open("rb"), budget)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


class _SmallReads(io.BufferedReader):
    """A zip's file, of which nothing large is read at once: so its directory is bounded."""

    def read(self, size: int | None = -1, /) -> bytes:
        most = _MAX_DIRECTORY_BYTES + 1
        data = super().read(most if size is None or size < 0 else min(size, most))
        if len(data) > _MAX_DIRECTORY_BYTES:
            raise UnreadableFile("The zip holds too many files: unpack it and add those you need.")
        return data


def _open_zip(path: Path, opened: ExitStack) -> zipfile.ZipFile:
    file = opened.enter_context(_SmallReads(opened.enter_context(path.open("rb", buffering=0))))
    with _reading_a_zip():
        return opened.enter_context(zipfile.ZipFile(file))


def _members(packed: zipfile.ZipFile, budget: Budget) -> Iterator[Part]:
    for info in packed.infolist():
        name = _name(info.filename)
        # What macOS adds, and folders.
        if not name or name.startswith(".") or "__MACOSX" in info.filename:
            continue
        if info.flag_bits & _IS_ENCRYPTED:
            raise UnreadableFile("The zip has a password: unpack it and add its files.")
        yield Part(name, None, _opener(packed, info), budget)


def _opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: packed.open(info)


def _name(name: str) -> str:
    """A name without folders, whatever divides them, as it can be shown."""
    last = _DIVIDER.split(name)[-1].replace("\0", " ")
    return last.encode("utf-8", "replace").decode().strip()[:MAX_TEXT]

"""A song stays the song it is, whatever becomes of its file's name and tags."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from library.moves import (
    NO_MOVES,
    KnownFile,
    Moves,
    are_renumbered,
    find_moves,
    find_new_ids,
)


def song(name: str, print_: str, key: str | None = "", *, is_present: bool = True) -> KnownFile:
    """A known song, of a file with "size time inode"."""
    return KnownFile(uuid4(), name, tuple(print_.split()), name if key == "" else key, is_present)


def moves(known: list[KnownFile], found: dict[str, str], **keys: str) -> Moves:
    """The moves among files, each given as "size time inode"; the keys are those of new sounds."""
    prints = {name: tuple(print_.split()) for name, print_ in found.items()}
    return find_moves(known, prints, lambda name: keys.get(name.partition(".")[0]))


def never(name: str) -> str:
    raise AssertionError(f"{name} was opened")


def test_what_is_new_or_edited_or_gone_is_not_opened_for_its_key():
    known = [song("a.mp3", "1 1 1"), song("b.mp3", "1 1 2")]
    for found in (
        {"a.mp3": ("1", "1", "1"), "b.mp3": ("1", "1", "2"), "new.mp3": ("1", "1", "3")},
        {"a.mp3": ("1", "1", "1"), "b.mp3": ("9", "9", "2")},
        {"a.mp3": ("1", "1", "1")},
        {"c.mp3": ("1", "1", "1"), "b.mp3": ("1", "1", "2")},
    ):
        find_moves(known, found, never)
    assert find_moves([], {"a.mp3": ("1", "1", "1")}, never) is NO_MOVES


def test_of_edited_files_beside_new_ones_the_edited_ones_alone_are_opened_for_their_keys():
    a, opened = song("a.mp3", "1 1 1"), []

    def key_of(name: str) -> str:
        opened.append(name)
        return name

    assert not find_moves([a], {"a.mp3": ("2", "2", "1"), "new.mp3": ("1", "1", "3")}, key_of)
    assert opened == ["a.mp3"]


def test_a_renamed_file_is_told_by_its_inode_with_size_and_time():
    a = song("a.mp3", "1 1 1")
    assert moves([a], {"b.mp3": "1 1 1"}).renamed == {a.id: "b.mp3"}


def test_an_inode_alone_says_nothing():
    a = song("a.mp3", "1 1 1")
    assert not moves([a], {"b.mp3": "2 2 1"}, b="other")


def test_a_file_that_was_renamed_and_edited_is_told_by_its_sound():
    a = song("a.mp3", "1 1 1")
    assert moves([a], {"b.mp3": "2 2 1"}, b="a.mp3").renamed == {a.id: "b.mp3"}
    assert moves([a], {"b.mp3": "2 2 9"}, b="a.mp3").renamed == {a.id: "b.mp3"}


def test_two_files_that_swapped_their_names_do_so_with_their_songs():
    a, b = song("a.mp3", "1 1 1"), song("b.mp3", "2 2 2")
    swapped = {a.id: "b.mp3", b.id: "a.mp3"}
    assert moves([a, b], {"a.mp3": "2 2 2", "b.mp3": "1 1 1"}).renamed == swapped
    # Also where both were edited, and where inodes are new.
    found = {"a.mp3": "8 8 8", "b.mp3": "9 9 9"}
    assert moves([a, b], found, a="b.mp3", b="a.mp3").renamed == swapped
    assert not moves([a, b], found, a="a.mp3", b="b.mp3")


def test_three_files_go_round():
    a, b, c = song("a", "1 1 1"), song("b", "2 2 2"), song("c", "3 3 3")
    found = {"a": "3 3 3", "b": "1 1 1", "c": "2 2 2"}
    assert moves([a, b, c], found).renamed == {a.id: "b", b.id: "c", c.id: "a"}


def test_a_song_whose_name_another_file_took_is_displaced():
    a, b = song("a.mp3", "1 1 1"), song("b.mp3", "2 2 2")
    assert moves([a, b], {"a.mp3": "2 2 2"}) == Moves({b.id: "a.mp3"}, frozenset({a.id}))
    gone = song("c.mp3", "3 3 3", is_present=False)
    assert moves([b, gone], {"c.mp3": "2 2 2"}).displaced == {gone.id}


def test_a_file_that_was_replaced_by_another_sound_keeps_its_song():
    a = song("a.mp3", "1 1 1")
    assert not moves([a], {"a.mp3": "2 2 2"}, a="a better one")


def test_two_equal_files_stay_two_and_a_copy_is_a_song_of_its_own():
    a, b = song("a.mp3", "1 1 1", "same"), song("b.mp3", "1 1 2", "same")
    assert not moves([a, b], {"a.mp3": "1 1 1", "b.mp3": "1 1 2", "c.mp3": "1 1 3"})
    found = {"x/a.mp3": "1 1 7", "x/b.mp3": "1 1 8"}
    moved = moves([a, b], found, **{"x/a": "same", "x/b": "same"})
    assert moved.renamed == {a.id: "x/a.mp3", b.id: "x/b.mp3"}
    # Which of two equal ones was deleted and which one renamed, nobody can tell: one of each.
    assert len(moves([a, b], {"c.mp3": "1 1 9"}, c="same").renamed) == 1


def test_two_names_of_one_file_move_each_by_itself():
    a, b = song("a.mp3", "1 1 1"), song("b.mp3", "1 1 1")
    assert moves([a, b], {"x/a.mp3": "1 1 1", "b.mp3": "1 1 1"}).renamed == {a.id: "x/a.mp3"}
    found = {"x/a.mp3": "1 1 1", "x/b.mp3": "1 1 1"}
    assert moves([a, b], found).renamed == {a.id: "x/a.mp3", b.id: "x/b.mp3"}


def test_letter_case_and_composed_accents_are_one_name():
    a = song("Bjork/Joga.mp3", "1 1 1", None)
    assert moves([a], {"bjork/JOGA.mp3": "2 2 2"}).renamed == {a.id: "bjork/JOGA.mp3"}
    b = song("Bj\u00f6rk.mp3", "1 1 1", None)
    assert moves([b], {"Bjo\u0308rk.mp3": "2 2 2"}).renamed == {b.id: "Bjo\u0308rk.mp3"}
    # Two files whose names differ in nothing else are two.
    both = [song("a.mp3", "1 1 1", None), song("A.mp3", "2 2 2", None)]
    assert not moves(both, {"a.mp3": "1 1 8", "A.mp3": "2 2 9"})


def test_what_was_gone_comes_back_under_another_name():
    a = song("a.mp3", "1 1 1", is_present=False)
    assert moves([a], {"b.mp3": "2 2 2"}, b="a.mp3").renamed == {a.id: "b.mp3"}
    # What was there until now comes first.
    b = song("b.mp3", "3 3 3", "a.mp3")
    assert moves([a, b], {"c.mp3": "4 4 4"}, c="a.mp3").renamed == {b.id: "c.mp3"}


def test_a_disk_that_numbers_its_files_anew_is_noticed_by_many_of_them():
    known = [song(f"{n}", f"{n} {n} {n}") for n in range(30)]
    found = {f"{n}": (f"{n}", f"{n}", f"{n + 1}") for n in range(30)}
    assert are_renumbered(known, found)
    assert not are_renumbered(known[:19], found)
    assert find_moves(known, found, never, renumbered=True) is NO_MOVES
    kept = found | {f"{n}": (f"{n}", f"{n}", f"{n}") for n in range(15)}
    assert not are_renumbered(known, kept)


@dataclass(frozen=True)
class File:
    """A file of the model."""

    sound: str
    inode: int
    #: Counts its edits.
    edits: int = 0

    @property
    def print(self) -> tuple[str, ...]:
        return f"{self.sound} {self.edits}", str(self.edits), str(self.inode)


NAMES = [f"{folder}{n}.mp3" for folder in ("", "Jazz/", "jazz/") for n in ("a", "A", "b", "c")]


class Shelves(RuleBasedStateMachine):
    """Files that are moved, edited, copied and deleted between syncs, against a plain model.

    The model knows which file is which. Inodes are given as a disk does: the lowest that is free.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, File] = {}
        #: The song of each file, as it has to stay.
        self.songs: dict[str, UUID] = {}
        self.known: list[KnownFile] = []
        self.sounds = 0
        self.edits = 0
        self.mounts = 0

    def free_inode(self) -> int:
        used = {file.inode for file in self.files.values()}
        return next(n for n in itertools.count(100 * self.mounts + 50) if n not in used)

    def a_file(self, number: int) -> str:
        return sorted(self.files)[number % len(self.files)]

    @rule(name=st.sampled_from(NAMES))
    def add(self, name: str) -> None:
        if name not in self.files:
            self.sounds += 1
            self.files[name] = File(f"sound {self.sounds}", self.free_inode())

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 50))
    def delete(self, number: int) -> None:
        name = self.a_file(number)
        del self.files[name]
        self.songs.pop(name, None)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 50), name=st.sampled_from(NAMES))
    def move(self, number: int, name: str) -> None:
        """As `mv` does: over what has the name."""
        old = self.a_file(number)
        if old == name:
            return
        self.songs.pop(name, None)
        self.files[name] = self.files.pop(old)
        if old in self.songs:
            self.songs[name] = self.songs.pop(old)

    @precondition(lambda self: len(self.files) > 1)
    @rule(one=st.integers(0, 50), other=st.integers(0, 50))
    def swap(self, one: int, other: int) -> None:
        a, b = self.a_file(one), self.a_file(other)
        if a == b:
            return
        for table in (self.files, self.songs):
            values = table.pop(a, None), table.pop(b, None)
            table.update({k: v for k, v in zip((b, a), values, strict=True) if v is not None})

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 50), replaces=st.booleans())
    def edit_tags(self, number: int, *, replaces: bool) -> None:
        """In the file itself, or as programs do that write another one in its place."""
        name = self.a_file(number)
        self.edits += 1
        inode = self.free_inode() if replaces else self.files[name].inode
        self.files[name] = replace(self.files[name], edits=self.edits, inode=inode)

    @precondition(lambda self: self.files)
    @rule(number=st.integers(0, 50), name=st.sampled_from(NAMES))
    def copy(self, number: int, name: str) -> None:
        if name not in self.files:
            self.files[name] = replace(self.files[self.a_file(number)], inode=self.free_inode())

    @rule()
    def mount_anew(self) -> None:
        self.mounts += 1
        for number, (name, file) in enumerate(sorted(self.files.items(), reverse=True), 1):
            self.files[name] = replace(file, inode=number + 100 * self.mounts)

    @rule()
    def sync(self) -> None:
        found = {name: file.print for name, file in self.files.items()}
        done = find_moves(self.known, found, lambda name: self.files[name].sound)
        assert len(set(done.renamed.values())) == len(done.renamed)
        assert not done.displaced & done.renamed.keys()
        names = {known.id: done.renamed.get(known.id, known.name) for known in self.known}
        of = {
            name: song_id
            for song_id, name in names.items()
            if name in found and song_id not in done.displaced
        }
        self.judge(of)
        before = {known.id: known for known in self.known}
        self.known = [
            KnownFile(of.get(name) or uuid4(), name, file.print, file.sound)
            for name, file in self.files.items()
        ]
        # What is gone is known for a while.
        still = {known.id for known in self.known}
        self.known += [
            replace(known, name=f"{known.name}//{known.id}", is_present=False)
            for known in before.values()
            if known.id not in still and "//" not in known.name
        ]
        self.songs = {known.name: known.id for known in self.known if known.is_present}

    def judge(self, of: dict[str, UUID]) -> None:
        """Each file has its song; of equal files nobody can tell which one was deleted."""
        assert len(set(of.values())) == len(of)
        sounds = {known.id: known.audio_key for known in self.known}
        for sound in {file.sound for file in self.files.values()}:
            names = [name for name, file in self.files.items() if file.sound == sound]
            mine = {self.songs[name] for name in names if name in self.songs}
            kept = {of[name] for name in names if name in of and sounds[of[name]] == sound}
            assert len(kept) >= len(mine), (sound, names)
            if len([known for known in self.known if known.audio_key == sound]) == 1:
                assert kept >= mine

    @invariant()
    def is_a_disk(self) -> None:
        inodes = [file.inode for file in self.files.values()]
        assert len(set(inodes)) == len(inodes)


TestShelves = Shelves.TestCase
TestShelves.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_songs_with_new_ids_are_the_same_where_all_else_is():
    a, b, edited, away = (
        song("id-a", "1 x y"), song("id-b", "1 x y"), song("id-c", "2 x z"),
        song("id-d", "3 x w", is_present=False),
    )  # fmt: skip
    prints = {
        "new-1": ("1", "x", "y"), "new-2": ("1", "x", "y"), "new-3": ("1", "x", "y"),
        "new-4": ("3", "x", "w"), "id-c": ("2", "x", "changed"), "ID-A": ("9", "x", "q"),
    }  # fmt: skip
    found = find_new_ids([a, b, edited, away], prints)
    assert set(found.renamed) == {a.id, b.id, away.id}
    assert {found.renamed[a.id], found.renamed[b.id]} == {"new-1", "new-2"}
    assert found.renamed[away.id] == "new-4"
    assert not found.displaced
    assert find_new_ids([song("id-a", "1 x y")], {"ID-A": ("9", "x", "q")}) is NO_MOVES

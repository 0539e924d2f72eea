"""What differs between two lists, as lines for people."""

from __future__ import annotations

import time

from library.writeback.diff import MOST_LINES, lines


def shown(before: str, after: str, encoding: str = "utf-8") -> list[str]:
    signs = {"new": "+", "gone": "-", "same": " "}
    found = lines(before.encode(encoding), after.encode(encoding), encoding=encoding)
    return [signs[line.kind] + line.text for line in found]


def test_lines_that_differ_stand_among_two_that_do_not() -> None:
    before = "".join(f"{number}\n" for number in range(9))
    assert shown(before, before.replace("4\n", "x\ny\n")) == [
        *(" 2", " 3", "-4", "+x", "+y", " 5", " 6"),
    ]
    assert shown(before, before) == []
    assert shown("a\r\nb", "a\r\nb\r\nc") == [" a", " b", "+c"]
    assert shown("é\n", "é\nЖ\n", "utf-16") == [" é", "+Ж"]


def test_a_long_line_is_cut_to_where_it_differs() -> None:
    before, after = "x" * 5_000, "x" * 3_000 + "new" + "x" * 2_000
    gone, new = shown(before, after)
    assert max(map(len, (gone, new))) < 320
    assert "new" in new
    assert new.startswith("+… ")


def test_lists_that_have_nothing_in_common_are_compared_in_no_time() -> None:
    before, after = ("".join(f"{sign} {n}\n" for n in range(999)) for sign in "ab")
    began = time.process_time()
    found = shown(before, after)
    assert time.process_time() - began < 2
    assert len(found) == MOST_LINES + 1
    assert found[-1] == " … and 1,798 more lines"

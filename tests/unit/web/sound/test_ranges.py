"""Which bytes a request asks for: as RFC 9110 has it, whatever its headers hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from web.sound.ranges import Asked, Version, asked

WRITTEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
STRONG = Version("tag", WRITTEN, is_strong=True)
WEAK = Version("tag", WRITTEN, is_strong=False)


def ask(size: int = 100, version: Version = STRONG, **headers: str) -> Asked:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked(Headers(named), size_bytes=size, version=version)


numbers = st.integers(0, 300).map(str) | st.sampled_from(["", "0", "99999999999999999999"])
ranges = st.tuples(numbers, numbers).map("-".join)
lists = st.lists(ranges, min_size=1, max_size=3).map(",".join)
# No header has a line break.
anything = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20)
headers = lists.map("bytes={}".format) | anything


@given(header=headers, size=st.integers(0, 200))
def test_whatever_range_is_asked_for_the_answer_is_that_slice_of_the_file(header, size):
    file = bytes(n % 251 for n in range(size))
    found = ask(size, Range=header)
    sent = file[found.start : found.stop]
    single = re.fullmatch(r"bytes=(\d*)-(\d*)", header, re.ASCII)
    if single is None or not any(single.groups()):
        assert (found.status, sent) == (HTTPStatus.OK, file)
        return
    first, last = single.groups()
    if (first and last and int(last) < int(first)) or (first == "" and int(last) == 0):
        assert found.status == HTTPStatus.OK  # it says nothing, and is passed over
        return
    wanted = file[int(first) : int(last) + 1 if last else None] if first else file[-int(last) :]
    if not wanted:
        assert found.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        assert found.headers["Content-Range"] == f"bytes */{size}"
        return
    assert (found.status, sent) == (HTTPStatus.PARTIAL_CONTENT, wanted)
    assert found.headers["Content-Length"] == str(len(wanted))
    assert found.headers["Content-Range"] == f"bytes {found.start}-{found.stop - 1}/{size}"


@pytest.mark.parametrize("tag", ['"tag"', 'W/"tag"', '"other", "tag"', "*"])
def test_who_has_this_version_is_sent_nothing(tag):
    assert ask(If_None_Match=tag, Range="bytes=0-1").status == HTTPStatus.NOT_MODIFIED


def test_a_time_says_it_too_where_no_tag_does():
    assert ask(If_Modified_Since=http_date(WRITTEN)).status == HTTPStatus.NOT_MODIFIED
    before = http_date(WRITTEN - timedelta(seconds=1))
    assert ask(If_Modified_Since=before).status == HTTPStatus.OK
    other = ask(If_None_Match='"other"', If_Modified_Since=http_date(WRITTEN))
    assert other.status == HTTPStatus.OK


@pytest.mark.parametrize(
    ("condition", "version", "status"),
    [
        ('"tag"', STRONG, HTTPStatus.PARTIAL_CONTENT),
        (http_date(WRITTEN), STRONG, HTTPStatus.PARTIAL_CONTENT),
        ('"other"', STRONG, HTTPStatus.OK),
        ('W/"tag"', STRONG, HTTPStatus.OK),
        (http_date(WRITTEN - timedelta(days=1)), STRONG, HTTPStatus.OK),
        ('"tag"', WEAK, HTTPStatus.OK),
        (http_date(WRITTEN), WEAK, HTTPStatus.OK),
    ],
)
def test_a_part_is_joined_only_to_what_is_surely_the_same(condition, version, status):
    assert ask(version=version, Range="bytes=5-9", If_Range=condition).status == status


def test_a_file_that_was_written_just_now_is_known_weakly():
    now = WRITTEN.timestamp()
    new = Version.of_file("tag", modified_ns=int(now * 1e9), now_seconds=now + 1)
    old = Version.of_file("tag", modified_ns=int(now * 1e9), now_seconds=now + 2)
    assert new.headers["ETag"] == 'W/"tag"'
    assert old.headers["ETag"] == '"tag"'
    assert old.headers["Last-Modified"] == "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize("year_ns", [-(10**18), 10**20])
def test_a_file_from_no_year_has_a_date_all_the_same(year_ns):
    version = Version.of_file("tag", modified_ns=year_ns, now_seconds=2_000_000_000)
    assert version.headers["Last-Modified"]

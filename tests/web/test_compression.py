"""Packed pages: the same content, a length that tells nothing, ETags that still match."""

import gzip

import pytest

from tests.web.browsers import sign_in
from tests.web.utility import EAST
from web.compression import packed

GZIP = {"Accept-Encoding": "gzip"}


def test_packed_content_is_read_by_any_gzip():
    for content in (b"", b"x", b"page " * 10_000, bytes(range(256)) * 50):
        assert gzip.decompress(packed(content)) == content


def test_the_length_of_equal_content_varies():
    assert len({len(packed(b"page " * 1000)) for _ in range(50)}) > 10


@pytest.fixture
def engineer(site):
    return sign_in(site.app, "engineer-own")


def test_a_large_page_is_packed_for_who_takes_it(engineer):
    path = f"/network/{EAST.feeder}"
    plain, small = engineer.get(path), engineer.get(path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data)
    assert "</html>" in gzip.decompress(small.data).decode()
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in small.headers["Vary"]


def test_a_packed_page_is_not_sent_again(engineer):
    path = f"/network/{EAST.feeder}"
    tag = engineer.get(path, headers=GZIP).headers["ETag"]
    assert engineer.get(path, headers={**GZIP, "If-None-Match": tag}).status_code == 304


def test_files_and_small_answers_stay_as_they_are(engineer):
    assert "Content-Encoding" not in engineer.get("/network.csv", headers=GZIP).headers
    assert "Content-Encoding" not in engineer.get("/healthz", headers=GZIP).headers

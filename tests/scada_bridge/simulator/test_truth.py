"""The truth log: whole lines whatever happens to the process or the disk."""

import json
import logging
import os

from scada_bridge.simulator.happenings import Happening
from scada_bridge.simulator.truth import FILE, TruthLog

T0 = 1_800_000_000.25


def lines(folder):
    return [json.loads(line) for line in (folder / FILE).read_text("utf-8").splitlines() if line]


def test_a_line_says_when_and_what(tmp_path):
    log = TruthLog(tmp_path / "simulator")
    log.write([Happening(T0, "lost", {"usage_points": ["甲1"], "device": "CB", "fault": None})])
    assert lines(tmp_path / "simulator") == [
        {"at": "2027-01-15T08:00:00.250+00:00", "event": "lost", "usage_points": ["甲1"], "device": "CB", "fault": None}
    ]
    log.close()


def test_after_half_a_line_a_new_one_begins(tmp_path):
    (tmp_path / FILE).write_bytes(b'{"at": "2027')
    log = TruthLog(tmp_path)
    log.write([Happening(T0, "start", {"seed": 1})])
    log.close()
    assert (tmp_path / FILE).read_bytes().splitlines()[0] == b'{"at": "2027'
    assert json.loads((tmp_path / FILE).read_bytes().splitlines()[1])["event"] == "start"


def test_a_full_disk_is_told_once_and_nothing_is_lost(tmp_path, caplog, monkeypatch):
    """The disk takes half of a line, then nothing for a while, then everything."""
    room = [20, 0, 0]
    real = os.write

    def write(descriptor, content):
        if not room:
            return real(descriptor, content)
        taken = real(descriptor, content[: room[0]]) if room[0] else 0
        if not taken:
            room.pop(0)
            raise OSError(28, "No space left on device")
        room[0] = 0
        return taken

    log = TruthLog(tmp_path)
    monkeypatch.setattr(os, "write", write)
    with caplog.at_level(logging.INFO):
        for number in range(6):
            log.write([Happening(T0 + number, "start", {"seed": number})])
    log.close()
    assert [line["seed"] for line in lines(tmp_path)] == list(range(6))
    assert sum("cannot be written" in record.message for record in caplog.records) == 1
    assert sum("written again" in record.message for record in caplog.records) == 1


def test_what_no_longer_fits_in_memory_is_given_up_in_whole_lines(tmp_path, monkeypatch):
    log = TruthLog(tmp_path)
    real = os.write

    def refuse(_descriptor, _content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    for number in range(50):
        log.write([Happening(T0, "lost", {"number": number, "usage_points": ["U" * 100_000]})])
    monkeypatch.setattr(os, "write", real)
    log.write([Happening(T0, "stop")])
    log.close()
    found = lines(tmp_path)
    assert [line["number"] for line in found[:-1]] == list(range(len(found) - 1))
    assert 30 < len(found) < 50
    assert found[-1]["event"] == "stop"


def test_a_log_that_cannot_be_opened_is_begun_when_it_can(tmp_path, caplog):
    (tmp_path / FILE).mkdir()
    log = TruthLog(tmp_path)
    for number in range(3):
        log.write([Happening(T0, "start", {"seed": number})])
    (tmp_path / FILE).rmdir()
    log.write([Happening(T0, "stop")])
    log.close()
    assert [line["event"] for line in lines(tmp_path)] == ["start", "start", "start", "stop"]
    assert sum("cannot be written" in record.message for record in caplog.records) == 1


def test_a_very_large_log_is_laid_aside_at_the_start(tmp_path):
    with (tmp_path / FILE).open("wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    log = TruthLog(tmp_path)
    log.write([Happening(T0, "start", {"seed": 1})])
    log.close()
    assert len(lines(tmp_path)) == 1
    assert (tmp_path / f"{FILE}.1").stat().st_size > 60 * 1024 * 1024

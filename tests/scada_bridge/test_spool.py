"""The spool loses nothing it acknowledged (R1), repairs itself (R5), is bounded and counts (R3), works one way (S6)."""

import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from scada_bridge import spool as spooling
from scada_bridge.batch import Loss
from scada_bridge.sealed import Damaged, ensure_key
from scada_bridge.spool import Spool, SpoolFull, files, quarantine, read
from tests.scada_bridge.making import START_MS, batch

KEY = b"k" * 32
ROOM = 10**9


def fill(folder, count, rows=3, room=ROOM):
    spool = Spool(folder, KEY, room)
    for number in range(count):
        spool.append(batch(START_MS + number * 1000, {f"p{i}": float(number) for i in range(rows)}), START_MS)
    return spool


def test_what_is_appended_is_read_again(tmp_path):
    spool = Spool(tmp_path, KEY, ROOM)
    one = batch(START_MS, {"a": 1.5, "b": None}, quality=2, reason="no answer", failed={"1": "no answer"})
    assert spool.append(one, START_MS + 9) == 1
    (file,) = files(tmp_path)
    found = read(file, KEY)
    assert (found.number, found.made_ms, found.batch, found.losses) == (1, START_MS + 9, one, ())


def test_numbers_go_on_after_a_restart_even_when_everything_was_taken_away(tmp_path):
    fill(tmp_path, 3)
    fill(tmp_path, 2)
    assert [file.number for file in files(tmp_path)] == [1, 2, 3, 4, 5]
    for file in files(tmp_path):
        file.path.unlink()
    fill(tmp_path, 1)
    assert [file.number for file in files(tmp_path)] == [6]


def test_numbers_go_on_from_the_files_when_the_state_is_lost(tmp_path):
    before = fill(tmp_path, 3)
    (tmp_path / "state.json").write_bytes(b"{broken")
    assert fill(tmp_path, 1).collector == before.collector
    assert [file.number for file in files(tmp_path)] == [1, 2, 3, 4]


def test_two_hundred_torn_tails(tmp_path):
    """R5: cut or flipped at random places → the spool opens, earlier batches are whole, the broken one is put aside."""
    dice = random.Random(5)
    model = tmp_path / "model"
    fill(model, 4)
    for turn in range(200):
        folder = tmp_path / "spool"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(model, folder)
        victim = files(folder)[-1].path
        content = bytearray(victim.read_bytes())
        place = dice.randrange(len(content))
        if turn % 2:
            victim.write_bytes(content[:place])
        else:
            content[place] ^= 1 << dice.randrange(8)
            victim.write_bytes(content)
        spool = Spool(folder, KEY, ROOM)
        assert [read(file, KEY).number for file in files(folder)] == [1, 2, 3]
        assert len(list((folder / "quarantine").iterdir())) == 1
        assert spool.append(batch(START_MS, {"a": 1.0}), START_MS) == 5


def test_a_small_spool_gives_up_the_oldest_and_counts(tmp_path):
    spool = fill(tmp_path, 1)
    size = files(tmp_path)[0].path.stat().st_size
    spool = fill(tmp_path / "small", 40, rows=3, room=size * 10)
    numbers = [file.number for file in files(tmp_path / "small")]
    assert numbers == list(range(numbers[0], 41))
    assert 2 <= len(numbers) <= 10
    missing = 40 - len(numbers)
    assert spool.rows_lost == 3 * missing
    spool.append(batch(START_MS, {"a": 1.0}), START_MS)
    told = [loss for file in files(tmp_path / "small") for loss in read(file, KEY).losses]
    reopened = Spool(tmp_path / "small", KEY, size * 10)
    waiting = reopened._pending
    assert sum(loss.rows for loss in (*told, *waiting)) == reopened.rows_lost
    assert {loss.reason for loss in told} == {"spool_dropped"}
    first = min(loss.first_number for loss in told)
    assert first == 1


def test_losses_written_in_a_batch_that_is_itself_given_up_are_told_again(tmp_path):
    size = files((fill(tmp_path / "one", 1)).folder)[0].path.stat().st_size
    spool = fill(tmp_path / "spool", 60, room=size * 6)
    spool.append(batch(START_MS, {"a": 1.0}), START_MS)
    kept = files(tmp_path / "spool")
    told = [loss for file in kept for loss in read(file, KEY).losses] + spool._pending
    lost = {number for loss in told for number in range(loss.first_number, loss.last_number + 1)}
    assert lost == set(range(1, kept[0].number))


def test_a_full_disk_takes_nothing_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    spool = fill(tmp_path, 2)

    def no_room(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spooling, "write_whole", no_room)
    lost = batch(START_MS, {"a": 1.0, "b": 2.0})
    with pytest.raises(SpoolFull):
        spool.append(lost, START_MS)
    spool.give_up(lost, "disk_full")
    monkeypatch.undo()
    assert spool.append(batch(START_MS + 1000, {"a": 1.0}), START_MS) == 3
    assert [read(file, KEY).number for file in files(tmp_path)] == [1, 2, 3]
    assert read(files(tmp_path)[-1], KEY).losses == (Loss(2, START_MS - 5, START_MS, "disk_full", "rtu1"),)


def test_forged_altered_and_renamed_files_are_refused(tmp_path):
    fill(tmp_path, 2)
    first, second = files(tmp_path)
    forger = Spool(tmp_path / "forger", b"another key", ROOM)
    forger.append(batch(START_MS, {"a": 1.0}), START_MS)
    forged = files(tmp_path / "forger")[0].path.read_bytes()
    whole = first.path.read_bytes()
    for content in (forged, whole.replace(b"0.0", b"1.0"), whole[:-1], whole + b"x", b"", second.path.read_bytes()):
        first.path.write_bytes(content)
        with pytest.raises(Damaged):
            read(first, KEY)
    quarantine(first)
    assert [file.number for file in files(tmp_path)] == [2]


def test_the_last_batch_of_each_group_outlives_loading(tmp_path):
    spool = Spool(tmp_path, KEY, ROOM)
    spool.append(batch(START_MS, {"a": 1.0}, source="süd/1"), START_MS)
    spool.append(batch(START_MS + 1, {"a": 2.0}, source="süd/1"), START_MS)
    spool.append(batch(START_MS + 2, {"b": 3.0}, source="süd/1", poll_seconds=60.0), START_MS)
    spool.append(batch(START_MS + 3, {"c": 4.0}), START_MS)
    for file in files(tmp_path):
        file.path.unlink()
    again = Spool(tmp_path, KEY, ROOM)
    assert [list(found.rows.values) for found in again.last_batches("süd/1")] == [[2.0], [3.0]]


def test_the_key_is_made_once_and_kept(tmp_path):
    assert ensure_key(tmp_path) == ensure_key(tmp_path)
    assert oct((tmp_path / "spool.key").stat().st_mode)[-3:] == "600"


_WRITER = """
import sys
from pathlib import Path
from scada_bridge.spool import Spool
from tests.scada_bridge.making import START_MS, batch
spool = Spool(Path(sys.argv[1]), b"k" * 32, 10**9)
for turn in range(10**6):
    number = spool.append(batch(START_MS + turn, {f"p{i}": float(turn) for i in range(50)}), START_MS)
    print(number, flush=True)
"""


def test_killed_while_writing_every_acknowledged_batch_is_there_once(tmp_path):
    """R1: kill -9 again and again; what was acknowledged is whole, numbers never repeat, nothing is half."""
    acknowledged = set()
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        lines = [writer.stdout.readline() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines(keepends=True)
        writer.wait()
        writer.stdout.close()
        numbers = [int(line) for line in lines if line.endswith("\n")]
        assert not acknowledged & set(numbers)
        acknowledged |= set(numbers)
    Spool(tmp_path, KEY, ROOM)
    found = [read(file, KEY).number for file in files(tmp_path)]
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert len(found) <= len(acknowledged) + 8
    assert found == list(range(1, len(found) + 1))
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_file_system_without_second_names_does_as_well(tmp_path, monkeypatch):
    def no_links(*_arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    spool = Spool(tmp_path, KEY, ROOM)
    spool.append(batch(START_MS, {"a": 1.0}), START_MS)
    for file in files(tmp_path):
        file.path.unlink()
    assert [list(found.rows.values) for found in Spool(tmp_path, KEY, ROOM).last_batches("rtu1")] == [[1.0]]

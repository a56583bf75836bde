"""Killed anywhere, the end is the same: the loader in mid-drain (R2), long forms of R1 and R2 under `make soak`."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.scada_bridge.stored import Store
from tests.scada_bridge.test_loader import POINTS, polls

_LOADER = """
import sys
from pathlib import Path
from cis_power.core.db import Database
from scada_bridge.loader import Loader
print("ready", flush=True)
print(Loader(Database(sys.argv[1]), Path(sys.argv[2])).load_all(), flush=True)
"""


def run_and_kill(url, run_dir, seconds):
    """Start a loader and kill it so long after it was ready; True when it had ended by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOADER, url, str(run_dir)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout.readline() == "ready\n"
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return process.returncode == 0


def drained(store, count):
    history = store.history("A_CB1")
    return len(history) == count and len({at for at, _, _ in history}) == count


def drain_with_kills(database, tmp_path, count, kills):
    dice = random.Random(2)
    script = [(dice.randint(0, 1), dice.randint(0, 1), float(turn)) for turn in range(count)]
    straight = Store(database, tmp_path / "run")
    straight.post(POINTS)
    straight.put(*polls(script))
    url = database.url.render_as_string(hide_password=False)
    for _ in range(kills):
        if run_and_kill(url, straight.run_dir, dice.uniform(0.02, 0.6)):
            break
    straight.load()
    assert drained(straight, count)
    at = [moment for moment, _, _ in straight.history("A_CB1")]
    assert [value for _, value, _ in straight.history("A_CB1")] == [float(turn) for turn in range(count)]
    expected, last = [], (None, None)
    for moment, (one, two, _) in zip(at, script, strict=True):
        for place, name in enumerate(("P_CB1", "P_CB2")):
            if (one, two)[place] != last[place]:
                expected.append((name, float((one, two)[place]), moment))
        last = (one, two)
    assert sorted((name, value, moment) for name, value, _, moment, *_ in straight.events()) == sorted(expected)
    assert straight.gaps() == []


def test_a_loader_killed_while_draining_leaves_no_hole_and_no_double(database, tmp_path):
    drain_with_kills(database, tmp_path, count=40, kills=4)


@pytest.mark.soak
def test_a_loader_killed_fifty_times(database, tmp_path):
    drain_with_kills(database, tmp_path, count=600, kills=50)


@pytest.mark.soak
def test_ten_minutes_of_a_thousand_points_a_second_drain_within_a_minute(database, tmp_path):
    """R2: 600 batches of 1,000 points wait while the database was away."""
    from tests.scada_bridge.making import START_MS, analog, batch

    points = [analog(f"T{i}", 2 * i) for i in range(1000)]
    store = Store(database, tmp_path / "run")
    store.post(points)
    spool = store.spool()
    names = [one.point_id for one in points]
    for turn in range(600):
        spool.append(batch(START_MS + turn * 1000, dict.fromkeys(names, float(turn))), START_MS)
    begin = time.monotonic()
    loaded = store.load()
    assert (loaded.batches, loaded.samples) == (600, 600_000)
    assert time.monotonic() - begin < 60
    assert [value for _, value, _ in store.history("A_T7")] == [float(turn) for turn in range(600)]

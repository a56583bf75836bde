"""Every benchmark runs at a tiny size and answers JSON of the agreed form."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS
from bench.result import percentile

CHECKOUT = Path(__file__).resolve().parents[2]
KEYS = {"name", "size", "ours", "peer", "limit", "ratio_to_peer", "ratio_to_limit", "memory_mb"}
SIZES = {
    "spine": 60,
    "poll": 200,
    "demo": 200,
    "load-history": 30_000,
    "prediction": 20_000,
    "energization": 4_000,
    "search": 300,
    "pages": 100,
}


def _bench(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_name_it_lists_them() -> None:
    assert [line.split()[0] for line in _bench().splitlines()] == list(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_answers_json(name: str) -> None:
    found = json.loads(_bench(name, "--size", str(SIZES[name]), "--database", "sqlite"))
    assert set(found) == KEYS
    assert found["name"] == name
    assert found["ratio_to_peer"] > 0
    assert found["ratio_to_limit"] > 0
    assert found["memory_mb"] > 10
    for side in ("ours", "peer", "limit"):
        assert found[side]


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = list(range(1, 101))
    assert [percentile(values, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 50, 95, 100]
    assert percentile([3.0], 0.95) == 3.0

"""Two hours of a living utility, seeded, compared with the truth: every difference is explained, or is a defect."""

import asyncio
from datetime import timedelta

import pytest

from cis_power.core.db import Database
from cis_power.demo.people.manner import Manner
from tests.journeys.living.building import BEGIN, load, strikes, troubles
from tests.journeys.living.days import Days
from tests.journeys.living.judging import Judge, Verdict, count_calls

MANNER = Manner(pace=20.0, call_share=0.08, idle_calls_an_hour=30, planned_an_hour=10, business_days_an_hour=0)


async def _live(days: Days, seconds: int, seed: int, every: float, trouble_every: float) -> None:
    await days.open()
    try:
        befalls = troubles(days.shape, seed, seconds, trouble_every), strikes(days.shape, seed, seconds, every)
        await days.run(seconds, *befalls)
    finally:
        await days.close()


def _run(database: Database, tmp_path, monkeypatch, *, customers, seconds, seed, every, trouble_every, poll=2.0):
    run_dir, shape = load(tmp_path, str(database.url), customers, monkeypatch)
    days = Days(database, run_dir, shape, seed, BEGIN, MANNER, poll)
    asyncio.run(_live(days, seconds, seed, every, trouble_every))
    verdict = _judge(days, seconds, days.ledger())
    print(verdict.table(), days.watched.acts, count_calls(days.watched), days.watched.refused, sep="\n")  # noqa: T201 - the table is what the run is for
    return days, verdict


def _judge(days: Days, seconds: int, ledger: dict) -> Verdict:
    return Judge(days.shape, days.watched, BEGIN, BEGIN + timedelta(seconds=seconds), days.poll_seconds).judge(ledger)


def _notices_tampering(days: Days, seconds: int) -> None:
    """A judge that finds nothing must be able to find something."""
    ledger = days.ledger()
    point = next(iter(ledger))
    (began, restored), *rest = ledger[point]
    later = [(began + timedelta(seconds=1), restored), *rest]
    assert _judge(days, seconds, ledger | {point: later}).defects
    assert _judge(days, seconds, {name: rows for name, rows in ledger.items() if name != point}).defects
    now, account, asked, answer = days.watched.samples[0]
    days.watched.samples[0] = (now, account, asked, "none" if answer == "full" else "full")
    assert len(_judge(days, seconds, ledger).defects) == 1
    days.watched.samples[0] = (now, account, asked, answer)
    lost = next(place for place, told in enumerate(days.watched.truth) if told.event == "lost")
    dropped = days.watched.truth.pop(lost)
    with pytest.raises(KeyError):
        _judge(days, seconds, ledger)
    days.watched.truth.insert(lost, dropped)


def _is_sound(days: Days, verdict: Verdict) -> None:
    assert verdict.defects == []
    assert set(count_calls(days.watched)) <= {200, 201}
    keys = {}
    for call, _, answer in days.watched.calls:
        assert keys.setdefault(call.key, answer["id"]) == answer["id"]
    assert len(set(keys.values())) == len(keys)


def test_twelve_minutes_are_known_as_they_were(sqlite_database, tmp_path, monkeypatch) -> None:
    days, verdict = _run(
        sqlite_database, tmp_path, monkeypatch, customers=600, seconds=720, seed=11, every=60, trouble_every=240,
        poll=4.0,
    )  # fmt: skip
    _is_sound(days, verdict)
    assert verdict.true_spells > 50
    assert verdict.ledger_rows > 50
    assert days.watched.acts["Report"] > 3
    _notices_tampering(days, 720)


@pytest.mark.soak
def test_two_hours_are_known_as_they_were(database, tmp_path, monkeypatch) -> None:
    days, verdict = _run(
        database, tmp_path, monkeypatch, customers=1500, seconds=7200, seed=7, every=150, trouble_every=600,
    )  # fmt: skip
    _is_sound(days, verdict)
    assert verdict.true_spells > 1000

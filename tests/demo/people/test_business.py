"""The billing system's files: exactly once, and with everything that goes wrong."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cis_power.demo.people.acts import Drop
from cis_power.demo.people.business import KNOWN, PART, REFUSED, TAKEN, Business, day_of, day_seconds, end_of
from cis_power.demo.people.exchange import Exchange, how
from cis_power.demo.people.manner import Manner
from tests.demo.people.yard import Street, pieces

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MANNER = Manner()
BUSINESS = Business(1, MANNER, Street(pieces()), ZoneInfo("Asia/Shanghai"))


def _drops(day: int) -> list[Drop]:
    return [act for act in BUSINESS.acts(day, AT) if isinstance(act, Drop)]


def _sums(content: str) -> tuple[int, Decimal, int, Decimal]:
    _, *rows, trailer = content.splitlines()
    mark, count, total = trailer.split(",")
    assert mark == "#TRAILER"
    return len(rows), sum((Decimal(row.split(",")[3]) for row in rows), Decimal(0)), int(count), Decimal(total)


def test_trailers_add_up_but_for_the_one_that_is_meant_not_to() -> None:
    for day in range(12):
        for drop in _drops(day):
            rows, total, said_rows, said_total = _sums(drop.content)
            assert rows == said_rows
            assert (total == said_total) == (drop.expect != REFUSED)


def test_a_week_has_every_kind_of_trouble_and_says_how_each_ends() -> None:
    ends = {drop.expect for day in range(6) for drop in _drops(day)}
    assert ends == {TAKEN, KNOWN, PART, REFUSED}
    again = _drops(1)
    assert again[0].content == again[1].content
    assert again[0].name != again[1].name
    refused, mended = _drops(5)
    assert refused.content.splitlines()[:-1] == mended.content.splitlines()[:-1]


def test_days_follow_one_another_and_references_never_come_again() -> None:
    day = day_of(AT, MANNER)
    assert day_of(end_of(day, AT, MANNER), MANNER) == day + 1
    assert (end_of(day + 1, AT, MANNER) - end_of(day, AT, MANNER)).total_seconds() == day_seconds(MANNER)
    keys = [
        (row.split(",")[0], row.split(",")[6])
        for number in range(20) for row in _drops(number)[0].content.splitlines()[1:-1]
    ]  # fmt: skip
    assert len(keys) == len(set(keys))


def test_a_file_is_whole_or_not_there_and_put_aside_afterwards(tmp_path) -> None:
    exchange = Exchange(tmp_path)
    drop = _drops(0)[0]
    file = exchange.drop(drop)
    assert file.read_text("utf-8") == drop.content
    answer = '{"rows": 40, "accepted": 40, "unchanged": 0, "rejected": 0}'
    assert exchange.taken(drop, file, 0, answer) == TAKEN
    assert not file.exists()
    assert (tmp_path / "done" / drop.name).exists()
    wrong = exchange.taken(drop, exchange.drop(drop), 0, '{"rows": 40, "accepted": 0, "unchanged": 40, "rejected": 0}')
    assert wrong.startswith("known, and not taken")


def test_how_an_import_went() -> None:
    assert how({"rows": 3, "accepted": 3, "unchanged": 0}) == TAKEN
    assert how({"rows": 3, "accepted": 0, "unchanged": 3}) == KNOWN
    assert how({"rows": 3, "accepted": 2, "unchanged": 0}) == PART
    assert how({"rows": 3, "accepted": 0, "unchanged": 0}) == REFUSED

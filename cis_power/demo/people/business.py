"""The electricity business system: a payments file each business day, with what goes wrong in real life. Pure.

One day in a while it lays the same file down twice, has rows that fit nobody, or a trailer that does not add up; then
nothing may be posted, and the mended file follows.
"""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from cis_power.demo.people.acts import Drop, Fetch
from cis_power.demo.people.dice import dice
from cis_power.demo.people.directory import Directory
from cis_power.demo.people.manner import Manner

HEAD = "batch_no,account_no,paid_at,amount,currency,method,reference"
METHODS = ("bank_transfer", "wechat", "alipay", "cash", "direct_debit")
TAKEN, KNOWN, PART, REFUSED = "taken", "known", "part", "refused"


def day_seconds(manner: Manner) -> float:
    """How long a business day takes by the clock."""
    return 3600.0 / manner.business_days_an_hour


def day_of(at: datetime, manner: Manner) -> int:
    """The business day that an instant lies in; it never comes again."""
    return int(at.timestamp() // day_seconds(manner))


def end_of(day: int, at: datetime, manner: Manner) -> datetime:
    """When a business day ends, in the zone of `at`."""
    return datetime.fromtimestamp((day + 1) * day_seconds(manner), tz=at.tzinfo)


class Business:
    """What the system lays down and takes on each of its days."""

    def __init__(self, seed: int, manner: Manner, directory: Directory, zone: tzinfo) -> None:
        self._seed, self._manner, self._directory, self._zone = seed, manner, directory, zone

    def acts(self, day: int, at: datetime) -> list[Drop | Fetch]:
        """What happens at the end of a business day, `at`."""
        name = f"payments-{self._seed}-{day}"
        rows = self._rows(day, at)
        good = _file(rows)
        drops = [Drop(at, "payments", f"{name}.csv", good, TAKEN)]
        soon = at + self._manner.of(10)
        match day % 6:
            case 1:
                drops.append(Drop(soon, "payments", f"{name}-again.csv", good, KNOWN))
            case 3:
                strange = (rows[0][0], "NO-SUCH-ACCOUNT", rows[0][2], "88.00", "CNY", "cash", f"{rows[0][6]}X")
                drops = [Drop(at, "payments", f"{name}.csv", _file([*rows, strange]), PART)]
            case 5:
                wrong = _file(rows, missing=Decimal("0.01"))
                drops = [Drop(at, "payments", f"{name}.csv", wrong, REFUSED)]
                drops.append(Drop(soon, "payments", f"{name}-mended.csv", good, TAKEN))
        fetches = [Fetch(soon, "outage-minutes", 0)] if day % 2 else [Fetch(soon, "usage", 1)]
        return [*drops, *fetches]

    def _rows(self, day: int, at: datetime) -> list[tuple[str, ...]]:
        chance = dice(self._seed, "payments", day)
        rows: list[tuple[str, ...]] = []
        accounts: set[str] = set()
        for _ in range(self._manner.payments_a_day):
            dweller = self._directory.dweller(self._directory.anyone(chance))
            if dweller is None or not dweller.account_no or dweller.account_no in accounts:
                continue
            accounts.add(dweller.account_no)
            paid_at = at - timedelta(seconds=chance.uniform(0, day_seconds(self._manner)))
            paid_at = paid_at.astimezone(self._zone)
            amount = Decimal(chance.randint(3_000, 40_000)) / 100
            rows.append((
                f"P{self._seed}-{day}", dweller.account_no, paid_at.isoformat(timespec="seconds"),
                f"{amount:.2f}", "CNY", chance.choice(METHODS), f"{day}-{len(rows) + 1:04d}",
            ))  # fmt: skip
        return rows


def _file(rows: list[tuple[str, ...]], missing: Decimal = Decimal(0)) -> str:
    total = sum((Decimal(row[3]) for row in rows), -missing)
    lines = [HEAD, *(",".join(row) for row in rows), f"#TRAILER,{len(rows)},{total:.2f}"]
    return "\n".join(lines) + "\n"

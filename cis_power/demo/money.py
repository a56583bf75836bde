"""The demo utility's bills and payments. Pure: columns of the layouts `bills` and `payments`.

A usage point has a bill a month: energy taken times the price of its kind, with steps for homes and a charge for
capacity for the customer's own transformer. Most accounts pay in time; some late, some in parts, some not at all.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Coded
from cis_power.core.time import day_bounds
from cis_power.demo.chance import draw, pick
from cis_power.demo.occupancy import NO_ONE, VACANT, account_of_person, occupancy
from cis_power.demo.past import MONTHS, ZONE, Past, month_days, month_kwh, overlap_days
from cis_power.demo.plan import RESIDENTIAL, Numbers, Plan

Columns = dict[str, Any]

CURRENCY = "CNY"
TARIFFS = ("residential-steps", "general", "large-two-part", "agricultural", "general")
_CENTS_A_KWH = np.array([56, 78, 64, 51, 75])
_STEPS_KWH = (230, 400)  # a month; beyond each a kWh of a home costs more
_STEP_CENTS = (5, 25)  # more than the step before
_CENTS_A_KVA = 2300  # a month, for the capacity of one's own transformer
_ISSUE_DAYS, _DUE_DAYS = 2, 19  # after the month's end

_HABIT, _DELAY, _SECOND, _CLOCK, _METHOD, _OWING = range(120, 126)
PROMPT, LATE, IN_PARTS, OWING, SLOW = range(5)
_HABITS = (0.72, 0.90, 0.955, 0.98)
_METHODS = ("wechat", "alipay", "direct_debit", "bank", "counter", "app")


@dataclass(frozen=True, slots=True)
class Bills:
    """Bills as arrays: usage point, whether of who was there before, payer's number, month (place in `Past.months`),
    first day and day behind the last, energy in kWh, amount in cents. Ordered by usage point and month."""

    customer: Numbers
    former: NDArray[np.bool_]
    payer: Numbers
    month: Numbers
    began: NDArray[np.datetime64]
    ended: NDArray[np.datetime64]
    energy_kwh: Numbers
    amount: Numbers
    numbers: list[str]

    def issued(self, past: Past) -> NDArray[np.datetime64]:
        return np.asarray(past.month_bounds[self.month + 1] + np.timedelta64(_ISSUE_DAYS, "D"))


def bills(past: Past, customers: Numbers) -> Bills:
    """The bills of usage points: of everybody who was there, for his days of each month."""
    point, former, payer, begin, end = _holders(past, customers)
    days = overlap_days(past, begin, end)
    days[
        past.month_bounds[1:] + np.timedelta64(_ISSUE_DAYS, "D")
        > np.datetime64(past.today) - np.zeros((len(point), 1), np.int64)
    ] = 0
    spans, month = np.nonzero(days)
    shared = days[spans, month] / month_days(past)[month]
    place = np.searchsorted(customers, point)
    energy = np.rint(month_kwh(past, customers)[place[spans], month] * shared).astype(np.int64)
    bounds = past.month_bounds
    who = point[spans]
    months = [f"{day:%Y%m}" for day in past.months]
    letters = np.where(former[spans], "F", "")
    return Bills(
        who, former[spans], payer[spans], month,
        np.maximum(begin[spans], bounds[month]), np.minimum(end[spans], bounds[month + 1]),
        energy, _cents(past.plan, who, energy, shared),
        [f"{number:07d}{letter}-{months[m]}" for number, letter, m in
         zip((who + 1).tolist(), letters.tolist(), month.tolist(), strict=True)],
    )  # fmt: skip


def _holders(past: Past, customers: Numbers) -> tuple[Any, ...]:
    """Who paid for which usage point when: usage point, whether he is there no more, payer, first day, day behind the
    last; ordered by usage point and time."""
    plan, held = past.plan, occupancy(past.plan)
    ever, now = past.month_bounds[0], np.datetime64(past.today + timedelta(days=1))
    moved = held.moved[customers]
    since = np.maximum(moved, 0)
    landlord = held.landlord[customers]
    vacant = held.state[customers] == VACANT
    payer = np.where(vacant, np.where(landlord == NO_ONE, NO_ONE, held.account[landlord]), held.account[customers])
    connected, ended = held.connected[customers], held.ended[customers]
    begin = np.where(since > 0, past.days_ago(since), np.where(connected > 0, past.days_ago(connected), ever))
    end = np.where(ended > 0, past.days_ago(ended), now)
    present = np.flatnonzero(payer != NO_ONE)
    left = np.flatnonzero(moved)
    point = np.concatenate([customers[left], customers[present]])
    former = np.repeat([True, False], [len(left), len(present)])
    payers = np.concatenate([plan.customers + customers[left], payer[present]])
    begins = np.concatenate([np.full(len(left), ever), begin[present]]).astype("datetime64[D]")
    ends = np.concatenate([past.days_ago(moved[left]), end[present]]).astype("datetime64[D]")
    order = np.lexsort((~former, point))
    return point[order], former[order], payers[order], begins[order], ends[order]


def _cents(plan: Plan, customer: Numbers, energy_kwh: Numbers, share: NDArray[np.float64]) -> Numbers:
    """What energy of a share of a month costs."""
    kind = plan.kind[customer]
    cents = energy_kwh * _CENTS_A_KWH[kind]
    home = kind == RESIDENTIAL
    for step, more in zip(_STEPS_KWH, _STEP_CENTS, strict=True):
        above = np.maximum(energy_kwh - np.ceil(step * share).astype(np.int64), 0)
        cents = cents + np.where(home, above * more, 0)
    own = plan.own[plan.transformer_of_customer[customer]]
    capacity = np.rint(plan.rated_kva[customer] * _CENTS_A_KVA * share).astype(np.int64)
    return np.asarray(cents + np.where(own, capacity, 0))


def bill_columns(past: Past, given: Bills) -> Columns:
    """Columns of the layout `bills`."""
    return {
        "bill_no": given.numbers,
        "account_no": _accounts(given.payer),
        "from": given.began,
        "to": given.ended,
        "issued_on": given.issued(past),
        "due_on": past.month_bounds[given.month + 1] + np.timedelta64(_DUE_DAYS, "D"),
        "energy_kwh": given.energy_kwh.astype(np.float64),
        "amount": given.amount,
        "currency": Coded.same(CURRENCY, len(given.month)),
        "tariff": Coded.of([TARIFFS[kind] for kind in past.plan.kind[given.customer].tolist()]),
    }


def _accounts(payer: Numbers) -> Coded:
    persons, codes = np.unique(payer, return_inverse=True)
    return Coded(codes, [account_of_person(person) for person in persons.tolist()])


def habits(plan: Plan, payer: Numbers) -> Numbers:
    """How each payer pays: PROMPT, LATE, IN_PARTS, OWING (the last months) or SLOW."""
    return np.asarray(np.searchsorted(_HABITS, draw(plan.seed, _HABIT, payer), side="right"))


def payment_columns(past: Past, given: Bills, batch: int) -> Columns:
    """Columns of the layout `payments` for bills; `batch` numbers the senders' batches of each month."""
    plan = past.plan
    habit = habits(plan, given.payer)
    key = given.customer * 64 + given.month
    delay = draw(plan.seed, _DELAY, key)
    days = np.select([habit == LATE, habit == SLOW], [18 + 40 * delay, 45 + 60 * delay], 1 + 16 * delay)
    owed = 1 + pick(plan.seed, _OWING, given.payer, 4)
    paying = (given.amount > 0) & ~((habit == OWING) & (given.month >= MONTHS - owed))
    in_parts = habit == IN_PARTS
    first = np.where(in_parts, given.amount * 6 // 10, given.amount)
    whole, rest = np.flatnonzero(paying), np.flatnonzero(paying & in_parts & (given.amount - first > 0))
    place = np.concatenate([whole, rest])
    second = np.repeat([False, True], [len(whole), len(rest)])
    amount = np.where(second, (given.amount - first)[place], first[place])
    later = 20 + 50 * draw(plan.seed, _SECOND, key[place])
    at = _instants(past, given, place, np.where(second, later, days[place]), second)
    paid = (at < np.datetime64(past.until.replace(tzinfo=None))) & (amount > 0)
    place, second, amount, at = place[paid], second[paid], amount[paid], at[paid]
    order = np.lexsort((second, place))
    place, second, amount, at = place[order], second[order], amount[order], at[order]
    months, month_of_row = np.unique((at + _OFFSET).astype("datetime64[M]"), return_inverse=True)
    names = [f"PAY{str(month).replace('-', '')}-{batch:03d}" for month in months]
    return {
        "batch_no": Coded(month_of_row, names),
        "account_no": _accounts(given.payer[place]),
        "paid_at": at,
        "amount": amount,
        "currency": Coded.same(CURRENCY, len(place)),
        "method": Coded(pick(plan.seed, _METHOD, given.payer[place], len(_METHODS)), _METHODS),
        "reference": [
            f"{given.numbers[spot]}{'-2' if again else ''}"
            for spot, again in zip(place.tolist(), second.tolist(), strict=True)
        ],
    }


_OFFSET = np.timedelta64(8, "h")  # for naming a batch after a month; bounds of days are exact elsewhere


def _instants(
    past: Past, given: Bills, place: Numbers, days: NDArray[np.float64], second: NDArray[np.bool_]
) -> NDArray[np.datetime64]:
    """When bills are paid: whole days after their issue, between 8 and 22 o'clock."""
    issues = [
        day_bounds(day.astype(object), ZONE)[0].replace(tzinfo=None)
        for day in past.month_bounds[1:] + np.timedelta64(_ISSUE_DAYS, "D")
    ]
    midnight = np.array(issues, "datetime64[s]")[given.month[place]]
    clock = 8 * 3600 + 14 * 3600 * draw(past.plan.seed, _CLOCK, (given.customer * 64 + given.month)[place] * 2 + second)
    seconds = days.astype(np.int64) * 86_400 + clock.astype(np.int64)
    return np.asarray(midnight + seconds.astype("timedelta64[s]"))

"""The demo's utility as its people know it: wiring and dwellers as functions of the plan. Pure."""

import random
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from cis_power.demo import codes, names, network, occupancy, places
from cis_power.demo.part import Row
from cis_power.demo.people.directory import Dweller
from cis_power.demo.people.life import Utility
from cis_power.demo.people.wiring import Wiring, pieces_of_rows
from cis_power.demo.plan import Plan

_NEAR = 60
_LOW_VOLTAGE = re.compile(r"-[XM]\d+$")


def utility(plan: Plan, zone: ZoneInfo) -> Utility:
    """What people know of the demo utility."""
    sources = [network.source_code(substation) for substation in range(plan.substations)]
    return Utility(Wiring(pieces_of_rows(_rows(plan)), sources, behind=transformer_of), Town(plan), zone)


def _rows(plan: Plan) -> Iterator[Row]:
    """All equipment but the low-voltage lines: no switch parts them from their transformer."""
    for part in network.parts(plan):
        yield from (row for row in part.equipment if not _LOW_VOLTAGE.search(str(row[0])))


def transformer_of(code: str) -> str:
    """The transformer that a low-voltage line hangs on; anything else is itself."""
    return _LOW_VOLTAGE.sub("", code)


class Town:
    """Who lives where: a `Directory` of the plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def dweller(self, usage_point: str) -> Dweller | None:
        plan, customer = self._plan, codes.customer_number(usage_point)
        if not 0 <= customer < plan.customers:
            return None
        account = occupancy.account_no(plan, customer)
        if not account:
            return None
        person = int(occupancy.occupancy(plan).account[customer])
        who = names.who(plan, person, int(plan.kind[person]))
        home = places.place(plan, customer)
        transformer = codes.transformer_code(plan, int(plan.transformer_of_customer[customer]))
        phone = who.phone.partition(";")[0]
        return Dweller(usage_point, account, phone, transformer, home.name if home else "")

    def anyone(self, chance: random.Random) -> str:
        return codes.usage_point(chance.randrange(self._plan.customers))

    def neighbour(self, usage_point: str, chance: random.Random) -> str:
        customer = codes.customer_number(usage_point) + chance.choice((-1, 1)) * chance.randint(1, _NEAR)
        return codes.usage_point(customer % self._plan.customers)

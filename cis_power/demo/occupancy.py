"""Who holds which usage point, when: accounts, moves, vacancies, tenants, several premises, meter exchanges. Pure.

Dates are whole days before the end of the past; 0 means never (or: ever). Every usage point has a number; so has the
person there now (the same), and whoever was there before (`customers` + the number).
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from cis_power.demo.chance import draw, pick
from cis_power.demo.plan import COMMERCIAL, INDUSTRIAL, PUBLIC, RESIDENTIAL, RURAL, STYLES, Flags, Numbers, Plan

ACTIVE, DISCONNECTED, CLOSED, VACANT = range(4)
STATUSES = ("active", "disconnected", "closed", "vacant")
PAST_DAYS = 390  # dates fall within the thirteen months of history
NO_ONE = -1

_STATE, _MOVED, _MOVED_ON, _NEW, _NEW_ON, _RENTED, _LANDLORD, _CHAIN, _METER, _METER_ON, _PRIORITY, _SUPPLY, _VIP = (
    range(40, 53)
)


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Arrays by usage point.

    `state`: place in STATUSES. `moved`: days ago when the former customer left (and the present one came, unless it is
    vacant since); 0: nobody left. `connected`: days ago when supply began; 0: ever. `ended`: days ago when a closed one
    ended. `account`: number of the usage point whose customer pays here too: mostly itself; several premises of one
    company have that of the first. `landlord`: number of the usage point whose customer owns this one and lets it, or
    NO_ONE. `exchanged`: days ago when the meter was exchanged; 0: never.
    """

    state: Numbers = field(repr=False)
    moved: Numbers = field(repr=False)
    connected: Numbers = field(repr=False)
    ended: Numbers = field(repr=False)
    account: Numbers = field(repr=False)
    landlord: Numbers = field(repr=False)
    exchanged: Numbers = field(repr=False)


@lru_cache(maxsize=4)
def occupancy(plan: Plan) -> Occupancy:
    """How the usage points of a plan are held."""
    numbers, seed = np.arange(plan.customers), plan.seed
    homes = plan.kind == RESIDENTIAL
    chance = draw(seed, _STATE, numbers)
    state = np.full(plan.customers, ACTIVE)
    state[chance < 0.008] = DISCONNECTED
    state[(chance >= 0.008) & (chance < 0.012)] = CLOSED
    state[(chance >= 0.012) & (chance < 0.032) & homes] = VACANT
    days = 1 + pick(seed, _MOVED_ON, numbers, PAST_DAYS - 1)
    moved = np.where((state == VACANT) | ((state == ACTIVE) & homes & (draw(seed, _MOVED, numbers) < 0.06)), days, 0)
    new = (state == ACTIVE) & (moved == 0) & (draw(seed, _NEW, numbers) < 0.015)
    account = _premises(plan, (state == ACTIVE) & (moved == 0) & ~new)
    return Occupancy(
        state=state,
        moved=moved,
        connected=np.where(new, 1 + pick(seed, _NEW_ON, numbers, PAST_DAYS - 1), 0),
        ended=np.where(state == CLOSED, days, 0),
        account=account,
        landlord=_landlords(plan, state, moved),
        exchanged=np.where(
            (state == ACTIVE) & ~new & (draw(seed, _METER, numbers) < 0.03),
            1 + pick(seed, _METER_ON, numbers, PAST_DAYS - 1),
            0,
        ),
    )


def _premises(plan: Plan, steady: Flags) -> Numbers:
    """Chains of shops: one in twenty has further premises, and some of the other shops are those."""
    account = np.arange(plan.customers)
    shops = np.flatnonzero(steady & (plan.kind == COMMERCIAL))
    chance = draw(plan.seed, _CHAIN, shops)
    heads, branches = shops[chance < 0.05], shops[chance >= 0.9]
    if len(heads):
        account[branches] = heads[np.arange(len(branches)) % len(heads)]
    return account


def _landlords(plan: Plan, state: Numbers, moved: Numbers) -> Numbers:
    """Half of the vacant homes and of those whose people changed belong to somebody who lives elsewhere."""
    landlord = np.full(plan.customers, NO_ONE)
    owners = np.flatnonzero((plan.kind == RESIDENTIAL) & (state == ACTIVE) & (moved == 0))
    let = np.flatnonzero((moved > 0) & (draw(plan.seed, _RENTED, np.arange(plan.customers)) < 0.5))
    if len(owners):
        landlord[let] = owners[pick(plan.seed, _LANDLORD, let, len(owners)) // 3 * 3 % len(owners)]
    return landlord


def account_no(plan: Plan, customer: int) -> str:
    """The account that pays at a usage point now; empty where nobody does."""
    held = occupancy(plan)
    if held.state[customer] == VACANT:
        return ""
    return account_of_person(int(held.account[customer]))


def account_of_person(person: int) -> str:
    return f"{4_000_000_001 + person}"


def former_account_no(plan: Plan, customer: int) -> str:
    """The account of who was there before; empty where nobody was."""
    return account_of_person(former_person(plan, customer)) if occupancy(plan).moved[customer] else ""


def former_person(plan: Plan, customer: int) -> int:
    return plan.customers + customer


@lru_cache(maxsize=4)
def priorities(plan: Plan) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    """The service priority of every usage point."""
    numbers, seed = np.arange(plan.customers), plan.seed
    chance = draw(seed, _PRIORITY, numbers)
    own = plan.own[plan.transformer_of_customer]
    found = np.full(plan.customers, "ordinary", dtype="<U12")
    found[(plan.kind == RESIDENTIAL) & (occupancy(plan).state == ACTIVE) & (chance < 0.006)] = "life_support"
    public = (plan.kind == PUBLIC) & own
    found[public] = np.select([chance[public] < 0.15, chance[public] < 0.5], ["special", "first"], "second")
    works = (plan.kind == INDUSTRIAL) & own
    found[works] = np.select([chance[works] < 0.1, chance[works] < 0.35], ["critical", "second"], "ordinary")
    found[(plan.kind == COMMERCIAL) & ~own & (chance < 0.01)] = "temporary"
    return found


def standby(plan: Plan) -> list[tuple[int, int, str]]:
    """Who has a second supply: usage point, the transformer of another feeder, and `auto` or `manual`.

    All of special priority, most of the first and critical ones, some of the second.
    """
    important = priorities(plan)
    chance = draw(plan.seed, _SUPPLY, np.arange(plan.customers))
    wanted = (important == "special") | (np.isin(important, ("first", "critical")) & (chance < 0.8))
    wanted |= (important == "second") & (chance < 0.3)
    found = []
    for customer in np.flatnonzero(wanted).tolist():
        feeder = plan.feeder_of_customer(customer)
        other = partner(plan, feeder)
        transformers = plan.transformers_of(other)
        place = int(plan.transformer_of_customer[customer]) - plan.transformers_of(feeder).start
        transfer = "manual" if important[customer] == "second" or chance[customer] * 7 % 1 < 0.25 else "auto"
        found.append((customer, transformers[place % len(transformers)], transfer))
    return found


def partner(plan: Plan, feeder: int) -> int:
    """The feeder that backs this one: of the same place in the substation across the town, else a neighbour."""
    substation, place = int(plan.substation_of_feeder[feeder]), plan.place_in_substation(feeder)
    across = substation ^ 1
    if across < plan.substations and STYLES[place] != RURAL:
        first = int(np.searchsorted(plan.substation_of_feeder, across))
        if first + place < plan.feeders and int(plan.substation_of_feeder[first + place]) == across:
            return first + place
    return feeder - 1 if place else feeder + 1


@lru_cache(maxsize=4)
def key_accounts(plan: Plan) -> Flags:
    """Which usage points are a key customer's: large works, and a few of the other large ones."""
    own = plan.own[plan.transformer_of_customer]
    large = own & (plan.rated_kva >= 400) & (plan.kind != RESIDENTIAL)
    return np.asarray(large & (draw(plan.seed, _VIP, np.arange(plan.customers)) < 0.7))

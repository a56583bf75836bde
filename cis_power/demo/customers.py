"""Rows of the files that tell of districts, places, customers and all that hangs on them. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from cis_power.demo import codes, names, places
from cis_power.demo.chance import draw, whole
from cis_power.demo.occupancy import (
    CLOSED,
    NO_ONE,
    STATUSES,
    VACANT,
    Occupancy,
    account_no,
    account_of_person,
    former_person,
    key_accounts,
    occupancy,
    priorities,
    standby,
)
from cis_power.demo.part import Row
from cis_power.demo.past import exchange_reads
from cis_power.demo.plan import AGRICULTURAL, COMMERCIAL, INDUSTRIAL, KINDS, PUBLIC, RESIDENTIAL, RURAL, Plan

_ROOFS, _ROOF_KW, _OWN_SUPPLY, _CONTACT = 70, 71, 72, 73
_ZONE_NAMES = ("", "城关供电所", "城郊供电所", "乡镇供电所")
_TARIFFS = ("residential-tou", "general", "large-two-part", "agricultural", "general")
_INDUSTRIES = ("", "5200", "3400", "0110", "8400")
_POSITIONS = ("电气主管", "设备部经理", "总务科长", "值班电工", "能源管理员")


def districts(plan: Plan) -> Iterator[Row]:
    """Rows of districts.csv: the company, its districts, and below each the offices that serve a part of it."""
    yield codes.COMPANY, f"{names.TOWNS[0]}供电公司", ""
    known: set[str] = set()
    for feeder in range(plan.feeders):
        substation = int(plan.substation_of_feeder[feeder])
        district = codes.district_code(codes.district_of_substation(plan, substation))
        side = places.town_name(plan, substation) + ("东区" if places.quarter(substation)[0] > 0 else "西区")
        if district not in known:
            yield district, f"{side}供电公司", codes.COMPANY
        office = codes.sub_district_code(plan, feeder)
        if office not in known:
            yield office, side + _ZONE_NAMES[int(office[-1])], district
        known |= {district, office}


def place_rows(plan: Plan) -> Iterator[Row]:
    """Rows of places.csv."""
    for place in places.places(plan):
        yield place.name, place.kind, place.parent


def customers(plan: Plan, until: date) -> Iterator[Row]:
    """Rows of customers.csv: who is at each usage point, and before him who was there until he moved."""
    held, important = occupancy(plan), priorities(plan)
    for customer in range(plan.customers):
        transformer = int(plan.transformer_of_customer[customer])
        home = places.place(plan, customer)
        site = (
            places.address(plan, customer),
            codes.sub_district_code(plan, int(plan.feeder_of_transformer[transformer])),
            codes.usage_point(customer),
            codes.supply_code(plan, customer),
            important[customer],
            f"{plan.rated_kva[customer]:g}",
            220 if plan.kind[customer] == RESIDENTIAL else 380,
            "" if held.exchanged[customer] else codes.meter_no(customer),
        )
        phases, place = plan.phases[customer], home.name if home else ""
        moved = _before(until, int(held.moved[customer]))
        if moved:
            person = former_person(plan, customer)
            who = names.who(plan, person, RESIDENTIAL)
            former = account_of_person(person), who.name, KINDS[RESIDENTIAL], who.phone, who.email
            yield *former, *site, 0, "closed", "", moved, phases, place, who.lang
        if held.state[customer] != VACANT:
            began = "" if held.landlord[customer] != NO_ONE else moved or _before(until, int(held.connected[customer]))
            ended = _before(until, int(held.ended[customer]))
            party, key, lang = _party(plan, held, customer)
            status = STATUSES[held.state[customer]]
            yield *party, *site, key, status, began, ended, phases, place, lang


def _party(plan: Plan, held: Occupancy, customer: int) -> tuple[Row, int, str]:
    """Account, name, kind, phone, e-mail; whether a key customer; language. Further premises repeat the first's."""
    person = int(held.account[customer])
    kind = int(plan.kind[person])
    who = names.who(plan, person, kind)
    name = who.name
    if kind == PUBLIC and plan.own[plan.transformer_of_customer[person]]:
        name = names.public_name(_rank_of_public(plan)[person])
    party = account_of_person(person), name, KINDS[kind], who.phone, who.email
    return party, int(key_accounts(plan)[person]), who.lang


@lru_cache(maxsize=4)
def _rank_of_public(plan: Plan) -> dict[int, int]:
    large = np.flatnonzero((plan.kind == PUBLIC) & plan.own[plan.transformer_of_customer])
    return {customer: rank for rank, customer in enumerate(large.tolist())}


def _before(until: date, days: int) -> str:
    return (until - timedelta(days=days)).isoformat() if days else ""


def agreements(plan: Plan, until: date) -> Iterator[Row]:
    """Rows of agreements.csv: tenants of homes that are let, and the landlords behind them and behind empty ones."""
    held = occupancy(plan)
    for customer in np.flatnonzero(held.landlord != NO_ONE).tolist():
        since = _before(until, int(held.moved[customer]))
        if held.state[customer] != VACANT:
            yield account_no(plan, customer), codes.usage_point(customer), "", since, "", "tenant"
        landlord = account_no(plan, int(held.landlord[customer]))
        yield landlord, codes.usage_point(customer), "", since, "", "landlord"


def connections(plan: Plan) -> Iterator[Row]:
    """Rows of connections.csv: the second supply of important users."""
    for customer, transformer, transfer in standby(plan):
        code = codes.transformer_code(plan, transformer)
        yield codes.usage_point(customer), code, "standby", transfer, "", "", ""


def meters(plan: Plan, until: date) -> Iterator[Row]:
    """Rows of meters.csv: meters that were exchanged, the old one and the new one, with their reads."""
    held, reads = occupancy(plan), exchange_reads(plan)
    for customer in np.flatnonzero(held.exchanged).tolist():
        day, point = _before(until, int(held.exchanged[customer])), codes.usage_point(customer)
        read = int(reads[customer])
        yield codes.former_meter_no(customer), point, "1", "energy", "import", "kWh", "register", 1, "", day, 0, read
        yield codes.meter_no(customer), point, "1", "energy", "import", "kWh", "register", 1, day, "", 0, ""


def generation_kw(plan: Plan) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Solar generation on the roofs of usage points in kW; 0: none. A tenth of it may run as an island."""
    numbers = np.arange(plan.customers)
    chance, size = draw(plan.seed, _ROOFS, numbers), draw(plan.seed, _ROOF_KW, numbers)
    rural = np.array([plan.style(feeder) == RURAL for feeder in range(plan.feeders)])
    at_home = (plan.kind == RESIDENTIAL) & rural[plan.feeder_of_transformer[plan.transformer_of_customer]]
    works = np.isin(plan.kind, (INDUSTRIAL, COMMERCIAL, AGRICULTURAL)) & plan.own[plan.transformer_of_customer]
    homes = np.where(at_home & (chance < 0.05), np.round(3 + 7 * size), 0.0)
    return np.asarray(np.where(works & (chance < 0.2), np.round(plan.rated_kva * (0.1 + 0.3 * size)), homes))


def terms(plan: Plan) -> Iterator[Row]:
    """Rows of terms.csv: tariffs, industries, operating capacity, own generation and emergency supply."""
    solar, important = generation_kw(plan), priorities(plan)
    own = plan.own[plan.transformer_of_customer]
    for customer in range(plan.customers):
        kind, power = int(plan.kind[customer]), float(solar[customer])
        emergency = important[customer] in ("special", "critical") or (
            important[customer] == "first" and whole(plan.seed, _OWN_SUPPLY, customer) % 2 == 0
        )
        if kind == RESIDENTIAL and not power:
            continue
        rated = float(plan.rated_kva[customer])
        operating = f"{rated * 0.8:g}" if own[customer] and customer % 5 == 0 else f"{rated:g}" if own[customer] else ""
        island = int(bool(power) and customer % 10 == 0)
        minutes = {"special": 0, "critical": 10, "first": 30}.get(str(important[customer]), "")
        yield (
            codes.usage_point(customer), operating, f"{power:g}" if power else "", island, int(emergency), minutes,
            _TARIFFS[kind], _INDUSTRIES[kind],
        )  # fmt: skip


def contacts(plan: Plan) -> Iterator[Row]:
    """Rows of contacts.csv: persons to talk to at large customers."""
    held = occupancy(plan)
    own = np.flatnonzero(plan.own[plan.transformer_of_customer] & (held.state != CLOSED) & (plan.kind != RESIDENTIAL))
    for customer in own.tolist():
        company = _party(plan, held, customer)[0][1]
        for number in range(1 + customer % 2):
            person = (2 + number) * plan.customers + customer
            who = names.who(plan, person, RESIDENTIAL)
            position = _POSITIONS[whole(plan.seed, _CONTACT, person) % len(_POSITIONS)]
            if held.account[customer] == customer:
                yield account_no(plan, customer), who.name, company, position, who.phone, who.email

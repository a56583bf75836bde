"""The demo's own town as its people know it."""

import random
from zoneinfo import ZoneInfo

import pytest

from cis_power.demo import codes, network, occupancy
from cis_power.demo.people.town import Town, transformer_of, utility
from cis_power.demo.plan import plan

PLAN = plan(1_000)
UTILITY = utility(PLAN, ZoneInfo("Asia/Shanghai"))


def test_everybody_who_has_an_account_can_be_called_by_his_own_things() -> None:
    people = Town(PLAN)
    dwellers = [people.dweller(codes.usage_point(customer)) for customer in range(PLAN.customers)]
    for customer, dweller in enumerate(dwellers):
        assert (dweller is None) == (occupancy.account_no(PLAN, customer) == "")
        if dweller is not None:
            assert dweller.transformer in UTILITY.wiring.pieces
            assert ";" not in dweller.phone
    assert people.dweller("UP9999999") is None
    assert sum(dweller is not None and bool(dweller.place) for dweller in dwellers) > 500


def test_neighbours_and_anyone_live_in_the_town() -> None:
    people, chance = Town(PLAN), random.Random(1)
    for _ in range(500):
        for point in (people.anyone(chance), people.neighbour("UP0000001", chance)):
            assert 0 <= codes.customer_number(point) < PLAN.customers


def test_the_wiring_is_that_of_the_files_without_low_voltage_lines() -> None:
    rows = [str(row[0]) for part in network.parts(PLAN) for row in part.equipment]
    assert {transformer_of(code) for code in rows} == set(UTILITY.wiring.pieces)
    assert transformer_of("F001-T003-X1") == "F001-T003"
    assert transformer_of("F001-T003-M12") == "F001-T003"
    assert transformer_of("F001-L003") == "F001-L003"


def test_everything_is_in_supply_in_the_normal_state() -> None:
    wiring = UTILITY.wiring
    normal = wiring.normally_open()
    assert all(wiring.live(wiring.pieces[codes.transformer_code(PLAN, t)].ends[1], normal) for t in range(0, 60, 7))


@pytest.mark.parametrize("feeder", [0, 1, 3])
def test_a_section_of_a_trunk_is_bounded_by_switches_of_which_two_or_three_feed_it(feeder: int) -> None:
    wiring = UTILITY.wiring
    line = next(
        f"{codes.feeder_code(feeder)}-L{place + 1:03d}"
        for place in range(1, network.trunk_lines(PLAN, feeder))
        if place not in network.trunk_devices(PLAN, feeder)
    )
    section = wiring.section(line)
    border = wiring.border(section)
    assert codes.breaker_code(feeder) in {piece.code for piece in border}
    assert 1 <= sum(wiring.feeds(piece, section) for piece in border) <= 3

"""The plan of the demo utility: ratios, who belongs where, and codes that can be read back."""

import numpy as np
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.demo import codes, names, occupancy, places
from cis_power.demo.chance import bits, whole
from cis_power.demo.plan import KINDS, RESIDENTIAL, RURAL, SUBURBAN, URBAN, plan


def test_the_default_utility_has_the_sizes_of_a_real_one() -> None:
    town = plan(20_000)
    assert (town.feeders, town.substations, town.districts, town.transformers) == (24, 4, 2, 1200)
    assert 0.1 < town.own.mean() < 0.3
    assert 14 < town.customers / town.transformers < 20
    styles = [town.style(feeder) for feeder in range(town.feeders)]
    assert [styles.count(style) for style in (URBAN, SUBURBAN, RURAL)] == [12, 8, 4]
    shares = np.bincount(town.kind, minlength=len(KINDS)) / town.customers
    assert 0.85 < shares[RESIDENTIAL] < 0.95
    assert (shares > 0.002).all()


@given(st.integers(10, 60_000), st.integers(0, 2**31))
def test_any_size_gives_every_usage_point_a_transformer_and_a_feeder(customers: int, seed: int) -> None:
    some = plan.__wrapped__(customers, seed)
    assert some.customers == len(some.kind) == len(some.transformer_of_customer) == some.first_customer[-1]
    counts = np.diff(some.first_customer)
    assert counts.min() >= 1
    assert (counts[some.own] == 1).all()
    assert np.diff(some.first_transformer).min() >= 1
    assert some.feeders >= 2
    assert some.substations >= 2
    assert max(some.place_in_substation(feeder) for feeder in range(some.feeders)) < 6
    assert (some.transformer_kva > 0).all()
    last = customers - 1
    assert last in some.customers_of(int(some.transformer_of_customer[last]))
    assert last in some.customers_of_feeder(some.feeders - 1)


def test_a_million_has_the_same_ratios() -> None:
    large = plan(1_000_000)
    assert (large.feeders, large.substations, large.districts, large.transformers) == (1200, 200, 100, 60_000)


def test_another_seed_gives_another_utility_and_the_same_seed_the_same() -> None:
    one, again, other = plan.__wrapped__(500, 1), plan.__wrapped__(500, 1), plan.__wrapped__(500, 2)
    assert (one.kind == again.kind).all()
    assert (one.rated_kva == again.rated_kva).all()
    assert (one.rated_kva != other.rated_kva).any()


@given(st.integers(0, 2**32 - 1), st.integers(0, 100), st.integers(0, 2**40))
def test_one_number_draws_what_the_array_draws(seed: int, stream: int, number: int) -> None:
    assert whole(seed, stream, number) == int(bits(seed, stream, np.array([number]))[0])


def test_codes_lead_back() -> None:
    town = plan(20_000)
    assert codes.breaker_code(0) == "F001-CB"
    for transformer in range(0, town.transformers, 97):
        assert codes.transformer_number(town, codes.transformer_code(town, transformer)) == transformer
    with pytest.raises(ValueError, match="no transformer"):
        codes.transformer_number(town, "F001-T999")
    assert codes.customer_number(codes.usage_point(4711)) == 4711
    hanging = {codes.supply_code(town, customer) for customer in range(town.customers)}
    boxes = sum(codes.meter_boxes(town, transformer) for transformer in range(town.transformers))
    assert sum("-M" in code for code in hanging) == boxes > 2000
    assert any("-T" in code for code in hanging)


def test_names_are_chinese_and_foreign_and_telephones_can_be_read() -> None:
    town = plan(20_000)
    everybody = [names.who(town, person, int(town.kind[person % 20_000])) for person in range(40_000)]
    foreign = [who for who in everybody if who.lang == "en"]
    assert 0.005 < len(foreign) / len(everybody) < 0.03
    assert all(who.name.isascii() or "García" in who.name for who in foreign)
    written = [phone for who in everybody for phone in who.phone.split(";") if phone]
    numbers = [phonenumbers.parse(phone, "CN") for phone in written[::7]]
    assert all(phonenumbers.is_valid_number(number) for number in numbers)
    spelt = {"".join(letter for letter in phone if letter.isdigit())[-10:] for phone in written}
    assert 0.99 * len(written) < len(spelt) < len(written)
    assert 0.01 < sum(not who.phone for who in everybody) / len(everybody) < 0.1


def test_places_form_a_tree_and_addresses_tell_homes_apart() -> None:
    town = plan(20_000)
    tree = places.places(town)
    known: set[str] = set()
    for place in tree:
        assert not place.parent or place.parent in known
        assert place.name not in known
        known.add(place.name)
    homes = [places.place(town, customer) for customer in range(town.customers)]
    assert {home.name for home in homes if home is not None} <= known
    addresses = {places.address(town, customer) for customer in range(town.customers)}
    assert len(addresses) > 0.999 * town.customers


def test_homes_change_hands_stand_empty_and_are_let() -> None:
    town = plan(20_000)
    held = occupancy.occupancy(town)
    vacant = np.flatnonzero(held.state == occupancy.VACANT)
    assert len(vacant) > 100
    assert all(not occupancy.account_no(town, int(customer)) for customer in vacant)
    assert (held.moved[vacant] > 0).all()
    let = np.flatnonzero(held.landlord >= 0)
    assert len(let) > 100
    assert (held.landlord[let] != let).all()
    assert (held.state[held.landlord[let]] == occupancy.ACTIVE).all()
    premises = np.flatnonzero(held.account != np.arange(town.customers))
    assert len(premises) > 50
    assert (held.account[held.account] == held.account).all()
    assert (held.exchanged > 0).sum() > 300
    for state in range(4):
        assert (held.state == state).any()


def test_important_users_have_a_second_supply_from_another_feeder() -> None:
    town = plan(20_000)
    supplies = occupancy.standby(town)
    priorities = occupancy.priorities(town)
    assert len(supplies) > 20
    assert {transfer for _, _, transfer in supplies} == {"auto", "manual"}
    fed = {customer for customer, _, _ in supplies}
    assert fed >= set(np.flatnonzero(priorities == "special").tolist())
    across = 0
    for customer, transformer, _ in supplies:
        feeder, other = town.feeder_of_customer(customer), int(town.feeder_of_transformer[transformer])
        assert feeder != other
        across += int(town.substation_of_feeder[feeder] != town.substation_of_feeder[other])
    assert across > len(supplies) / 3
    assert occupancy.key_accounts(town).sum() > 30
    assert (priorities == "life_support").sum() > 50

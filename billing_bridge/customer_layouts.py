"""Layouts that complete what the convenience layout tells: places, terms of usage points, contact persons."""

from typing import Any

from cis_power.core.errors import Problem
from cis_power.core.layouts import Column, Kind, Layout

I, T, F, N, D = Kind.IDENTIFIER, Kind.TEXT, Kind.FLAG, Kind.NUMBER, Kind.DATE  # noqa: E741 - letters of a table

PLACE_KINDS = ("township", "village", "park", "compound", "building", "other")


def _not_in_itself(row: dict[str, Any], _line: int) -> list[Problem]:
    if row["parent"] is not None and row["parent"] == row["place"]:
        return [Problem("circular_parent", "a place does not lie in itself", field="parent")]
    return []


PLACES = Layout(
    "places",
    "Named places and what lies in what: a call about a compound means every building of it.",
    (
        Column("place", "The name, as `place` of `customers` gives it.", T, required=True, example="Lakeside, house 3"),
        Column("kind", "What it is.", Kind.CHOICE, choices=PLACE_KINDS, example="building"),
        Column("parent", "Name of the place it lies in, known or further up in this file.", T),
    ),
    key=("place",),
    row_check=_not_in_itself,
    doubles_pass=True,
    poster="billing_bridge.inbound.places:post",
    chunk_rows=20_000,
)  # fmt: skip

TERMS = Layout(
    "terms",
    "What is agreed for a usage point beside capacity, voltage and priority, which stand in `customers`.",
    (
        Column("usage_point", "A known usage point.", I, required=True, example="U100001"),
        Column("from", "First day; empty: what was unknown holds ever, what is changed holds from now on.", D),
        Column("operating_kva", "Capacity in operation.", N, unit="kVA", minimum=0),
        Column("own_emergency_supply", "Whether there is an emergency supply of the customer's own.", F),
        Column("tolerable_minutes", "Interruption that can be borne.", N, unit="min", minimum=0),
        Column("generation_kw", "Own generation.", N, unit="kW", minimum=0, example="5"),
        Column("may_island", "Whether own generation may go on without the network.", F, example="false"),
        Column("tariff_category", "Category of the tariff.", I),
        Column("industry_code", "Industry, by the utility's own code table.", I),
    ),
    key=("usage_point",),
    doubles_pass=True,
    poster="billing_bridge.inbound.terms:post",
    notes=("Empty fields leave what is there.",),
)  # fmt: skip

CONTACTS = Layout(
    "contacts",
    "Persons to talk to at a customer.",
    (
        Column("account_no", "A known account of the customer.", I, required=True, example="100001"),
        Column("name", "The person.", T, required=True, example="Li Wei"),
        Column("company", "The person's company, where it is not the customer.", T),
        Column("position", "Position there.", T, example="Head of maintenance"),
        Column("phone", "Phones, parted by `;`. An unreadable one is kept as text, with a warning.", T,
               example="13800000001"),
        Column("email", "E-mail address.", T, max_length=320),
    ),
    key=("account_no", "name"),
    doubles_pass=True,
    poster="billing_bridge.inbound.contacts:post",
    notes=("Phones (or an e-mail address) given take the place of those there are; empty fields leave what is there.",),
)  # fmt: skip

LAYOUTS = (CONTACTS, PLACES, TERMS)

"""The layouts of exchange with the business system and the metering system: one declaration each."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Coded, Values
from cis_power.core.errors import Problem
from cis_power.core.layouts import Column, Kind, Layout, Trailer
from cis_power.core.layouts.checks import InOrder

I, T, C, F, N, M, D, A, W, P = (  # noqa: E741 - letters of a table
    Kind.IDENTIFIER, Kind.TEXT, Kind.CHOICE, Kind.FLAG, Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.INSTANT, Kind.INTEGER,
    Kind.PHASES,
)  # fmt: skip

KINDS = ("residential", "commercial", "industrial", "agricultural", "public")
PRIORITIES = ("special", "first", "second", "temporary", "critical", "life_support", "ordinary")


class _InterruptionCheck:
    """It ends after it begins, and says who was out or how many."""

    order = InOrder("began_at", "restored_at", equal_ok=True)

    def __call__(self, row: dict[str, Any], line: int, /) -> Iterable[Problem]:
        yield from self.order(row, line)
        if row["usage_point"] is None and row["customers"] is None:
            yield Problem("missing_value", "without usage_point, customers must say how many", field="customers")

    def suspects(self, columns: Mapping[str, Values], count: int) -> NDArray[np.bool_]:
        unnamed = Coded.of(columns.get("usage_point", Coded.same(None, count))).holds(lambda code: code is None)
        return self.order.suspects(columns, count) | unnamed


DISTRICTS = Layout(
    "districts",
    "The parts of the territory; they form a tree.",
    (
        Column("code", "The district's id.", I, required=True, example="D1"),
        Column("name", "Its name; empty: its code.", T, example="North"),
        Column("parent", "Code of the district it lies in, from this file or an earlier one.", I),
    ),
    key=("code",),
    doubles_pass=True,
    poster="billing_bridge.inbound.districts:post",
    chunk_rows=20_000,
)

CODES = Layout(
    "codes",
    "Entries of the tables of codes: causes of outages and the like, with their names in both languages.",
    (
        Column("kind", "Which table.", C, required=True, choices=("cause", "trouble", "industry", "tariff"),
               example="cause"),
        Column("code", "The code.", I, required=True, max_length=60, example="tree"),
        Column("label_en", "Its name in English; empty: the code.", T, example="Tree contact"),
        Column("label_zh", "Its name in Chinese; empty: the English one.", T, example="树障"),
        Column("group", "The class it counts to, of causes as in IEEE 1782 (weather, equipment, public …).", I,
               max_length=60, example="vegetation"),
        Column("active", "Whether it may still be chosen; empty: yes, or as it was.", F),
    ),
    key=("kind", "code"),
    doubles_pass=True,
    poster="billing_bridge.inbound.codes:post",
    notes=(
        "`cis-power import codes --standard` loads a starting set of causes in the words of DL/T 836 and IEEE 1782.",
        "An entry never goes away by absence; one that is no longer wanted gets `active` false.",
    ),
)  # fmt: skip

CUSTOMERS = Layout(
    "customers",
    "A convenient form for most of what is known: one account, one usage point and one meter a row.",
    (
        Column("account_no", "The account's number; also the customer's where the system has no other.", I,
               required=True, example="100001"),
        Column("name", "Name of the person or organisation. Needed for a new account.", T, example="Wang Xiaoming"),
        Column("kind", "Kind of customer; a new one without it is residential.", C, choices=KINDS,
               example="residential"),
        Column("phone", "Phones, parted by `;`. An unreadable one is kept as text, with a warning.", T,
               example="13800000001"),
        Column("email", "E-mail address.", T, max_length=320, example="wang@example.org"),
        Column("address", "Address of the usage point.", T, max_length=500, example="1 Peace Road"),
        Column("district", "Code of the district; one that is not known yet is made, with a warning.", I),
        Column("usage_point", "The usage point's id.", I, required=True, example="U100001"),
        Column("transformer", "A transformer (its secondary) or else a node of the network; an unknown one is a "
               "warning and the usage point stays unlinked.", I),
        Column("service_priority", "Priority of supply.", C, choices=PRIORITIES, example="ordinary"),
        Column("rated_kva", "Contract capacity.", N, unit="kVA", minimum=0, example="8"),
        Column("nominal_v", "Nominal service voltage.", N, unit="V", minimum=0, example="220"),
        Column("meter_no", "The meter at the usage point.", I, example="M100001"),
        Column("vip", "Whether this is a key customer.", F, example="false"),
        Column("status", "Status of the account at this usage point.", C,
               choices=("active", "disconnected", "closed"), example="active"),
        Column("connected_on", "First day of supply; empty: served always, whatever the import time.", D),
        Column("closed_on", "First day without supply; empty: not closed.", D),
        Column("phases", "Phases the usage point takes; empty: all there are.", P),
        Column("place", "Compound, building or other named place.", T),
        Column("lang", "Language of the customer, e.g. `zh_CN`.", I, max_length=20),
    ),
    key=("account_no", "usage_point"),
    row_check=InOrder("connected_on", "closed_on"),
    doubles_pass=True,
    poster="billing_bridge.inbound.customers:post",
    notes=(
        "An account with several usage points has a row each. Empty fields and absent columns leave what is there.",
        "A changed row is dated: the former value ends and the new one begins at the import, dates given excepted.",
    ),
)  # fmt: skip

AGREEMENTS = Layout(
    "agreements",
    "Who answers for a usage point, from/to: customer and account as owner, tenant, or landlord as fallback.",
    (
        Column("account_no", "A known account.", I, required=True, example="100001"),
        Column("usage_point", "A known usage point.", I, required=True, example="U100001"),
        Column("customer_no", "The customer; empty: the account's. One that is not known yet is made, with a "
               "warning.", I),
        Column("from", "Beginning; empty: ever.", A, example="2026-01-01"),
        Column("to", "End; empty: none.", A),
        Column("party", "In which role.", C, choices=("owner", "tenant", "landlord"), default="owner",
               example="owner"),
    ),
    key=("account_no", "usage_point", "customer_no", "party", "from"),
    row_check=InOrder("from", "to"),
    doubles_pass=True,
    poster="billing_bridge.inbound.agreements:post",
    notes=("The same account, usage point, customer, party and beginning again changes the end.",),
)  # fmt: skip

CONNECTIONS = Layout(
    "connections",
    "What supplies a usage point: a main connection and standby ones.",
    (
        Column("usage_point", "A known usage point.", I, required=True,
               example="U100001"),
        Column("transformer", "A transformer (its secondary) or else a node; an unknown one is a warning.", I,
               required=True, example="T1"),
        Column("role", "Main or standby.", C, choices=("main", "standby"), default="main", example="main"),
        Column("transfer", "How supply is taken over.", C, choices=("auto", "manual"), default="auto", example="auto"),
        Column("phases", "Phases taken; empty: all there are.", P),
        Column("valid_from", "Beginning; empty: ever.", A),
        Column("valid_to", "End; empty: none.", A),
    ),
    key=("usage_point", "transformer", "role", "valid_from"),
    row_check=InOrder("valid_from", "valid_to"),
    doubles_pass=True,
    poster="billing_bridge.inbound.connections:post",
    notes=(
        "A main connection with `valid_from` ends the former main one at that instant: it moved.",
        "Without `valid_from` it takes its place altogether: the former one was always wrong.",
    ),
)  # fmt: skip

METERS = Layout(
    "meters",
    "Meters, their channels, and where they are installed from/to.",
    (
        Column("meter_no", "The meter's number.", I, required=True, example="M100001"),
        Column("usage_point", "A known usage point.", I, required=True, example="U100001"),
        Column("channel", "Name of the channel at the meter; empty: the meter is installed, channels come later.", I,
               example="1"),
        Column("quantity", "What it measures; empty: energy.", I, example="energy"),
        Column("direction", "Import: from the network; export: into it.", C, choices=("import", "export"),
               default="import", example="import"),
        Column("unit", "Unit of the channel; empty: kWh.", I, example="kWh"),
        Column("kind", "Interval values, or readings of a register.", C, choices=("interval", "register"),
               default="interval", example="interval"),
        Column("multiplier", "CT ratio × PT ratio.", N, minimum=1e-9, default=1.0, example="1"),
        Column("from", "Installed; empty: ever.", A),
        Column("to", "Removed; empty: not yet.", A),
        Column("start_read", "Register at installation, in the channel's unit.", N),
        Column("end_read", "Register at removal, in the channel's unit.", N),
    ),
    key=("meter_no", "usage_point", "channel", "from"),
    row_check=InOrder("from", "to"),
    doubles_pass=True,
    poster="billing_bridge.inbound.meters:post",
)  # fmt: skip

READINGS = Layout(
    "readings",
    "Interval values and register readings of meters.",
    (
        Column("meter_no", "The meter.", I, example="M100001"),
        Column("usage_point", "The usage point, where the meter is not named.", I),
        Column("channel", "Name of the channel; may be empty where there is one only.", I, example="1"),
        Column("began_at", "The interval's beginning; of a register: the instant of reading.", A, required=True,
               example="2026-01-01T00:00:00+08:00", may_repeat=True),
        Column("seconds", "The interval's length; empty: a register (which may say 0).", W, unit="s", example="900"),
        Column("value", "The value; empty: missing.", N, example="0.25"),
        Column("unit", "Unit of the value; empty: the channel's.", I, example="kWh"),
        Column("quality", "Quality of the value.", C, choices=("measured", "estimated", "substituted", "missing"),
               default="measured", example="measured"),
    ),
    key=("meter_no", "usage_point", "channel", "began_at", "seconds"),
    one_of=(("meter_no", "usage_point"),),
    doubles_pass=True,
    poster="billing_bridge.inbound.readings:post",
    notes=(
        "Estimated and substituted values do not count as good. A worse quality never replaces a better one.",
        "Where clocks go back, a local time that comes twice for a channel is the later instant the second time.",
    ),
)  # fmt: skip

PAYMENTS = Layout(
    "payments",
    "Payments to accounts.",
    (
        Column("batch_no", "The sender's batch.", I, required=True, example="P1"),
        Column("account_no", "A known account.", I, required=True, example="100001"),
        Column("paid_at", "When it was paid.", A, required=True, example="2026-01-15T10:00:00+08:00"),
        Column("amount", "The amount; negative: taken back.", M, required=True, example="120.50"),
        Column("currency", "ISO 4217.", I, max_length=3, example="CNY"),
        Column("method", "How it was paid.", T, example="bank"),
        Column("reference", "The payment's own number within the batch.", I, required=True, example="R1"),
    ),
    key=("batch_no", "reference"),
    trailer=Trailer("amount"),
    poster="billing_bridge.inbound.money:post_payments",
    notes=(
        "A trailer that does not fit refuses the whole file; an unreadable amount counts 0 in its sum.",
        "The same batch and reference with other content is an error: a payment never changes.",
    ),
)  # fmt: skip

BILLS = Layout(
    "bills",
    "Bills of accounts.",
    (
        Column("bill_no", "The bill's number.", I, required=True, example="B1"),
        Column("account_no", "A known account.", I, required=True, example="100001"),
        Column("from", "First day of the period.", D, example="2026-01-01"),
        Column("to", "Day behind the last one.", D, example="2026-02-01"),
        Column("issued_on", "Day of issue.", D, required=True, example="2026-02-03"),
        Column("due_on", "Last day to pay.", D, example="2026-02-20"),
        Column("energy_kwh", "Energy billed.", N, unit="kWh", example="210"),
        Column("amount", "The amount; negative: a credit.", M, required=True, example="120.50"),
        Column("currency", "ISO 4217.", I, max_length=3, example="CNY"),
        Column("tariff", "Code of the tariff.", I),
    ),
    key=("bill_no",),
    row_check=InOrder("from", "to"),
    poster="billing_bridge.inbound.money:post_bills",
    notes=("A bill that comes again with other content is restated, with the change kept.",),
)  # fmt: skip

INTERRUPTIONS = Layout(
    "interruptions",
    "Interruptions of past years, or of another system: the same ledger that the outage engine writes.",
    (
        Column("outage_no", "The outage's number; rows of one outage share it.", I, required=True, example="O1"),
        Column("step", "Restoration step of the outage.", W, minimum=1, default=1, example="1"),
        Column("usage_point", "A known usage point; empty: `customers` are not named.", I, example="U100001"),
        Column("began_at", "Beginning.", A, required=True, example="2025-06-01T10:00:00+08:00"),
        Column("restored_at", "End; empty: not yet.", A, example="2025-06-01T11:30:00+08:00"),
        Column("kind", "Planned or not.", C, choices=("planned", "unplanned"), default="unplanned",
               example="unplanned"),
        Column("cause", "Any text; a code that is not known is a warning.", T),
        Column("device", "The device that opened, known to the network or not.", I),
        Column("operations", "Operations the row stands for (reclosing).", W, minimum=0, default=1, example="1"),
        Column("event_no", "Rows of one event share it.", I),
        Column("connected_kva", "Capacity interrupted; empty: the usage point's `rated_kva`.", N, unit="kVA",
               minimum=0),
        Column("responsibility", "Whose responsibility it was.", C,
               choices=("distribution", "loss_of_supply", "rationing", "customer", "third_party")),
        Column("sub_kind", "Fault, planned, temporary, rationing and so on.", I),
        Column("phases", "Phases that were out; empty: all.", P),
        Column("customers", "How many customers an unnamed row stands for.", W, minimum=1),
    ),
    key=("outage_no", "step", "usage_point", "began_at"),
    key_needs="usage_point",
    row_check=_InterruptionCheck(),
    doubles_pass=True,
    poster="billing_bridge.inbound.interruptions:post",
    notes=(
        "Rows without usage points count in totals, but in no figure that needs to know who was out.",
        "A row of the same key in a later file takes the place of the former one, which is kept as superseded.",
        "Months that are locked take no rows.",
    ),
)  # fmt: skip

LAYOUTS = (
    AGREEMENTS, BILLS, CODES, CONNECTIONS, CUSTOMERS, DISTRICTS, INTERRUPTIONS, METERS, PAYMENTS, READINGS,
)  # fmt: skip

"""Posting the convenience layout: one account, one usage point, one meter a row."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of, midnight
from billing_bridge.inbound.customer_file import CustomerFile
from billing_bridge.inbound.districts import district_keys
from cis_power.access.models import District
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Row, Rows
from cis_power.customers.agreement_posting import Agreement, Agreements, active_elsewhere
from cis_power.customers.connection_posting import Connections
from cis_power.customers.contact_forms import read_email, read_phones
from cis_power.customers.life_support import LifeSupports
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    LifeSupport,
    Place,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.party_posting import Parties, Party, PartyTold
from cis_power.customers.place_posting import Point, Points, PointTold
from cis_power.customers.search_terms import write_terms
from cis_power.customers.service_dates import ACTIVE, Told, joint_time_line
from cis_power.metering.installing import Meters
from cis_power.metering.meter_terms import meter_terms
from cis_power.metering.models import Meter, MeterInstallation

_ORDER = (
    District, Customer, CustomerAccount, ContactPoint, Place, ServiceLocation, UsagePoint, UsagePointStatus,
    UsagePointTerms, UsagePointDistrict, CustomerAgreement, SupplyConnection, LifeSupport, Meter, MeterInstallation,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is already about the things that some rows name."""

    districts: dict[str, int]
    made_districts: set[str]
    parties: Parties
    points: Points
    agreements: Agreements
    connections: Connections
    meters: Meters
    life_support: LifeSupports


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change what the rows say; empty fields say nothing."""
    return _CustomerRows(session, rows, posting).post()


class _CustomerRows:
    def __init__(self, session: Session, rows: Rows, posting: Posting) -> None:
        self._session, self._posting = session, posting
        self._rows = list(rows)
        self._outcome = Outcome(rows)
        self._changes = changes_of(session, posting)
        memory = posting.memory
        self._file: CustomerFile = memory.setdefault("customers", None) or CustomerFile.of(posting.file or rows)
        memory["customers"] = self._file
        self._known = self._load()
        self._accounts: set[int] = set()
        self._usage_points: set[int] = set()
        self._metered: set[int] = set()

    def _load(self) -> _Known:
        rows, changes = self._rows, self._changes
        points = Points(changes, _given(rows, "usage_point"), _given(rows, "place"))
        found = (points.find(row["usage_point"]) for row in rows)
        point_ids = [point.usage_point_id for point in found if point is not None]
        districts, made = district_keys(self._session, _given(rows, "district"), changes)
        return _Known(
            districts,
            made,
            Parties(changes, _given(rows, "account_no")),
            points,
            Agreements(changes, point_ids),
            Connections(changes, point_ids, _given(rows, "transformer")),
            Meters(changes, _given(rows, "meter_no"), point_ids),
            LifeSupports(changes, point_ids),
        )

    def post(self) -> Outcome:
        for place, row in enumerate(self._rows):
            before, conflicts = self._changes.count, self._changes.conflicts
            accounts = self._post_row(place, row)
            if accounts is None:
                continue
            if self._changes.conflicts > conflicts:
                self._outcome.warn(
                    place, "owned_elsewhere", "another system owns a field: its value is kept as a conflict"
                )
            if self._changes.count == before:
                self._outcome.unchanged(place)
            else:
                party, point = accounts
                self._accounts.add(party.account_id)
                self._usage_points.add(point.usage_point_id)
                if row["meter_no"] is not None:
                    self._metered.add(point.usage_point_id)
        self._changes.write(_ORDER)
        meters = meter_terms(self._session, self._metered)
        write_terms(self._session, self._accounts, self._usage_points, meters)
        return self._outcome

    def _post_row(self, place: int, row: Row) -> tuple[Party, Point] | None:
        zone = self._posting.zone
        told = Told(row["status"], midnight(row["connected_on"], zone), midnight(row["closed_on"], zone))
        party = self._post_party(place, row, told)
        if party is None:
            self._outcome.reject(place, "missing_value", "a new account needs a name", "name")
            return None
        point = self._post_point(place, row)
        self._post_agreement(party, point, told)
        self._post_supply(place, row, point)
        self._post_meter(place, row, point)
        if row["service_priority"] is not None:
            wanted = row["service_priority"] == "life_support"
            self._known.life_support.post(
                party.customer_id, point.usage_point_id, row["connected_on"], zone, wanted=wanted
            )
        return party, point

    def _post_party(self, place: int, row: Row, told: Told) -> Party | None:
        phones = tuple(read_phones(row["phone"], self._posting.region)) if row["phone"] else ()
        emails = (read_email(row["email"]),) if row["email"] else ()
        for contact, name in ((c, n) for group, n in ((phones, "phone"), (emails, "email")) for c in group):
            if contact.normal is None:
                self._outcome.warn(place, f"unreadable_{name}", f"{name} cannot be read and is kept as text", name)
        number = row["account_no"]
        if self._file.first_line[number] != row.line:
            for name in self._file.differences(row):
                message = f"line {self._file.first_line[number]} says otherwise for this account; its {name} counts"
                self._outcome.warn(place, "account_differs", message, name)
            # What is said of the account as a whole stands on its first line.
            return self._known.parties.post(PartyTold(number, name=self._file.first_party[number][0]))
        party = PartyTold(
            number,
            row["name"],
            row["kind"],
            row["vip"],
            row["lang"],
            phones,
            emails,
            self._account_status(number),
            told.connected_at,
            told.closed_at,
        )
        return self._known.parties.post(party)

    def _account_status(self, number: str) -> str | None:
        """The best status of the account's usage points: those of the file, and those that are elsewhere active."""
        status = self._file.status.get(number)
        present = self._known.parties.find(number)
        if status in (None, ACTIVE) or present is None or present.account["status"] != ACTIVE:
            return status
        elsewhere = active_elsewhere(self._session, present.account_id, self._file.usage_points[number])
        return None if elsewhere else status

    def _post_point(self, place: int, row: Row) -> Point:
        district = row["district"]
        if district is not None and district in self._known.made_districts:
            self._known.made_districts.discard(district)
            self._outcome.warn(
                place, "unknown_district", f"district {district!r} was not known and is made", "district"
            )
        return self._known.points.post(
            PointTold(
                row["usage_point"],
                row["address"],
                row["place"],
                None if district is None else self._known.districts[district],
                row["rated_kva"],
                row["nominal_v"],
                row["service_priority"],
            )
        )

    def _post_agreement(self, party: Party, point: Point, told: Told) -> None:
        agreements = self._known.agreements
        wanted = Agreement(party.account_id, party.customer_id, "owner", told.connected_at, told.closed_at)
        agreements.post_own(point.usage_point_id, wanted, told.status)
        if agreements.shared(point.usage_point_id):
            self._known.points.put_status(point, joint_time_line(agreements.spans(point.usage_point_id)))
        elif told != Told(None, None, None) or not point.status:
            self._known.points.post_status(point, told)

    def _post_supply(self, place: int, row: Row, point: Point) -> None:
        transformer, connections = row["transformer"], self._known.connections
        if transformer is not None and not connections.knows(transformer):
            message = f"{transformer!r} is neither a transformer nor a node of the network: not linked"
            self._outcome.warn(place, "unknown_transformer", message, "transformer")
        connections.post_main(point.usage_point_id, transformer, row["phases"])

    def _post_meter(self, place: int, row: Row, point: Point) -> None:
        number = row["meter_no"]
        if number is None:
            return
        first = self._file.usage_point_of_meter[number]
        if first != row["usage_point"]:
            message = f"meter {number!r} stands at {first!r}, by an earlier row"
            self._outcome.warn(place, "meter_elsewhere", message, "meter_no")
            return
        elsewhere = self._known.meters.stands_elsewhere(number, point.usage_point_id)
        if elsewhere is not None:
            self._outcome.warn(place, "meter_moved", f"meter {number!r} stood elsewhere and is moved", "meter_no")
            self._metered.add(elsewhere)
        self._known.meters.post_present(point.usage_point_id, number)


def _given(rows: list[Row], name: str) -> set[str]:
    return {row[name] for row in rows if row[name] is not None}

"""Writing the demo utility as the files that the importers read."""

import csv
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from cis_power.demo import customers as people
from cis_power.demo import network
from cis_power.demo.plan import Plan
from cis_power.demo.points import POLL_SECONDS, points

HEADS = {
    "nodes": "node,x,y,nominal_v",
    "equipment": "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,"
    "name,owner",
    "sources": "node",
    "districts": "code,name,parent",
    "places": "place,kind,parent",
    "customers": "account_no,name,kind,phone,email,address,district,usage_point,transformer,service_priority,rated_kva,"
    "nominal_v,meter_no,vip,status,connected_on,closed_on,phases,place,lang",
    "agreements": "account_no,usage_point,customer_no,from,to,party",
    "connections": "usage_point,transformer,role,transfer,phases,valid_from,valid_to",
    "terms": "usage_point,operating_kva,generation_kw,may_island,own_emergency_supply,tolerable_minutes,"
    "tariff_category,industry_code",
    "contacts": "account_no,name,company,position,phone,email",
    "meters": "meter_no,usage_point,channel,quantity,direction,unit,kind,multiplier,from,to,start_read,end_read",
    "points": "point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,"
    "normal_state,min,max,deadband,poll_seconds",
}

Rows = Iterable[tuple[object, ...]]


def write(folder: Path, kind: str, plan: Plan, until: date, poll_seconds: float = POLL_SECONDS) -> Path:
    """Write the file (of the network: the folder) that an importer of this kind reads; answers where it is.

    `until`: the last day of the past, local.
    """
    if kind == "network":
        return _write_network(folder / "network", plan)
    rows: dict[str, Callable[[], Rows]] = {
        "districts": lambda: people.districts(plan),
        "places": lambda: people.place_rows(plan),
        "customers": lambda: people.customers(plan, until),
        "agreements": lambda: people.agreements(plan, until),
        "connections": lambda: people.connections(plan),
        "terms": lambda: people.terms(plan),
        "contacts": lambda: people.contacts(plan),
        "meters": lambda: people.meters(plan, until),
        "points": lambda: points(plan, poll_seconds),
    }
    return _write(folder / f"{kind}.csv", HEADS[kind], rows[kind]())


def _write_network(folder: Path, plan: Plan) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "nodes.csv").open("w", encoding="utf-8", newline="") as nodes,
        (folder / "equipment.csv").open("w", encoding="utf-8", newline="") as equipment,
    ):
        nodes.write(HEADS["nodes"] + "\n")
        equipment.write(HEADS["equipment"] + "\n")
        node_rows, equipment_rows = (csv.writer(file, lineterminator="\n") for file in (nodes, equipment))
        for part in network.parts(plan):
            node_rows.writerows(part.nodes)
            equipment_rows.writerows(part.equipment)
    _write(folder / "sources.csv", HEADS["sources"], ((code,) for code in network.sources(plan)))
    return folder


def _write(file: Path, head: str, rows: Rows) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(head + "\n")
        csv.writer(out, lineterminator="\n").writerows(rows)
    return file

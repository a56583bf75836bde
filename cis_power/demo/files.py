"""Writing the demo utility as the files that the importers read."""

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cis_power.demo import customers as people
from cis_power.demo import network
from cis_power.demo.points import points

HEADS = {
    "network/nodes": "node,x,y,nominal_v",
    "network/equipment": "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,"
    "district,name,owner",
    "network/sources": "node",
    "districts": "code,name,parent",
    "customers": "account_no,name,kind,phone,email,address,district,usage_point,transformer,service_priority,rated_kva,"
    "nominal_v,meter_no,vip,status,place",
    "connections": "usage_point,transformer,role,transfer,phases,valid_from,valid_to",
    "meters": "meter_no,usage_point,channel,quantity,direction,unit,kind,multiplier",
    "readings": "meter_no,channel,began_at,seconds,value,unit,quality",
    "interruptions": "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations",
    "points": "point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,"
    "normal_state,min,max,deadband,poll_seconds",
}


def write(
    folder: Path,
    plan: network.Plan,
    until: datetime,
    *,
    seed: int = 7,
    days: int = 7,
    metered: int = 200,
    poll_seconds: float = 2.0,
) -> None:
    """Write every file into `folder`: network/ and one CSV a layout. `until` (aware) is the end of the past."""
    sources = ((network.substation_code(number),) for number in range(plan.substations))
    content: dict[str, Iterable[network.Row]] = {
        "network/nodes": network.nodes(plan),
        "network/equipment": network.equipment(plan),
        "network/sources": sources,
        "districts": people.districts(plan),
        "customers": people.customers(plan, seed),
        "connections": people.connections(plan, seed),
        "meters": people.meters(plan, metered),
        "readings": people.readings(plan, seed, until, days, metered),
        "interruptions": people.interruptions(plan, seed, until),
        "points": points(plan, poll_seconds),
    }
    (folder / "network").mkdir(parents=True, exist_ok=True)
    for name, rows in content.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(HEADS[name] + "\n")
            csv.writer(file, lineterminator="\n").writerows(rows)

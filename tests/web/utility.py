"""A two-district utility as contract files, with one canary a district and field, loaded by the commands themselves.

The own district is EAST, the foreign one WEST; one feeder crosses the border. Each text and number of a district occurs
nowhere else, so that whatever shows it has shown that district.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from click.testing import CliRunner

from cis_power.cli import commands
from tests.journeys.field import FieldDevice

BEGAN, RESTORED = "2026-03-02T08:00:00+08:00", "2026-03-02T09:17:00+08:00"
OPENED = "2026-05-04T10:00:00+08:00"


@dataclass(frozen=True)
class District:
    """One district's canaries: what each field holds for its first customer and its network."""

    district: str
    district_name: str
    account_no: str
    name: str
    phone: str
    email: str
    address: str
    place: str
    usage_point: str
    meter_no: str
    transformer: str
    device: str
    device_name: str
    feeder: str
    substation: str
    node: str
    point_id: str
    outage_no: str
    cause: str
    payment: str
    bill: str
    paid: str
    billed: str
    energy: str
    rated: str
    value: str
    important_account: str
    important_name: str
    important_phone: str
    important_usage_point: str

    def texts(self) -> dict[str, str]:
        """Every canary by field."""
        return asdict(self)


EAST = District(
    "EASTQ", "Eastmarsh", "E7731001", "魏晨曦", "13977000131", "dawn.e7731@example.org", "晨曦里 7731 号",
    "Eastmarsh Court",
    "EUP7731", "EMT7731", "ETX7731", "EBRK7731", "Eastmarsh breaker", "EFDR7731", "ESUB7731", "ENODE7731", "EPNT7731",
    "EOUT7731", "ecause7731", "EPAY7731", "EBILL7731", "771.31", "881.31", "37.3125", "73.31", "173.5",
    "E7731002", "Eastmarsh Hospital", "13977000132", "EUP7732",
)  # fmt: skip
WEST = District(
    "WESTQ", "Westmoor", "W8842001", "董暮色", "13688000241", "dusk.w8842@example.org", "暮色巷 8842 号",
    "Westmoor Court",
    "WUP8842", "WMT8842", "WTX8842", "WBRK8842", "Westmoor breaker", "WFDR8842", "WSUB8842", "WNODE8842", "WPNT8842",
    "WOUT8842", "wcause8842", "WPAY8842", "WBILL8842", "442.88", "553.88", "48.8125", "84.88", "284.25",
    "W8842002", "Westmoor Hospital", "13688000242", "WUP8843",
)  # fmt: skip
DISTRICTS = (EAST, WEST)
PERSONAL = frozenset({"name", "phone", "email", "address", "important_name", "important_phone"})
SHARED = {"border_device": "XBRK5500", "border_feeder": "XFDR5500", "border_transformer": "XTX5500"}


def _network() -> dict[str, str]:
    nodes, equipment, sources = ["node,x,y,nominal_v", "ROOT,0,0,10000"], [], ["node", "ROOT"]
    equipment.append(
        "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name"
    )
    for place, own in enumerate(DISTRICTS, start=1):
        nodes += [f"{own.node},{place},0,10000", f"{own.node}L,{place},1,400"]
        feeder = f"{own.feeder},{own.substation},{own.district}"
        equipment += [
            f"{own.device},breaker,ROOT,{own.node},0,1,ABC,,{feeder},{own.device_name}",
            f"{own.transformer},transformer,{own.node},{own.node}L,0,0,ABC,400,{feeder},",
        ]
    nodes += ["XNODE,3,0,10000", "XNODEL,3,1,400"]
    border = f"{SHARED['border_feeder']},{EAST.substation},{EAST.district}"
    equipment += [
        f"{SHARED['border_device']},breaker,ROOT,XNODE,0,1,ABC,,{border},",
        f"{SHARED['border_transformer']},transformer,XNODE,XNODEL,0,0,ABC,400,{border},",
    ]
    return {name: "\n".join(lines) + "\n" for name, lines in
            {"nodes": nodes, "equipment": equipment, "sources": sources}.items()}  # fmt: skip


def _business(own: District) -> Iterator[tuple[str, str]]:
    """Yield the kind and content of each file that the business system would send for a district."""
    letter = own.account_no[0]
    yield (
        "customers",
        (
            "account_no,name,kind,phone,email,address,district,usage_point,transformer,service_priority,rated_kva,nominal_v,"
            "meter_no,vip,status,place\n"
            f"{own.account_no},{own.name},residential,{own.phone},{own.email},{own.address},{own.district},{own.usage_point},"
            f"{own.transformer},ordinary,{own.rated},220,{own.meter_no},0,active,{own.place}\n"
            f"{own.important_account},{own.important_name},public,{own.important_phone},,,{own.district},"
            f"{own.important_usage_point},{own.transformer},special,500,380,{own.meter_no}2,1,active,\n"
            f"{letter}5500001,{own.district_name} border,commercial,,,,{own.district},{letter}UP5500,"
            f"{SHARED['border_transformer']},ordinary,10,220,,0,active,\n"
        ),
    )
    yield (
        "meters",
        (
            "meter_no,usage_point,channel,quantity,direction,unit,kind,multiplier\n"
            f"{own.meter_no},{own.usage_point},1,energy,import,kWh,interval,1\n"
        ),
    )
    hours = [f"2026-03-01T{hour:02d}:00:00+08:00" for hour in range(24)]
    yield (
        "readings",
        (
            "meter_no,channel,began_at,seconds,value,unit,quality\n"
            + "".join(f"{own.meter_no},1,{hour},3600,{own.energy},kWh,measured\n" for hour in hours)
        ),
    )
    yield (
        "bills",
        (
            "bill_no,account_no,from,to,issued_on,due_on,energy_kwh,amount,currency\n"
            f"{own.bill},{own.account_no},2026-03-01,2026-04-01,2026-04-03,2026-04-20,900,{own.billed},CNY\n"
        ),
    )
    yield (
        "payments",
        (
            "batch_no,account_no,paid_at,amount,currency,method,reference\n"
            f"{own.payment},{own.account_no},2026-04-10T10:00:00+08:00,{own.paid},CNY,bank,{own.payment}R\n"
            f"#TRAILER,1,{own.paid}\n"
        ),
    )
    yield (
        "interruptions",
        (
            "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations,event_no,connected_kva\n"
            f"{own.outage_no},1,{own.usage_point},{BEGAN},{RESTORED},unplanned,{own.cause},{own.device},1,,\n"
        ),
    )


def _points() -> str:
    header = "point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,"
    rows = [header + "normal_state,min,max,deadband,poll_seconds"]
    for place, own in enumerate(DISTRICTS):
        rows.append(f"{own.point_id},rtu1,1,holding,{2 * place},float32,big,,,A,analog,{own.device},current,,,,,2")
        rows.append(f"{own.point_id}.pos,rtu1,1,coil,{place},bit,,,,,discrete,{own.device},position,1,,,,2")
    return "\n".join(rows) + "\n"


class Builder:
    """Runs commands in this process on one database, as a person would type them."""

    def __init__(self, folder: Path, database: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._runner = folder, CliRunner()
        self.environ = {"CIS_DATABASE": f"sqlite:///{database}", "CIS_RUN_DIR": str(folder / "run"), **environ}

    def run(self, *words: object) -> None:
        """Run one command; it must succeed."""
        with _environment(self.environ):
            result = self._runner.invoke(commands, [str(word) for word in words])
        assert result.exit_code == 0, f"{words}: {result.output}\n{result.exception!r}"

    def post(self, name: str, words: tuple[str, ...], content: str) -> None:
        """Write a file and give it to a command."""
        file = self._folder / f"{name}.csv"
        file.write_text(content, encoding="utf-8")
        self.run(*words, file)


def build_base(builder: Builder, folder: Path, field: FieldDevice) -> None:
    """Load both districts' network and points, and the business of EAST alone."""
    builder.run("db", "upgrade")
    names = "".join(f"{own.district},{own.district_name},\n" for own in DISTRICTS)
    builder.post("districts", ("import", "districts"), "code,name,parent\n" + names)
    network = folder / "network"
    network.mkdir()
    for name, content in _network().items():
        (network / f"{name}.csv").write_text(content, encoding="utf-8")
    builder.run("network", "import", "csv", network)
    builder.post("points", ("points", "import"), _points())
    for place, own in enumerate(DISTRICTS):
        field.float32(2 * place, float(own.value))
    builder.run("poll", "--once")
    add_business(builder, EAST)
    builder.run("switch", "open", EAST.device, "--at", OPENED, "--by", "control room")
    builder.run("engine", "--once")
    builder.run("call", "add", "--account", EAST.account_no)


def add_business(builder: Builder, own: District) -> None:
    """Load what the business system knows of a district."""
    for kind, content in _business(own):
        builder.post(f"{own.district}-{kind}", ("import", kind), content)


def add_foreign(builder: Builder) -> None:
    """Load WEST, and let its breaker open and its customer call."""
    add_business(builder, WEST)
    builder.run("switch", "open", WEST.device, "--at", OPENED, "--by", "control room")
    builder.run("engine", "--once")
    builder.run("call", "add", "--account", WEST.account_no)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("CIS_")}
    for name in kept:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(kept)

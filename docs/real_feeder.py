"""Writes the tutorial's files from an OpenDSS feeder and a set of meter readings.

    python -m docs.real_feeder FEEDER.dss READINGS.parquet FOLDER [--port P] [--zone Z]

FOLDER gets points.csv (a position for every switch of the feeder), customers.csv (a customer and a meter for every
load), readings.csv (a week of quarter-hours for every load) and cis.toml. Behind each load stands a group of equal
households: as many as it takes for the peak of the group to come nearest to the load's kVA, at least one.
"""

import argparse
import csv
from pathlib import Path

import pandas as pd

from cis_power.network.importers import READERS
from cis_power.network.model import SWITCHING_KINDS, Load, NetworkModel

SOURCE = "rtu123"
POINTS = (
    "point_id", "source", "device_id", "table", "address", "datatype", "kind", "equipment", "quantity", "normal_state",
    "poll_seconds",
)  # fmt: skip
CUSTOMERS = (
    "account_no", "name", "kind", "district", "usage_point", "rated_kva", "nominal_v", "meter_no", "status",
)  # fmt: skip
READINGS = ("meter_no", "usage_point", "channel", "began_at", "seconds", "value", "unit", "quality")
SECONDS = 900


def households(file: Path) -> pd.DataFrame:
    """Energy in kWh by instant (rows) and residential customer (columns), customers in the order of their ids."""
    rows = pd.read_parquet(file, columns=["customer_id", "customer_type", "timestamp", "energy_kwh"])
    rows = rows[rows["customer_type"] == "residential"]
    return rows.pivot_table(index="timestamp", columns="customer_id", values="energy_kwh").sort_index(axis=1)


def group_size(load: Load, energy_kwh: pd.Series) -> int:
    """How many such households come nearest to the load."""
    peak_kw = float(energy_kwh.max()) * 3600 / SECONDS
    return max(1, round((load.rated_kva or 0.0) / peak_kw))


def readings(model: NetworkModel, energy: pd.DataFrame) -> dict[str, pd.Series]:
    """Energy in kWh by load: the first household behind the first load, and so on, from the start again if need be."""
    found = {}
    for place, load in enumerate(model.loads):
        household = energy.iloc[:, place % energy.shape[1]]
        found[load.code] = (household * group_size(load, household)).round(4)
    return found


def write_points(model: NetworkModel, file: Path) -> None:
    """A coil for every switch, 1 = closed."""
    switches = [item for item in model.equipment if item.kind in SWITCHING_KINDS]
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(POINTS)
        for address, item in enumerate(switches):
            state = 0 if item.normal_open else 1
            writer.writerow(
                (
                    f"{item.code}.position",
                    SOURCE,
                    1,
                    "coil",
                    address,
                    "bit",
                    "discrete",
                    item.code,
                    "position",
                    state,
                    2,
                )
            )


def write_customers(model: NetworkModel, file: Path) -> None:
    """An account and a meter for every load; what supplies it the network said."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(CUSTOMERS)
        for place, load in enumerate(model.loads, 1):
            writer.writerow((
                f"{place:05}", f"Load {load.code}", "residential", "FEEDER", load.code,
                f"{load.rated_kva or 0:.3f}", f"{load.nominal_v or 0:.0f}", f"M-{load.code}", "active",
            ))  # fmt: skip


def write_readings(energy: dict[str, pd.Series], file: Path, zone: str) -> None:
    """The readings as the layout `readings` has them."""
    with file.open("w", newline="", encoding="utf-8") as out:
        out.write(f"#TZ={zone}\n")
        writer = csv.writer(out)
        writer.writerow(READINGS)
        for code, series in energy.items():
            for began_at, value in series.items():
                writer.writerow(
                    (f"M-{code}", code, "", began_at.isoformat(), SECONDS, f"{value:.4f}", "kWh", "measured")  # type: ignore[attr-defined]
                )


def write_all(feeder: Path, meters: Path, folder: Path, port: int, zone: str) -> NetworkModel:
    """Write every file of the tutorial; answers the feeder."""
    folder.mkdir(parents=True, exist_ok=True)
    model = READERS["opendss"](feeder)
    write_points(model, folder / "points.csv")
    write_customers(model, folder / "customers.csv")
    write_readings(readings(model, households(meters)), folder / "readings.csv", zone)
    settings = f'timezone = "{zone}"\n\n[sources.{SOURCE}]\nurl = "modbus://127.0.0.1:{port}"\n'
    (folder / "cis.toml").write_text(settings, encoding="utf-8")
    return model


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.real_feeder", description="Write the tutorial's files.")
    parser.add_argument("feeder", type=Path)
    parser.add_argument("readings", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=5020)
    parser.add_argument("--zone", default="America/Phoenix")
    given = parser.parse_args()
    write_all(given.feeder, given.readings, given.folder, given.port, given.zone)


if __name__ == "__main__":
    main()

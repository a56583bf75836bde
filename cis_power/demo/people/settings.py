"""The table `[people]` of the settings: checked, and made a `Manner`. Pure."""

from collections.abc import Mapping
from dataclasses import fields

from cis_power.core.errors import ConfigError, Problem
from cis_power.demo.people.manner import Manner

_MOST = {"crews": 1_000, "payments_a_day": 100_000}


def manner_of(values: Mapping[str, float]) -> Manner:
    """A manner with these values, the rest as usual. Raises ConfigError naming every wrong one."""
    kinds = {field.name: field.type for field in fields(Manner)}
    problems = []
    for name, value in values.items():
        if name not in kinds:
            problems.append(Problem("unknown_setting", "there is no such setting", field=f"people.{name}"))
        elif not _fits(name, value):
            problems.append(Problem("wrong_setting", f"{value} is out of range", field=f"people.{name}"))
    if problems:
        raise ConfigError("the settings are wrong", problems)
    return Manner(**{name: int(value) if kinds[name] is int else float(value) for name, value in values.items()})  # type: ignore[arg-type]


def _fits(name: str, value: float) -> bool:
    if name.endswith("_share"):
        return 0 <= value <= 1
    if name == "pace":
        return 0.1 <= value <= 1_000
    if name in _MOST:
        return value == int(value) and (name != "crews" or value >= 1) and 0 <= value <= _MOST[name]
    return 0 <= value <= 100_000

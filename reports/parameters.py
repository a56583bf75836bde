"""Parameters of reports: declared once, read alike from the command line, the web and schedules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from cis_power.core.errors import InvalidInput, Problem
from cis_power.core.time import iso, parse_instant


@dataclass(frozen=True, slots=True)
class Parameter:
    """One more parameter of a report. `read` makes its value from a text and raises ValueError with the reason."""

    name: str
    description: str
    read: Callable[[str], Any]
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a report is asked for: a period [from_at, to_at) in the zone of its days, districts, and its own options.

    `districts` holds codes; none means the viewer's whole territory.
    """

    from_at: datetime
    to_at: datetime
    zone: tzinfo
    districts: tuple[str, ...] = ()
    options: Mapping[str, Any] = ()  # type: ignore[assignment]

    def option(self, name: str) -> Any:
        return dict(self.options)[name]

    def as_dict(self) -> dict[str, Any]:
        """As they stand in the report."""
        return {
            "from": iso(self.from_at, self.zone),
            "to": iso(self.to_at, self.zone),
            "districts": list(self.districts),
            **{name: value for name, value in dict(self.options).items() if value is not None},
        }


def choice(*allowed: str) -> Callable[[str], str]:
    """A reader that takes one of some words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return read


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """A reader that takes a whole number in a range."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a whole number") from None
        if not minimum <= number <= maximum:
            raise ValueError(f"{number}: from {minimum} to {maximum}")
        return number

    return read


LONGEST_PERIOD = timedelta(days=3660)


def read_parameters(
    declared: Sequence[Parameter],
    given: Mapping[str, str | None],
    districts: Sequence[str],
    zone: tzinfo,
) -> Parameters:
    """Parameters out of texts: `from`, `to` and the declared ones. Raises InvalidInput naming everything wrong."""
    problems: list[Problem] = []
    bounds: dict[str, datetime] = {}
    for name in ("from", "to"):
        try:
            bounds[name] = parse_instant(given.get(name) or "", zone)
        except ValueError as error:
            message = str(error) if given.get(name) else "is needed"
            problems.append(Problem("invalid_parameter", message, field=name))
    if len(bounds) == 2:
        if bounds["to"] <= bounds["from"]:
            problems.append(Problem("invalid_parameter", "must lie after from", field="to"))
        elif bounds["to"] - bounds["from"] > LONGEST_PERIOD:
            problems.append(Problem("invalid_parameter", "a report covers at most ten years", field="to"))
    options: dict[str, Any] = {}
    for parameter in declared:
        text = given.get(parameter.name)
        if text is None or text == "":
            options[parameter.name] = parameter.default
            continue
        try:
            options[parameter.name] = parameter.read(text)
        except ValueError as error:
            problems.append(Problem("invalid_parameter", str(error), field=parameter.name))
    known = {"from", "to", *(parameter.name for parameter in declared)}
    for name in sorted(set(given) - known):
        problems.append(Problem("unknown_parameter", f"{name!r} is not a parameter of this report", field=name))
    if problems:
        raise InvalidInput(
            "the report cannot be made: " + "; ".join(f"{p.field}: {p.message}" for p in problems), problems
        )
    return Parameters(bounds["from"], bounds["to"], zone, tuple(districts), options)

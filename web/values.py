"""The kinds of values that travel in URLs and bodies: what each looks like, so that tests can put others in its place.

A view names a kind (`/customers/<account_no:account_no>`, or a body field `AccountNo`), and the tests supply an own, a
foreign, a missing and a malformed value of that kind; a parameter of no kind fails them.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from werkzeug.routing import BaseConverter, Map

FILE_FORMATS = ("json", "csv", "xlsx")


class NamedValue(BaseConverter):
    """A text of one path segment that names something of ours, in its owner's words."""

    kind: ClassVar[str]
    regex = r"[^/\x00-\x1f\x7f]{1,120}"


class AccountNumber(NamedValue):
    """An account number."""

    kind = "account_no"


class OutageId(NamedValue):
    """An outage's id."""

    kind = "outage_id"


class FeederName(NamedValue):
    """A feeder's name."""

    kind = "feeder"


class SubstationName(NamedValue):
    """A substation's name."""

    kind = "substation"


class DeviceName(NamedValue):
    """A device's name."""

    kind = "device"


class PointId(NamedValue):
    """A telemetry point's id."""

    kind = "point_id"


class ReportName(NamedValue):
    """A report's name."""

    kind = "report"
    regex = r"[a-z][a-z0-9-]{0,59}"


class UserName(NamedValue):
    """A user's or key's name."""

    kind = "user"
    regex = r"[^/\x00-\x1f\x7f]{1,64}"


class RowNumber(BaseConverter):
    """The number of a row of ours, such as a batch."""

    kind: ClassVar[str] = "number"
    regex = r"[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)


class FileFormat(BaseConverter):
    """The ending of a list's other forms."""

    kind: ClassVar[str] = "file_format"
    regex = "|".join(FILE_FORMATS)


CONVERTERS: tuple[type[BaseConverter], ...] = (
    AccountNumber,
    OutageId,
    FeederName,
    SubstationName,
    DeviceName,
    PointId,
    ReportName,
    UserName,
    RowNumber,
    FileFormat,
)


def add_converters(url_map: Map) -> None:
    """Make every kind usable in rules under its name."""
    url_map.converters.update({converter.kind: converter for converter in CONVERTERS})  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Sample:
    """Marks a field of a query or body with the kind of value that it takes."""

    kind: str


def _no_control(text: str) -> str:
    if any((character < " " and character not in "\n\t") or character == "\x7f" for character in text):
        raise ValueError("holds a control character")
    return text


Text = Annotated[str, AfterValidator(_no_control), Field(max_length=2000)]
AccountNo = Annotated[Text, Field(min_length=1, max_length=120), Sample("account_no")]
Phone = Annotated[Text, Field(min_length=1, max_length=40), Sample("phone")]
UsagePoint = Annotated[Text, Field(min_length=1, max_length=120), Sample("usage_point")]
Transformer = Annotated[Text, Field(min_length=1, max_length=120), Sample("device")]
Place = Annotated[Text, Field(min_length=1, max_length=200), Sample("place")]
SearchTerm = Annotated[Text, Field(max_length=200), Sample("search")]
Instant = Annotated[Text, Field(max_length=40), Sample("instant")]
DistrictCode = Annotated[Text, Field(min_length=1, max_length=120), Sample("district")]


class Input(BaseModel):
    """The base of every declared query and body: unknown fields are ignored, so that nothing can be slipped in."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, allow_inf_nan=False, frozen=True)


def sample_kinds(model: type[BaseModel]) -> dict[str, str]:
    """Return the kind of value of each field that names one."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        kinds = [mark.kind for mark in [*field.metadata, *_inner(field.annotation)] if isinstance(mark, Sample)]
        if kinds:
            found[field.alias or name] = kinds[0]
    return found


def _inner(annotation: Any) -> list[Any]:
    """Return the marks of the members of a union such as `AccountNo | None`."""
    return [mark for member in getattr(annotation, "__args__", ()) for mark in getattr(member, "__metadata__", ())]

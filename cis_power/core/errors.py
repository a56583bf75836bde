"""The one family of errors, and problems as data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it stands, what it is, and whether it refuses the input.

    `line` counts physical lines of `file`, the first is 1; `code` is neutral, `message` is for a person.
    """

    code: str
    message: str
    severity: Severity = "error"
    file: str | None = None
    line: int | None = None
    field: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        field = f" [{self.field}]" if self.field else ""
        return f"{place + ': ' if place else ''}{self.severity}{field} {self.code}: {self.message}"


class CisError(Exception):
    """Something the caller can understand and act on. HTTP answers `status`; the command line prints one line."""

    status = 400
    code = "error"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


class InvalidInput(CisError):
    """Input was refused; `problems` names every reason."""

    status = 422
    code = "invalid_input"


class NotFound(CisError):
    """It does not exist, or this viewer may not know that it does: the words are the same."""

    status = 404
    code = "not_found"


class Forbidden(CisError):
    """The viewer's role does not allow the act."""

    status = 403
    code = "forbidden"


class Unauthenticated(CisError):
    """Nobody is logged in, or the key is not good."""

    status = 401
    code = "unauthenticated"


class Conflict(CisError):
    """The act does not fit the present state."""

    status = 409
    code = "conflict"


class Unavailable(CisError):
    """Something this act needs does not answer now; trying again later may help."""

    status = 503
    code = "unavailable"


class ConfigError(CisError):
    """Settings are wrong; `problems` names every one."""

    status = 500
    code = "configuration"

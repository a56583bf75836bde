"""How simulated people behave: what can be set, and at what pace they live. Pure."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Manner:
    """Minutes are those of a real utility; `pace` says how many of them pass in one minute of the clock.

    Shares are between 0 and 1. Rates an hour are by the clock, not by the pace.
    """

    pace: float = 20.0
    call_share: float = 0.07  # of those without supply
    call_minutes: float = 6.0  # median until somebody calls
    last_call_minutes: float = 25.0  # by then somebody calls where nobody was going to
    withheld_share: float = 0.08
    mistake_share: float = 0.08  # of calls: a wrong digit, the neighbour's number, another transformer
    doubled_share: float = 0.08  # of calls: sent twice, or called again
    still_out_share: float = 0.6  # of those who called, when the others are back and they are not
    neighbours_share: float = 0.01  # calls of people nearby who are in supply, a person without
    idle_calls_an_hour: float = 20.0  # calls that have nothing to do with any outage
    hazard_share: float = 0.35  # of faults on lines: somebody sees a wire down
    crews: int = 6
    notice_minutes: float = 3.0  # the control room sees an alarm, waits for reclosing, calls a crew
    travel_minutes: float = 14.0
    patrol_minutes: float = 10.0
    switching_minutes: float = 2.0  # a switching step with its talk
    repair_minutes: float = 70.0
    fuse_minutes: float = 20.0
    report_minutes: float = 1.5  # until what was done by hand is entered
    report_error_minutes: float = 1.0  # how far a told time is off
    planned_an_hour: float = 8.0
    planned_minutes: float = 60.0
    business_days_an_hour: float = 12.0
    payments_a_day: int = 40

    def of(self, minutes: float) -> timedelta:
        """How long so many minutes of a real utility take by the clock."""
        return timedelta(minutes=minutes / self.pace)

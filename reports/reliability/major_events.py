"""Major event days by the 2.5 beta method of IEEE Std 1366. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_YEARS = 5


@dataclass(frozen=True, slots=True)
class Threshold:
    """T_MED in minutes of daily SAIDI, computed once a year from up to five years before it.

    `provisional`: fewer than five years were there. The figures are None where fewer than two days had any.
    """

    days: int
    years: int
    alpha: float | None
    beta: float | None
    minutes: float | None

    @property
    def provisional(self) -> bool:
        return self.years < FULL_YEARS


def threshold(daily_saidi: NDArray[np.float64], years: int) -> Threshold:
    """T_MED = exp(alpha + 2.5 beta): mean and sample deviation of the natural logs of the days that are not zero."""
    counted = daily_saidi[daily_saidi > 0]
    if len(counted) < 2:
        return Threshold(len(counted), years, None, None, None)
    logs = np.log(counted)
    alpha, beta = float(logs.mean()), float(logs.std(ddof=1))
    return Threshold(len(counted), years, alpha, beta, float(np.exp(alpha + 2.5 * beta)))

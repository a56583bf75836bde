"""How likely devices open and customers call: the figures behind a prediction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from cis_power.outages.grid import Index, Mask
from cis_power.outages.prediction.candidates import MASKS

Reals = NDArray[np.float64]
OPTIONS = 4


@dataclass(frozen=True, eq=False)
class Chances:
    """What was to be expected in the window that the calls came in.

    `opened` (k, 4): probability that a device opened wholly, or on phase A, B, C alone; a row sums to less than 0.5,
    and 0 excludes. `calling`: alpha and beta of the share of an outage's customers that call (beta-binomial: common to
    all of one outage). `background`: probability that a customer in supply calls.
    """

    opened: Reals
    calling: tuple[float, float]
    background: float

    def __post_init__(self) -> None:
        alpha, beta = self.calling
        if not (alpha > 0 and beta > 0 and 0 < self.background < alpha / (alpha + beta)):
            raise ValueError("customers without supply must be expected to call more than others")
        if self.opened.ndim != 2 or self.opened.shape[1] != OPTIONS or (self.opened < 0).any():
            raise ValueError("`opened` must be k × 4 probabilities")
        if (self.opened.sum(axis=1) >= 0.5).any():
            raise ValueError("a device that is more likely open than not is no candidate: it is known")

    def odds(self) -> Reals:
        """Prior odds of each option against none (k, 4)."""
        return np.asarray(self.opened / (1 - self.opened.sum(axis=1, keepdims=True)), np.float64)

    def weight(self, customers: Index, callers: Index) -> Reals:
        """Log likelihood ratio, all of them without supply by one outage against all in supply, of who called."""
        alpha, beta = self.calling
        silent = customers - callers
        out = betaln(alpha + callers, beta + silent) - betaln(alpha, beta)
        return np.asarray(out - callers * np.log(self.background) - silent * np.log1p(-self.background), np.float64)


def masks_of(phases: Mask) -> Mask:
    """The phases that each option opens (k, 4)."""
    return np.stack([phases, phases & 1, phases & 2, phases & 4], axis=1).astype(np.uint8)


def effects() -> tuple[Mask, NDArray[np.bool_]]:
    """What opening a mask does where another is dead already: `left[opened, dead]`, and who loses by it.

    The second (8, 8, 8): whether a usage point that takes a mask loses its first phase, `[opened, dead, taken]`.
    """
    mask = np.arange(MASKS, dtype=np.uint8)
    left = mask[:, None] & ~mask[None, :] & 7
    lost = (mask[:, None, None] & mask[None, None, :] != 0) & (mask[None, :, None] & mask[None, None, :] == 0)
    return left.astype(np.uint8), lost

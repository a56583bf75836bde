"""Chance that is the same every time: dice named by a seed and words. Pure."""

import math
import random


def dice(seed: int, *words: object) -> random.Random:
    """Dice of their own for whatever the words name; the same words give the same throws, in any order of asking."""
    return random.Random("|".join(map(str, (seed, *words))))  # noqa: S311 - a game, no secret


def spread(chance: random.Random, median: float, sigma: float = 0.5) -> float:
    """A positive amount around a median (log-normal): mostly near it, now and then much more."""
    return median * math.exp(chance.gauss(0.0, sigma))

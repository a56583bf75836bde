"""Phases as a three-bit mask: A = 1, B = 2, C = 4."""

PHASE_BITS = {"A": 1, "B": 2, "C": 4}
ALL_PHASES = 7


def parse_phases(text: str) -> int:
    """Mask of a text such as `ABC`, `a`, `A.C` or `AN` (neutral carries no supply); empty is 0. Raises ValueError."""
    mask = 0
    for letter in text.upper():
        if letter in "N.,/ ":
            continue
        if letter not in PHASE_BITS:
            raise ValueError(f"{text!r} is not a set of phases: use the letters A, B and C")
        mask |= PHASE_BITS[letter]
    return mask


def format_phases(mask: int) -> str:
    """Letters of a mask in order: 7 → `ABC`, 0 → ``."""
    return "".join(letter for letter, bit in PHASE_BITS.items() if mask & bit)

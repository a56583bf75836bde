"""Memory that is free again, given back to the system."""

import ctypes


def give_back() -> None:
    """Let the C library give back what it keeps of freed memory (glibc; others do so by themselves or not at all)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

"""Reliability by IEEE 1366 and DL/T 836, from the interruption ledger."""

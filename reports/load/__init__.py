"""Load from the readings of usage points, and from telemetry beside it."""

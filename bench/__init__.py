"""Benchmarks: ours, a peer and the limit, measured in one run, as JSON (`python -m bench NAME`)."""

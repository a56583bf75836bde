"""Posting functions: rows of a layout → the wings that own the tables."""

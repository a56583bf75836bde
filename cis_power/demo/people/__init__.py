"""Simulated people: callers, crews, the control room and the billing system. They know what people could know.

What they decide is pure: a function of the truth log, a seed and the time. What they do enters by public interfaces
only.
"""

"""Bytes and texts become values here. Pure: no I/O, no clock, and for texts no exceptions."""

"""Sorted maps of bytes as immutable nodes."""

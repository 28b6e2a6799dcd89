"""Bytes in LMDB; the only layer that knows it."""

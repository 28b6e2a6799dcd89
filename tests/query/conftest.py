"""Fixtures for tests of queries."""

from tests.dataset.conftest import store

__all__ = ["store"]

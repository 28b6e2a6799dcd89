"""Commits and names; knows roots, not what they hold."""

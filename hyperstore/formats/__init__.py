"""Readers and writers of other annotation formats."""

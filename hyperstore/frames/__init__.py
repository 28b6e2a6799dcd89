"""Frames as plain values, their stored form and their wire form."""

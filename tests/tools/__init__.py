"""Tests of the tools that come with the checkout."""

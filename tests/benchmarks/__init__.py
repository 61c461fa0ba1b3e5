"""Measurements, run by hand and in CI: see README.md."""

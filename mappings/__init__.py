"""Rulebooks, template layouts and vendor spellings as YAML. No code."""

"""The README's promises about commands hold."""

import re
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app
from parsers.registry import PARSERS
from poam.policy import load_policy

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}


def test_every_command_is_in_the_readme():
    """What the program can do, its README says; what the README says, the program can do."""
    assert set(re.findall(r"^\| `poam ([\w-]+)", README, re.MULTILINE)) == COMMANDS


def test_every_command_has_help():
    """`-h` explains each command in a sentence at least."""
    for name in sorted(COMMANDS):
        shown = CliRunner().invoke(app, [name, "-h"])
        assert shown.exit_code == 0
        assert "Usage" in shown.output


def test_every_format_is_in_the_readme():
    """The table of exports names each parser once."""
    table = README.partition("## What is read")[2].partition("\n## ")[0]
    named = re.findall(r"^\|.*\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(parser.NAME for parser in PARSERS)


def test_the_files_it_names_exist():
    """Every path of the project that the README names is there."""
    root = Path(__file__).parents[1]
    for name in re.findall(
        r"`((?:mappings|parsers|flows|poam|sample_scans)/[\w/.]+\.(?:yaml|py))`", README
    ):
        assert (root / name).exists() or "/x" in name, name


def test_the_table_of_settings():
    """Each key of the settings table is one of the policy's, with the default that it says."""
    timelines = load_policy().timelines.model_dump()
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| `(\w+)` \|", README, re.MULTILINE)
    assert len(rows) == 10
    for block, key, default in rows:
        assert str(timelines[block][key]).casefold() == default, (block, key)

"""The README's promises about commands hold."""

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from parsers.registry import PARSERS
from poam.policy import load_policy

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "docs").glob("*.md")}
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}

LIBRARIES = ("Extra inputs are not permitted",)  # what pydantic says


def test_every_command_is_in_the_readme():
    """What the program can do, its README says; what the README says, the program can do."""
    assert set(re.findall(r"^\| `poam ([\w-]+)", README, re.MULTILINE)) == COMMANDS


def test_every_command_has_help():
    """`-h` explains each command in a sentence at least."""
    for name in sorted(COMMANDS):
        shown = CliRunner().invoke(app, [name, "-h"])
        assert shown.exit_code == 0
        assert "Usage" in shown.output


def test_every_format_is_in_the_documents():
    """The table of exports names each parser once; the README's names each scanner."""
    table = DOCS["formats.md"]
    named = re.findall(r"^\|.*\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(parser.NAME for parser in PARSERS)
    short = README.partition("## What is read")[2].partition("\n## ")[0]
    assert f"{len(PARSERS)} formats" in short
    for scanner in re.findall(r"^\| ([A-Z][^|]*) \|.*`\w+` \|", table, re.MULTILINE):
        assert scanner.split()[0].strip(",") in short, scanner


@pytest.mark.parametrize(("name", "text"), [("README.md", README), *sorted(DOCS.items())])
def test_what_documents_name_exists(name, text):
    """Every path of the project is there, and every link leads to a file."""
    for path in re.findall(
        r"`((?:mappings|parsers|flows|poam|sample_scans)/[\w/.]+\.(?:yaml|py))`", text
    ):
        assert (PROJECT / path).exists() or "/x" in path, path
    for link in re.findall(r"\]\(([\w./-]+\.md)\)", text):
        assert (
            (PROJECT / name if name == "README.md" else PROJECT / "docs" / name).parent / link
        ).exists(), link


def texts(tree):
    """Yield each text of a program that somebody may read, of f-strings the fixed parts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_error_that_is_explained_can_be_said():
    """What the tables of errors quote, the program says word for word; `…` stands for names."""
    said = {
        text
        for package in ("flows", "parsers", "poam")
        for path in (PROJECT / package).rglob("*.py")
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
    }
    tables = DOCS["troubleshooting.md"], README.partition("## When something goes wrong")[2]
    heads = re.findall(r"^\| (`.*?) \|", "\n".join(tables).partition("## More")[0], re.MULTILINE)
    assert len(heads) > 40
    for quoted in re.findall(r"`([^`]+)`", "\n".join(heads)):
        for words in filter(None, (part.strip() for part in quoted.split("…"))):
            assert any(words in text for text in said) or words in LIBRARIES, words


def test_the_table_of_settings():
    """Each key of the settings table is one of the policy's, with the default that it says."""
    timelines = load_policy().timelines.model_dump()
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| `(\w+)` \|", README, re.MULTILINE)
    assert len(rows) == 10
    for block, key, default in rows:
        assert str(timelines[block][key]).casefold() == default, (block, key)

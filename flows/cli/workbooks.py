"""Commands on workbooks and rulebooks."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import AsOf, Config, TableFormat
from flows.cli.talk import talk


class DiffFormat(StrEnum):
    """How `diff` prints."""

    TABLE = "table"
    CSV = "csv"
    HTML = "html"


class EditionName(StrEnum):
    """The template editions."""

    V30 = "v3.0"
    V21 = "v2.1"
    REV4 = "rev4"


def lint(
    workbook: Annotated[Path, typer.Argument(help="The POA&M to check.", show_default=False)],
    inventory: Annotated[Path | None, typer.Option(help="Integrated inventory workbook.")] = None,
    previous: Annotated[
        Path | None, typer.Option(help="Last month's workbook, for edits that are forbidden.")
    ] = None,
    as_of: AsOf = None,
    config: Config = None,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.TABLE,
) -> None:
    """Check a POA&M workbook, anyone's, before it is submitted."""
    from flows.pipeline import today
    from poam import lint as checks
    from poam.policy import load_policy
    from poam.workbook import read_inventory, read_workbook

    policy = load_policy(config)
    found = checks.lint(
        read_workbook(workbook, policy.templates),
        policy,
        as_of.date() if as_of else today(policy),
        read_workbook(previous, policy.templates) if previous else None,
        read_inventory(inventory, policy.assets.inventory) if inventory else None,
    )
    texts = {code.value: check.text for code, check in policy.lint.checks.items()}
    places = {one: f"{one.address} {one.poam_id}".rstrip() for one in found}
    width = max(map(len, places.values()), default=0)
    for one in found:
        if format is TableFormat.JSON:
            row = asdict(one) | {"text": texts[one.code]}
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            said = f"{texts[one.code]}: found {one.found}. Expected {one.expected}."
            line = f"{one.level:7}  {one.code}  {places[one]:{width}}  {' '.join(said.split())}"
            typer.echo(line)
    errors = sum(one.level == "error" for one in found)
    talk.print(f"Errors: {errors}, warnings: {len(found) - errors}", highlight=False)
    if checks.has_errors(found):
        raise typer.Exit(1)


def diff(
    old: Annotated[Path, typer.Argument(help="The earlier workbook.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The later workbook.", show_default=False)],
    format: Annotated[DiffFormat, typer.Option()] = DiffFormat.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this new file instead.")] = None,
    config: Config = None,
) -> None:
    """Say what differs between two POA&M workbooks, of any editions, cell by cell."""
    from flows.diff_page import diff_page
    from flows.diff_table import diff_table
    from flows.runs import safe_csv
    from poam.difference import difference
    from poam.errors import RunError
    from poam.policy import load_policy
    from poam.workbook import read_workbook

    if out is not None and out.exists():
        raise RunError(f"{out}: exists. Expected the name of a new file.")
    layouts = load_policy(config).templates
    found = difference(read_workbook(old, layouts), read_workbook(new, layouts), layouts)
    if format is DiffFormat.CSV:
        text = safe_csv(found.frame())
    else:
        text = diff_page(found) if format is DiffFormat.HTML else diff_table(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8", newline="\n")
        except OSError as e:
            raise RunError(f"{out}: cannot be written ({e.strerror}).") from e
        talk.print(f"Wrote {out}", soft_wrap=True, highlight=False)
    if format is not DiffFormat.TABLE or out is not None:
        for line in (found.summary, *found.notes):
            talk.print(line, markup=False, highlight=False, soft_wrap=True)


def template(
    out: Annotated[Path, typer.Argument(help="The new workbook.", show_default=False)],
    edition: Annotated[EditionName, typer.Option()] = EditionName.V30,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A POA&M of another edition, whose items come along."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="With --from: a blank of the edition to fill, the official one say."),
    ] = None,
) -> None:
    """Write a blank POA&M workbook in an edition's layout, or convert one to it."""
    from poam.errors import RunError
    from poam.policy import load_policy
    from poam.workbook import build_template, convert

    layouts = load_policy().templates
    if source:
        accounts = convert(source, out, edition.value, layouts, into)
        typer.echo(accounts.table())
        for note in accounts.notes:
            talk.print(note, markup=False, highlight=False, soft_wrap=True)
    elif into:
        raise typer.BadParameter("goes with --from", param_hint="--into")
    elif out.exists():
        raise RunError(f"{out}: exists. Expected the name of a new file.")
    else:
        build_template(out, edition.value, layouts)
    talk.print(f"Wrote {out}", highlight=False)


def check_mappings(
    directory: Annotated[Path | None, typer.Argument(help="Another mappings folder.")] = None,
    config: Config = None,
) -> None:
    """Check the rulebooks, and a site's conmon.yaml over them."""
    from poam.policy import load_policy

    policy = load_policy(config, directory)
    typer.echo(f"sound: policy {policy.sha256()}")

"""Commands on scan files."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from flows.cli.options import Config, Scans, TableFormat
from flows.cli.talk import refuse


class FindingsFormat(StrEnum):
    """How `findings` prints."""

    CSV = "csv"
    JSON = "json"


def identify(
    scans: Scans,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.TABLE,
) -> None:
    """Say which parser claims each file."""
    from flows.identify import DAMAGED, damaged, identified
    from flows.places import places
    from flows.sources import discover
    from poam.errors import PoamError

    rows = []
    for source in discover(places(scans)):
        try:
            rows.append({"file": source.name, "parser": identified(source).NAME, "refused": ""})
        except PoamError as e:
            rows.append({"file": source.name, "parser": "", "refused": str(e)})
        except DAMAGED as e:
            rows.append({"file": source.name, "parser": "", "refused": damaged(source, e)})
    if format is TableFormat.JSON:
        for row in rows:
            typer.echo(json.dumps(row))
    else:
        width = max(len(row["file"]) for row in rows)
        for row in rows:
            typer.echo(f"{row['file']:{width}}  {row['parser'] or row['refused']}")
    if any(row["refused"] for row in rows):
        raise typer.Exit(1)


def findings(
    scans: Scans,
    format: Annotated[FindingsFormat, typer.Option()] = FindingsFormat.CSV,
    config: Config = None,
) -> None:
    """Print what the files say, one record per detection, informational ones too."""
    from flows.findings import findings_frame
    from flows.ingest import parse
    from flows.places import places
    from flows.runs import safe_csv
    from flows.sources import discover
    from poam.policy import load_policy

    policy = load_policy(config)
    parsed = [parse(source, policy) for source in discover(places(scans))]
    frame = findings_frame(parsed, policy)
    if format is FindingsFormat.JSON:
        for row in frame.to_dict("records"):
            typer.echo(json.dumps(row, ensure_ascii=False))
    else:
        lines = frame["cves"].map("\n".join).astype(object)
        typer.echo(safe_csv(frame.assign(cves=lines)), nl=False)
    refuse([p.refused for p in parsed if p.refused])

"""One parser under libFuzzer: `python -m tests.fuzz.engine PARSER FINDINGS [ARGUMENT...]`.

The first input of each distinct failure is kept, and fuzzing goes on.
"""

import logging
import sys
import traceback
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["parsers"]):
    from tests.fuzz.target import Target, spoiled

TABLES_OF = 16  # one input in so many goes on to tables, which take ten times as long


def main(name, findings, *arguments):
    """Fuzz as libFuzzer's arguments say; ends with the process."""
    target = Target(name)

    def one(content):
        try:
            return 0 if target.read(content, zlib.crc32(content) % TABLES_OF == 0) else -1
        except Exception as e:
            keep(Path(findings), content, e)
            return 0

    def another(content, most, seed):
        return spoiled(content, atheris.Mutate, seed)[:most]

    logging.getLogger("parsers").propagate = False
    atheris.Setup([sys.argv[0], *arguments], one, custom_mutator=another)
    atheris.Fuzz()


def keep(findings, content, error):
    """Keep an input under the kind and place of its failure, unless there is one of these."""
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "parsers" in Path(f.filename).parts), frames[-1])
    kept = findings / f"{type(error).__name__}-{Path(at.filename).stem}-{at.lineno}"
    if not kept.exists():
        kept.write_bytes(content)
        told = "".join(traceback.format_exception(error))
        kept.with_suffix(".txt").write_text(told[-20_000:], encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main(*sys.argv[1:])

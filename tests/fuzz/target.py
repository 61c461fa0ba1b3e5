"""What is fuzzed: one parser, called as a run calls it, with inputs spoiled token by token."""

import io
import random
import re
import time

from flows.ingest import Conventions
from flows.runlog import heard
from parsers.registry import HEAD_SIZE, PARSERS
from poam.errors import PoamError
from poam.frames import tables
from poam.policy import load_policy

SLOW_S = 2  # of processor, for at most 100 kB
SENTENCE = 1500  # characters
TOKENS = re.compile(rb"""([<>"'=,;\t\n:{}\[\]/]+)""")
ODD = (
    b"", b" ", b"-1", b"0", b"1e999", b"NaN", b"-0.0", b"9" * 30, b"1" * 5000, b"null", b"true",
    b"[]", b"{}", b'"', b"\\ud800", b"\\u0000", b"&#0;", b"&#xD800;", b"&lt;", b"]]>", b"<![CDATA[",
    b"\xff", b"\xed\xa0\x80", b"\xc2\xb2", b"\xd9\xa3", b"\xe2\x80\xae", b"[::1", b"http://[",
    b"http://a:99999/", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-12:00", b"2026-02-30",
    b"00/00/0000", b"12/31/9999 23:59:59", b"99999999999", b"-99999999999999", b"%zz",
)  # fmt: skip


class Target:
    """One parser, and what it is told of an export: the mappings' own conventions."""

    def __init__(self, name):
        """Take the parser of this name."""
        (self.parser,) = (parser for parser in PARSERS if name == parser.NAME)
        self.conventions = Conventions.of(load_policy())

    def read(self, content, to_tables=True):
        """Read an input; return whether it was one for this parser. Raises what is a finding."""
        if not self.parser.recognises(content[:HEAD_SIZE]):
            return False
        export = self.conventions.export(io.BytesIO(content), "fuzzed", self.parser.NAME)
        began = time.process_time()
        records = []
        with heard() as said:
            try:
                records = list(self.parser.records(export))
            except PoamError as e:
                said.append((0, str(e)))
        took = time.process_time() - began
        assert took < SLOW_S, f"took {took:.1f} s for {len(content)} bytes"
        for _, sentence in said:
            assert len(sentence) < SENTENCE, f"said in {len(sentence)} characters"
            assert sentence.isprintable(), f"said {sentence!r}"
        if to_tables and records:
            tables(iter(records), "fuzzed", self.conventions.zone)
        return True


def spoiled(content, mutate, seed):
    """Return an input with some tokens odd, gone, twice, or as another token is."""
    chance = random.Random(seed)  # noqa: S311  no secret
    tokens = TOKENS.split(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(tokens))
        match chance.randrange(6):
            case 0:
                tokens[at] = chance.choice(ODD)
            case 1:
                tokens[at] = chance.choice(tokens)
            case 2:
                end = min(at + chance.choice((1, 2, 8, 40)), len(tokens))
                del tokens[at:end]
                tokens = tokens or [b""]
            case 3:
                end = at + chance.choice((1, 2, 8, 40))
                tokens[at:at] = tokens[at:end] * chance.choice((1, 1, 3))
            case 4:
                tokens[at] = tokens[at] + chance.choice(ODD)
            case _:
                tokens[at] = mutate(tokens[at] or b"x", len(tokens[at]) + 16)
    return b"".join(tokens)

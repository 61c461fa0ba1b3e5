"""What parsers.xml promises."""

import io
import tracemalloc

import pytest

from parsers import nessus_xml
from parsers.export import Export
from parsers.xml import root_name
from poam.errors import ScanParseError
from tests.parsers_support import item, nessus, read, sample


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("<a/>", "a"),
        ("<n:a x='1'>", "a"),
        ("<?xml version='1.0'?>\n<!-- <b> -->\n<a>", "a"),
        ('<!DOCTYPE a SYSTEM "http://example.com/x.dtd">\n<a>', "a"),
        ("<!DOCTYPE a [\n<!ELEMENT a (b)>\n<!ATTLIST a c CDATA '>]'>\n<!-- ]> -->\n]>\n<a>", "a"),
        ("<?xml-stylesheet href='x'?><a>", "a"),
        ("text <a>", None),
        ("<!-- never closed <a>", None),
        ("", None),
    ],
)
def test_root_name(head, name):
    """The root element is found behind all that may come before it."""
    assert root_name(head.encode()) == name
    assert root_name(head.encode("utf-16")) == name


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE NessusClientData_v2 SYSTEM "https://scanner.example.com/x.dtd">',
        "<!DOCTYPE NessusClientData_v2 [<!ELEMENT Report ANY>]>",
    ],
)
def test_doctypes_are_accepted(doctype):
    """Scanners write DOCTYPEs; nothing is fetched for them."""
    assert read(nessus().replace("?>", f"?>{doctype}", 1))


@pytest.mark.parametrize(
    ("subset", "found"),
    [
        ('<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">', "the declaration of an entity, 'a'"),
        ('<!ENTITY x SYSTEM "file:///etc/passwd">', "the declaration of an entity, 'x'"),
    ],
    ids=["billion laughs", "external entity"],
)
def test_entities_are_refused(subset, found):
    """Entity declarations, the means of every XML attack, are refused in a sentence."""
    content = nessus(item(pluginName="&b;"))
    content = content.replace("?>", f"?><!DOCTYPE NessusClientData_v2 [{subset}]>", 1)
    with pytest.raises(ScanParseError) as error:
        read(content, "march.nessus")
    assert str(error.value) == (
        f"march.nessus, DOCTYPE: found {found}. "
        "Expected a complete .nessus export, which declares none."
    )


def test_truncated():
    """A file that ends early is refused with line and column, and where it was whole is read."""
    content = nessus(item("1")).replace("</ReportHost>", "</ReportHost>\n")[:-30]
    records = nessus_xml.records(Export(io.BytesIO(content.encode()), "march.nessus"))
    assert next(records).asset == "10.0.0.5"
    with pytest.raises(ScanParseError, match=r"march.nessus, line 2, column \d+: found broken XML"):
        list(records)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("zap/secureCodeBox+secureCodeBox__example.com.xml", 7),
        ("zap/secureCodeBox+secureCodeBox__nginx.xml", 7),
        ("zap/secureCodeBox+secureCodeBox__not-found.xml", 7),
    ],
)
def test_malformed_samples(path, line):
    """Malformed samples are refused by name, with the line."""
    with pytest.raises(ScanParseError, match=f"march.xml, line {line}, column 1: found broken XML"):
        read(sample(path), "march.xml")


def test_unknown_encoding():
    """An encoding Python does not know is named."""
    content = nessus().replace('"1.0"', '"1.0" encoding="klingon"')
    with pytest.raises(ScanParseError, match="found an encoding"):
        read(content, "march.nessus")


class Endless:
    """A .nessus file of many megabytes, made while it is read."""

    def __init__(self, hosts):
        """Prepare so many hosts of about 100 kB each."""
        self.size, self.peak = 0, 0
        self._parts = self._content(hosts)
        self._rest = b""

    def _content(self, hosts):
        yield b"<NessusClientData_v2><Policy><Preferences>"
        for _ in range(hosts * 100):
            yield b"<preference><name>plugin_set</name><value>1;2;3</value></preference>"
        yield b"</Preferences></Policy><Report>"
        text = "lorem ipsum " * 60
        inner = f"<description>{text}</description><plugin_output>{text}</plugin_output>"
        body = "".join(item(str(number), inner=inner) for number in range(60)).encode()
        for host in range(hosts):
            yield f'<ReportHost name="10.0.{host // 256}.{host % 256}">'.encode()
            yield body
            yield b"</ReportHost>"
        yield b"</Report></NessusClientData_v2>"

    def read(self, size=-1):
        """Return at most `size` bytes."""
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        given, self._rest = self._rest[:size], self._rest[size:]
        self.size += len(given)
        return given


def test_memory_does_not_grow():
    """Twenty times the hosts take no more memory than one asset does."""
    peaks = []
    for hosts in (5, 100):
        source = Endless(hosts)
        tracemalloc.start()
        for _ in nessus_xml.records(Export(source, "large.nessus")):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert source.size > 9_000_000
    assert peaks[1] < peaks[0] + 2_000_000


def test_declared_encoding():
    """Latin-1 is read where it is declared."""
    content = nessus(item("1", pluginName="Fenêtre"))
    declared = content.replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1")
    assert any(getattr(record, "name", "") == "Fenêtre" for record in read(declared))


def test_undeclared_entity():
    """An entity of a DOCTYPE that is not read would cut the text it stands in: it is refused."""
    doctype = '<!DOCTYPE NessusClientData_v2 SYSTEM "https://scanner.example.com/x.dtd">'
    content = nessus(item("1", inner="<description>a&nbsp;b</description>"))
    with pytest.raises(ScanParseError, match=r"line 1: found the entity &nbsp;|broken XML"):
        read(content.replace("?>", f"?>{doctype}", 1), "march.nessus")


def test_texts_beyond_a_comment():
    """A comment within a text does not end it, and commented records are no records."""
    content = nessus(
        item("1", inner="<description>a<!-- b -->c</description>"), "<!--", item("2"), "-->"
    )
    (definition,) = [record for record in read(content) if hasattr(record, "solution")]
    assert definition.description == "ac"

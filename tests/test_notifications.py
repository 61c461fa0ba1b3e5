"""Messages: who is told, of what, and that nothing of a scan and no password gets out."""

import json
import logging
import socket
import threading
from contextlib import closing
from datetime import date
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from flows.notifications import NAMED, facts, receivers, send, tell
from poam.changes import Decision
from poam.errors import RunError
from poam.model import ChangeKind
from poam.report import RunReport

# One of the services that Apprise looks through when it is first used still imports it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def report(**more):
    """Return the report of a run that found nothing to tell, but for more."""
    nothing = {
        "run_id": "2026-10-30-abc",
        "as_of": date(2026, 10, 30),
        "files": 3,
        "counts": {},
        "open_by_rating": {},
        "late": (),
        "refused": (),
        "notes": (),
        "decisions": (),
        "submission": date(2026, 11, 25),
    }
    return RunReport(**(nothing | more))


def items(count):
    """Return open items V-1, V-2, …."""
    return tuple(SimpleNamespace(poam_id=f"V-{n}") for n in range(1, count + 1))


def doubt(poam_id):
    """Return a decision that a person has to make."""
    return Decision(ChangeKind.NEEDS_REVIEW, ("secret words",), poam_id, weakness_name="SSL")


many = ", ".join(item.poam_id for item in items(NAMED))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"refused": ("x",)}, ["Files refused, nothing closed for their scanners: 1"]),
        ({"late": items(2)}, ["Items late: 2 (V-1, V-2)"]),
        ({"late": items(NAMED)}, [f"Items late: {NAMED} ({many})"]),
        ({"late": items(NAMED + 1)}, [f"Items late: {NAMED + 1} ({many} and 1 more)"]),
        (
            {"late_soon": items(1)},
            ["Items late before the next submission, 2026-11-25: 1 (V-1)"],
        ),
        ({"decisions": (doubt("V-2"), doubt(""))}, ["Decisions for a person: 2 (V-2)"]),
        ({"decisions": (doubt(""),)}, ["Decisions for a person: 1"]),
        ({"decisions": (Decision(ChangeKind.OPENED, (), "V-3"),)}, []),
    ],
)
def test_facts(more, expected):
    """What is told is what asks for somebody: counts and POA&M IDs."""
    assert facts(report(**more)) == expected


@pytest.fixture
def posted():
    """Run an HTTP sink; return its port and what is posted to it."""
    found = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self):
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Sink) as sink:
        thread = threading.Thread(target=sink.serve_forever)
        thread.start()
        yield sink.server_port, found
        sink.shutdown()
        thread.join()


@pytest.fixture
def mailed():
    """Run an SMTP sink; return its port and the messages it took."""
    controller = pytest.importorskip("aiosmtpd.controller")
    found = []

    class Sink:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  aiosmtpd's name
            found.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    sink = controller.Controller(Sink(), hostname="127.0.0.1", port=closed_port())
    sink.start()
    yield sink.port, found
    sink.stop()


def closed_port():
    """Return a port that nothing listens on."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_post(posted, monkeypatch):
    """A message is posted as JSON to the URL that a variable of the environment holds."""
    port, found = posted
    monkeypatch.setenv("CONMON_HOOK", f"json://127.0.0.1:{port}/told")
    tell(["env:CONMON_HOOK"], report(late=items(1)))
    (message,) = found
    assert message["title"] == "POA&M update as of 2026-10-30"
    assert message["message"] == "Items late: 1 (V-1)"


def test_mail(mailed):
    """A message is mailed, from and to whom the URL says."""
    port, found = mailed
    url = f"mailto://127.0.0.1:{port}?from=conmon@example.com&to=isso@example.com"
    send([url], "POA&M: a review waits", ["Matches in doubt: 1."])
    (mail,) = found
    assert (mail["From"], mail["To"]) == ("conmon@example.com", "isso@example.com")
    assert mail["Subject"] == "POA&M: a review waits"
    assert mail.get_body(("plain",)).get_content().strip() == "Matches in doubt: 1."


def test_nothing_to_tell(posted):
    """A run that asks for nobody sends nothing."""
    port, found = posted
    tell([f"json://127.0.0.1:{port}"], report())
    assert found == []


@pytest.mark.parametrize(
    "entry", ["carrier-pigeon://dana:secret@roof", "secret", "env:CONMON_NONE"]
)
def test_nobody(entry):
    """An entry that names nobody is refused before the run, without a password in the sentence."""
    with pytest.raises(RunError, match=r"^notify, 1: found .*, which names nobody") as refused:
        receivers([entry])
    assert "dana" not in str(refused.value)


def test_unreachable(caplog):
    """Who cannot be reached is named in the log, without the password; nothing stops."""
    with caplog.at_level(logging.WARNING, logger="flows.notifications"):
        send([f"json://dana:secret@127.0.0.1:{closed_port()}/told"], "title", ["line"])
    (line,) = (r.getMessage() for r in caplog.records if r.name == "flows.notifications")
    assert line.startswith("json://dana:****@127.0.0.1:")
    assert line.endswith("/told: the message could not be sent")
    assert "secret" not in caplog.text

"""The shell: Prefect flows, schedules, the command line. Reads and writes; holds no rules.

Prefect reads its settings when it is first imported, so they are set here, before any module of
this package can import it. Each is only a default: the operator's environment wins.
"""

import os

QUIET = {
    # Nothing leaves the machine: usage events of the server, of the client, of the pages.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",  # its pages call an analytics host all the same
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "OTEL_SDK_DISABLED": "true",
    # A first start migrates its database: 20 to 30 s on two cores, Prefect's own limit is 20.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    # The direct pipeline logs too, outside any flow run. What parsers say of a scan's content goes
    # to the run's own log alone.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,poam",
}

for name, value in QUIET.items():
    os.environ.setdefault(name, value)

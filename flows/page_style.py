"""What pages share: one look for screen and paper, and a policy that allows nothing from outside.

A page is one file: its style and its script are inside, and only these, told by their hashes, run.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

PAGES = files("flows") / "pages"
STYLE = (PAGES / "page.css").read_text(encoding="utf-8")


def allowed(style: str, script: str = "") -> str:
    """Return the Content-Security-Policy of a page with this style and script, and no other."""
    parts = ["default-src 'none'", f"style-src {_hash(style)}"]
    if script:
        parts.append(f"script-src {_hash(script)}")
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

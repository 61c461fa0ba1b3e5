"""CVSS vectors and scores of exports that name no version beside them: the vector tells it."""

from dataclasses import replace

from parsers.text import vector
from poam.model import Definition


def with_cvss(definition: Definition, written: str, base: float | None) -> Definition:
    """Return a definition with a vector and its base score under the version they are of.

    A score without a vector that tells its version is left out: it could be of any.
    """
    text = vector(written)
    if text is None:
        return definition
    if text.startswith("CVSS:4"):
        return replace(definition, cvss4_vector=text, cvss4_base=base)
    if text.startswith("CVSS:3"):
        return replace(definition, cvss3_vector=text, cvss3_base=base)
    if "/Au:" in text:  # Authentication is a metric of version 2 alone
        return replace(definition, cvss2_vector=text, cvss2_base=base)
    return definition

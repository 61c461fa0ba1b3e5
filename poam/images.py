"""Container images by class: which names mean one version of one image, and which one image.

A class is what the inventory lists as Repository/Image Name/Version#, whatever runs of it.
Source: FedRAMP Vulnerability Scanning Requirements v3.0 (2024-02-15) p. 5; Integrated Inventory
Workbook v3.1, guidance of UNIQUE ASSET IDENTIFIER, which keeps the hashes beside the identifier.

Nothing in `nginx:443` tells an image from a host with a port. So these functions are for the
assets of detectors that scan images; what cannot be an image is none all the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_interface

# Source: OCI Distribution Specification v1.1, "Pull": what names, tags and digests are made of.
REFERENCE = re.compile(
    r"(?:(?P<registry>(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d{1,5})?|[\w-]+:\d{1,5})/)?"
    r"(?P<path>\w[\w.-]*(?:/\w[\w.-]*)*)(?::(?P<tag>\w[\w.-]{0,127}))?",
    re.ASCII,
)
CHECKSUM = re.compile(r"(?:^|[@/])(?:(sha\d{3}):)?([0-9a-f]{128}|[0-9a-f]{96}|[0-9a-f]{64})$")
VERSION = re.compile(r"latest|v?\d+(?:[._-][a-z0-9]+)*", re.ASCII)
# What Docker Hub goes by. Its official images are in `library`, which no one has to write.
DOCKER_HUB = re.compile(r"((index|registry-1)\.)?docker\.io|(registry\.)?hub\.docker\.com")
OFFICIAL = "library/"


@dataclass(frozen=True, slots=True)
class Image:
    """An image's name in lower case; "" for what it does not say.

    `registry` is the host with its port, if any, and `docker.io` in all its spellings;
    `repository` is without Docker Hub's `library/`; `digest` is `sha256:…`.
    """

    registry: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""

    @property
    def identifier(self) -> str:
        """What the inventory asks for: `repository/image/version`."""
        return "/".join(part for part in (self.repository, self.tag) if part)


def image(text: str) -> Image | None:
    """Read the name of an image.

    `registry/repository:tag@sha256:…` in whole or in part, a checksum alone, or the inventory's
    `repository/image/version`, which is told by a last part that looks like a version. None for
    what can be no image: an address, a network, a URL, a path with a drive, a name with a port in
    brackets.
    """
    name = re.sub(r"\s*/\s*", "/", text.strip().lower())
    digest = ""
    if checksum := CHECKSUM.search(name):
        digest = f"{checksum[1] or 'sha256'}:{checksum[2]}"
        name = name[: checksum.start()]
    match = REFERENCE.fullmatch(name)
    if match is None:
        return Image(digest=digest) if digest and not name else None
    registry, path, tag = match["registry"] or "", match["path"], match["tag"] or ""
    if _is_address(path) or _is_address(name):
        return None
    above, _, last = path.rpartition("/")
    if above and not tag and not digest and VERSION.fullmatch(last):
        path, tag = above, last
    host = "docker.io" if DOCKER_HUB.fullmatch(registry) else registry
    return Image(host, path.removeprefix(OFFICIAL), tag, digest)


def same_class(one: Image, other: Image) -> bool:
    """Whether two names mean the same version of the same image.

    The same digest is the same image, whatever it is called. Else repository and tag decide: a
    digest that differs under one tag is another build of that version, or another of the image's
    digests (of its configuration, its manifest, a platform's manifest). Where neither has a tag,
    the digest is the version. A tag says nothing about a digest alone.
    """
    if one.digest and one.digest == other.digest:
        return True
    if one.identifier != other.identifier or not _same_registry(one.registry, other.registry):
        return False
    return bool(one.tag or other.tag) or one.digest == other.digest


def same_repository(one: Image, other: Image) -> bool:
    """Whether two names mean the same image, in whatever version."""
    if not one.repository or one.repository != other.repository:
        return False
    return _same_registry(one.registry, other.registry)


def spellings(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return for each of `names` the one of `known` that is the same class of image.

    A name that is none of them, or may be several of them, is left out.
    """
    by_key: dict[str, dict[str, Image]] = defaultdict(dict)
    for text in known:
        if read := image(text):
            for key in {read.identifier, read.digest} - {""}:
                by_key[key][text] = read
    found: dict[str, str] = {}
    for name in names:
        if read := image(name):
            near = by_key.get(read.identifier, {}) | by_key.get(read.digest, {})
            same = [name] if name in near else [n for n in near if same_class(read, near[n])]
            if len(same) == 1:
                found[name] = same[0]
    return found


def _same_registry(one: str, other: str) -> bool:
    """Compare hosts and ports; a registry or a port that is left out agrees with any."""
    host, _, port = one.partition(":")
    other_host, _, other_port = other.partition(":")
    if not host or not other_host:
        return True
    return host == other_host and (port == other_port or not port or not other_port)


def _is_address(text: str) -> bool:
    """Tell an address, or a network such as `10.0.0.0/29`."""
    try:
        ip_interface(text)
    except ValueError:
        return False
    return True

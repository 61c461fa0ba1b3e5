"""Container images by class: what is read in their names, and which names mean the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poam.images import Image, image, same_class, same_repository, spellings
from poam.model import ChangeKind
from tests.core_support import definition, finding, only, run, scan

HEX, OTHER = "4f6b0c1e8a6f" * 5 + "4f6b", "9d2e" * 16
DIGEST, OTHER_DIGEST = f"sha256:{HEX}", f"sha256:{OTHER}"
HARBOR = "registry.example.com:5000"
DETECTOR = "Qualys Container Security"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{HARBOR}/heron/portal:2.4.1@{DIGEST}",
            Image(HARBOR, "heron/portal", "2.4.1", DIGEST),
        ),
        (f"{HARBOR}/heron/portal:2.4.1", Image(HARBOR, "heron/portal", "2.4.1")),
        ("heron/portal", Image("", "heron/portal")),
        ("portal:2.4", Image("", "portal", "2.4")),
        ("nginx:1", Image("", "nginx", "1")),
        ("registry:5000/portal", Image("registry:5000", "portal")),
        ("localhost/portal:1", Image("localhost", "portal", "1")),
        ("10.0.0.5:5000/portal:1", Image("10.0.0.5:5000", "portal", "1")),
        (f"heron/portal@{DIGEST}", Image("", "heron/portal", "", DIGEST)),
        (DIGEST, Image(digest=DIGEST)),
        (HEX, Image(digest=DIGEST)),
        (f"SHA256:{HEX.upper()}", Image(digest=DIGEST)),
        (f"sha512:{2 * HEX}", Image(digest=f"sha512:{2 * HEX}")),
        (f"heron/portal:{HEX}", Image("", "heron/portal", HEX)),
        ("Registry.Example.com/Portal:RC1", Image("registry.example.com", "portal", "rc1")),
        ("docker.io/library/nginx:1.27", Image("docker.io", "nginx", "1.27")),
        ("index.docker.io/library/nginx:1.27", Image("docker.io", "nginx", "1.27")),
        ("registry-1.docker.io/heron/portal", Image("docker.io", "heron/portal")),
        ("library/nginx", Image("", "nginx")),
    ],
)  # fmt: skip
def test_references(text, expected):
    """A name is registry, repository, tag and digest, of which any but one may be left out."""
    assert image(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("heron/portal/2.4.1", Image("", "heron/portal", "2.4.1")),
        ("heron / portal / 2.4.1", Image("", "heron/portal", "2.4.1")),
        (f"{HARBOR}/heron/portal/v2.4.1-alpine", Image(HARBOR, "heron/portal", "v2.4.1-alpine")),
        ("heron/portal/latest", Image("", "heron/portal", "latest")),
        ("heron/portal/16", Image("", "heron/portal", "16")),
        (f"heron/portal/{DIGEST}", Image("", "heron/portal", "", DIGEST)),
        ("heron/7zip", Image("", "heron/7zip")),
        ("heron/api/v2:1.0", Image("", "heron/api/v2", "1.0")),
        (f"heron/api/v2@{DIGEST}", Image("", "heron/api/v2", "", DIGEST)),
    ],
)
def test_form_of_the_inventory(text, expected):
    """Repository/Image Name/Version# is told by its last part, where no tag or digest follows."""
    assert image(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://app.example.gov/heron/portal",
        "::1",
        "fe80::1",
        "[2001:db8::1]:443",
        "2001:db8:0:0:0:0:0:1",
        "10.0.0.5",
        "10.0.0.5:443",
        "10.0.0.0/29",
        "00:50:56:ab:cd:ef",
        r"C:\images\portal",
        "C:/images/portal",
        "/usr/lib/portal",
        r"\\server\share",
        "web-01 (443/tcp)",
        "web-01, web-02",
        "heron/portal:",
        "heron/portal@sha256:4f6b",
        "heron/portal:2.4.1\nheron/portal:2.5.0",
    ],
)
def test_no_image(text):
    """Addresses, networks, URLs, paths, ports in brackets and lists are no image."""
    assert image(text) is None


WORD = st.from_regex(r"[a-k][a-z0-9_-]{0,9}", fullmatch=True)
HOST = st.from_regex(
    r"(localhost|[a-k][a-z0-9-]{0,9}\.(com|gov))(:[1-9][0-9]{0,4})?", fullmatch=True
)
TAG = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,30}", fullmatch=True)
CHECKSUM = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
IMAGES = st.builds(
    Image,
    st.just("") | HOST,
    st.lists(WORD, min_size=1, max_size=4).map("/".join),
    st.just("") | TAG,
    st.just("") | CHECKSUM,
)  # fmt: skip


def written(one):
    """Write an image's name in whole."""
    tag = f":{one.tag}" if one.tag else ""
    digest = f"@{one.digest}" if one.digest else ""
    return f"{one.registry}{'/' if one.registry else ''}{one.repository}{tag}{digest}"


@given(IMAGES)
def test_what_was_built_is_read(one):
    """A name built of parts is read as these parts, whatever its case."""
    assert image(written(one)) == image(written(one).upper()) == one


@given(IMAGES, st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[a-z0-9]{1,5})?", fullmatch=True))
def test_a_slash_before_the_version_is_as_good_as_a_colon(one, version):
    """`repository/image/version` is read as `repository/image:version`."""
    bare = written(Image(one.registry, one.repository))
    assert image(f"{bare}/{version}") == image(f"{bare}:{version}")


@given(IMAGES, IMAGES)
def test_classes_go_both_ways(one, other):
    """An image is of its own class, and two are of one class from either side."""
    assert same_class(one, one)
    assert same_repository(one, one)
    assert same_class(one, other) == same_class(other, one)
    assert same_repository(one, other) == same_repository(other, one)


@given(st.text() | st.text("ab1v:/.@-_ "))
def test_any_text_is_read(text):
    """No text is an error: it is no image, or one whose name in whole reads the same."""
    one = image(text)
    assert one is None or image(written(one)) == one


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("heron/portal/2.4.1", f"{HARBOR}/heron/portal:2.4.1", True, id="inventory"),
        pytest.param("heron/portal/stable", "heron/portal:stable", True, id="a word for version"),
        pytest.param("Heron/Portal:2.4.1", "heron/portal:2.4.1", True, id="case"),
        pytest.param("nginx:1.27", "docker.io/library/nginx:1.27", True, id="Docker Hub left out"),
        pytest.param("nginx:1.27", f"{HARBOR}/library/nginx:1.27", True, id="library elsewhere"),
        pytest.param(
            f"{HARBOR}/portal:1", "registry.example.com/portal:1", True, id="port left out"
        ),
        pytest.param(
            f"{HARBOR}/portal:1", "registry.example.com:5001/portal:1", False, id="another port"
        ),
        pytest.param("a.gov/portal:1", "b.gov/portal:1", False, id="another registry"),
        pytest.param("docker.io/portal:1", f"{HARBOR}/portal:1", False, id="not Docker Hub's"),
        pytest.param("heron/portal:2.4.1", "heron/portal:2.5.0", False, id="another version"),
        pytest.param("heron/portal:2.4", "heron/portal:2.4.1", False, id="a shorter version"),
        pytest.param("heron/portal:2.4.1", "heron/portal", False, id="no version"),
        pytest.param("heron/portal", f"{HARBOR}/heron/portal", True, id="neither has a version"),
        pytest.param("heron/portal:1", "eagle/portal:1", False, id="another repository"),
        pytest.param("portal:1", "heron/portal:1", False, id="a repository left out"),
        pytest.param(
            f"a.gov/portal:1@{DIGEST}", f"b.gov/door:2@{DIGEST}", True, id="digest outranks"
        ),
        pytest.param(DIGEST, f"heron/portal:2.4.1@{DIGEST}", True, id="checksum alone"),
        pytest.param(DIGEST, OTHER_DIGEST, False, id="another checksum"),
        pytest.param(
            f"portal:1@{DIGEST}", f"portal:1@{OTHER_DIGEST}", True, id="two builds of one version"
        ),
        pytest.param("portal:1", f"portal:1@{DIGEST}", True, id="digest left out"),
        pytest.param(
            f"portal@{DIGEST}", f"portal@{OTHER_DIGEST}", False, id="the digest is the version"
        ),
        pytest.param("portal:1", f"portal@{DIGEST}", False, id="a tag against a digest"),
        pytest.param("portal", f"portal@{DIGEST}", False, id="nothing against a digest"),
    ],
)
def test_same_class(one, other, same):
    """One class is one version of one image; the registry may be left out, the version not."""
    assert same_class(image(one), image(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("heron/portal/2.4.1", f"{HARBOR}/heron/portal:2.5.0", True, id="new version"),
        pytest.param("heron/portal:2.4.1", f"heron/portal@{DIGEST}", True, id="tag and digest"),
        pytest.param("a.gov/portal:1", "b.gov/portal:2", False, id="another registry"),
        pytest.param("heron/portal:1", "heron/porter:1", False, id="another image"),
        pytest.param(DIGEST, DIGEST, False, id="a checksum has no repository"),
    ],
)
def test_same_repository(one, other, same):
    """One image in two versions has one repository of one registry."""
    assert same_repository(image(one), image(other)) is same


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        pytest.param("heron/portal/1", [f"{HARBOR}/heron/portal:1"], 0, id="the one"),
        pytest.param("heron/portal/1", ["door:1", "heron/portal:2"], None, id="none"),
        pytest.param("portal:1", ["a.gov/portal:1", "b.gov/portal:1"], None, id="several"),
        pytest.param("a.gov/portal:1", ["portal:1", "a.gov/portal:1"], 1, id="itself first"),
        pytest.param("b.gov/portal:1", ["a.gov/portal:1", "b.gov/Portal/1"], 1, id="by registry"),
        pytest.param(f"door@{DIGEST}", ["door:1", HEX], 1, id="by checksum"),
        pytest.param("web-01 (443/tcp)", ["web-01:443"], None, id="no image"),
    ],
)
def test_spellings(name, known, found):
    """A name is the one known image of its class; where several are, none is."""
    assert spellings([name], known) == ({} if found is None else {name: known[found]})


@pytest.mark.parametrize("running", [pytest.param(40, id="scenario-16 40 pods of one image")])
def test_one_line_for_all_that_runs_of_an_image(running):
    """A weakness found in each running container of an image lists the image, once."""
    name = f"{HARBOR}/heron/portal:2.4.1"
    pods = [
        finding(name, detector=DETECTOR, locator=f"containers.json: container {n}")
        for n in range(running)
    ]
    batch = [definition(detector=DETECTOR), *pods, scan(name, detector=DETECTOR)]
    opened = only(run(("images.json", batch)), ChangeKind.OPENED)
    assert opened.after["asset_identifier"] == name

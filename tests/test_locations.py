"""Web addresses: one page has one spelling, and two pages never share one."""

import pytest

from poam.locations import host_name, is_url, location, parameters, site, without_query


@pytest.mark.parametrize(
    ("url", "page"),
    [
        pytest.param("https://s.example", "https://s.example/", id="scenario-15 root"),
        pytest.param("HTTPS://S.Example/", "https://s.example/", id="case of host and scheme"),
        pytest.param("https://s.example/A/b", "https://s.example/A/b", id="case of the path stays"),
        pytest.param("https://s.example:443/a", "https://s.example/a", id="default port of https"),
        pytest.param("http://s.example:80/a", "http://s.example/a", id="default port of http"),
        pytest.param("https://s.example:8443/a", "https://s.example:8443/a", id="another port"),
        pytest.param("http://s.example:443/a", "http://s.example:443/a", id="another's default"),
        pytest.param("https://s.example/a#top", "https://s.example/a", id="fragment"),
        pytest.param("https://s.example/a?q=1&p=2", "https://s.example/a?q&p", id="query values"),
        pytest.param("https://s.example/a?q=1&q=2", "https://s.example/a?q", id="once each"),
        pytest.param(
            "https://s.example/a;jsessionid=1F?q=1", "https://s.example/a?q", id="session"
        ),
        pytest.param("https://me:pw@s.example/a", "https://s.example/a", id="user and password"),
        pytest.param("https://[2001:DB8::1]:443/", "https://[2001:db8::1]/", id="IPv6"),
    ],
)
def test_a_page_has_one_spelling(url, page):
    """Values, fragments, sessions, credentials and default ports do not tell pages apart."""
    assert location(url) == page
    assert location(page) == page


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://s.example/a", "http://s.example/a"),
        ("https://s.example/a", "https://s.example:8443/a"),
        ("https://s.example/a", "https://s.example/A"),
        ("https://s.example/a?q=1", "https://s.example/a?p=1"),
    ],
)
def test_two_pages_stay_two(one, other):
    """Scheme, port, path and the names of parameters tell pages apart."""
    assert location(one) != location(other)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://S.Example:443/a?q", "https://s.example"),
        ("https://s.example:8443", "https://s.example:8443"),
        ("S.Example", "s.example"),
    ],
)
def test_site(url, origin):
    """Scheme, host and a port that is not the default; any other text in lower case."""
    assert site(url) == origin


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (" https://s.example/a", True),
        ("ftp://s.example", True),
        ("web-01", False),
        ("web-01:443", False),
        ("10.0.0.1 (443/tcp)", False),
        ("https:///nowhere", False),
    ],
)
def test_is_url(text, is_one):
    """A scheme and a host make a web location."""
    assert is_url(text) is is_one


@pytest.mark.parametrize("text", ["http://[broken/a?b=1", "http://[::1", "", "a b"])
def test_nothing_is_too_broken(text):
    """What cannot be taken apart is kept as text, without an error."""
    assert isinstance(location(text), str)
    assert isinstance(site(text), str)


def test_host_name():
    """The host alone, in lower case."""
    assert host_name("https://S.Example:8443/a") == "s.example"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://S.example:443/a/?q=1#top", "https://s.example/a"),
        ("https://s.example/a", "https://s.example/a"),
        ("https://s.example/", "https://s.example"),
        ("https://s.example", "https://s.example"),
        ("https://s.example/a;jsessionid=1F", "https://s.example/a"),
    ],
)
def test_without_query(url, page):
    """Where an injection is: the page, however it was asked for, without a slash at its end."""
    assert without_query(url) == page


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://s.example/a?q=1&p=2&q=3", {"p", "q"}),
        ("https://s.example/a?q", {"q"}),
        ("https://s.example/a?=1&", set()),
        ("https://s.example/a", set()),
        ("http://[broken/a?b=1", {"b"}),
    ],
)
def test_parameters(url, names):
    """The names in the query, each once, without their values."""
    assert parameters(url) == names

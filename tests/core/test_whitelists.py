"""Which sources are listed, and which version of the list says so."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.addresses import domain, host, page_key, within
from gateway.core.model import Repost
from gateway.core.whitelists import BadWhitelist, Source, Whitelist, in_force, name_key, read_csv

LIST = Whitelist(
    7,
    1000,
    [
        Source("The News", "news.example"),
        Source("The News", "news.test"),
        Source("Blog Desk", "blogs.news.example"),
        Source("新华社", "xn--fiq228c.example"),
        Source("Shared One", "shared.example"),
        Source("Shared Two", "shared.example"),
        Source("Paper Only"),
    ],
)


@pytest.mark.parametrize(
    ("url", "publisher", "found"),
    [
        ("https://news.example/1", "The News", "The News"),
        ("http://www.news.example./1?q#f", "the  NEWS", "The News"),
        ("https://a.b.news.example:8443/", "Ｔｈｅ　Ｎｅｗｓ", "The News"),
        ("HTTPS://NEWS.EXAMPLE", "The News", "The News"),
        ("https://news。example/1", "The News", "The News"),
        ("https://ｎｅｗｓ.example/1", "The News", "The News"),
        ("https://news.example/1", None, "The News"),
        ("https://news.example/1", "", "The News"),
        (None, "The News", "The News"),
        ("", "the news", "The News"),
        (None, "Paper Only", "Paper Only"),
        ("https://中文.example/", "新华社", "新华社"),
        ("https://XN--FIQ228C.example/", "新华社", "新华社"),
        ("https://shared.example/", "Shared Two", "Shared Two"),
        ("https://blogs.news.example/", "Blog Desk", "Blog Desk"),
        ("https://blogs.news.example/", "The News", None),
        ("https://news.example/1", "Blog Desk", None),
        ("https://news.example/1", "Paper Only", None),
        ("https://news.example/1", "Nobody", None),
        ("https://news.example.evil.test/1", "The News", None),
        ("https://evilnews.example/1", "The News", None),
        ("https://evil-news.example/1", "The News", None),
        ("https://news.example@evil.test/1", "The News", None),
        ("https://evil.test@news.example/1", "The News", None),
        ("https://evil.test\\@news.example/1", "The News", None),
        ("https://evil.test/@news.example/1", "The News", None),
        ("https://evil.test?news.example", "The News", None),
        ("https://evil.test#news.example", "The News", None),
        ("https://evil.test\t.news.example/", "The News", None),
        ("https://news.example:port/", "The News", None),
        ("https://news.example:99999/", "The News", None),
        ("https://n%65ws.example/", "The News", None),
        ("https://n\u0435ws.example/", "The News", None),
        ("//news.example/1", "The News", None),
        ("ftp://news.example/1", "The News", None),
        ("javascript://news.example/%0a1", "The News", None),
        ("news.example", "The News", None),
        ("https://[::1]/", "The News", None),
        ("https://", "The News", None),
        (None, None, None),
        ("", "", None),
        (None, "  ", None),
    ],
)
def test_who_is_listed(url: str | None, publisher: str | None, found: str | None) -> None:
    assert LIST.publisher(url, publisher) == found
    assert LIST.source(Repost(url=url, publisher=publisher)) == found


def test_who_is_listed_without_any_site() -> None:
    assert LIST.siteless("paper ONLY") == "Paper Only"
    assert LIST.siteless("The News") is None
    assert LIST.siteless("Nobody") is None
    both = Whitelist(8, 1000, [Source("The News"), Source("the news", "news.example")])
    assert both.siteless("The News") is None
    assert not both.has_siteless


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("News.Example", "news.example"),
        (" news.example. ", "news.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("新闻.中国", "xn--efvy88h.xn--fiqs8s"),
        ("example", None),
        ("", None),
        (".", None),
        ("127.0.0.1", None),
        ("a.0x7f", None),
        ("a b.example", None),
        ("a_b.example", None),
        ("-a.example", None),
        ("https://news.example", None),
        ("news.example/1", None),
        ("*.news.example", None),
        (f"{'a' * 64}.example", None),
        ("a." * 127 + "example", None),
    ],
)
def test_what_a_domain_is(name: str, plain: str | None) -> None:
    assert domain(name) == plain


def test_what_is_within_a_domain() -> None:
    assert within("news.example", ("news.example",))
    assert within("a.news.example", ("other.example", "news.example"))
    assert not within("anews.example", ("news.example",))
    assert not within("example", ("news.example",))
    assert not within("news.example", ())


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/a/1?id=7",
        "http://www.news.example/a/1/?id=7",
        "https://NEWS.example:443/a/1?id=7&utm_source=x#top",
        "http://news.example:80/a/1?fbclid=1&id=7",
        "https://news.example/%61/1?id=7",
    ],
)
def test_one_page_has_one_key(url: str) -> None:
    assert page_key(url) == page_key("https://news.example/a/1?id=7")


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/a/2?id=7",
        "https://news.example/a/1?id=8",
        "https://news.example/a/1",
        "https://news.test/a/1?id=7",
        "https://news.example:8443/a/1?id=7",
        "https://news.example/A/1?id=7",
    ],
)
def test_other_pages_have_other_keys(url: str) -> None:
    assert page_key(url) not in (None, page_key("https://news.example/a/1?id=7"))


@pytest.mark.parametrize("url", ["", "x", "https://u@news.example/", "https://localhost/", "https://a.example/" * 200])
def test_what_is_no_page_has_no_key(url: str) -> None:
    assert page_key(url) is None


@given(st.text(max_size=60))
def test_any_text_may_be_given_as_an_address(text: str) -> None:
    for url in (text, f"https://{text}", f"https://news.example{text}"):
        page_key(url)
        LIST.publisher(url, text)


@given(st.text(string.ascii_lowercase + string.digits + "-.:@/\\?#%。", max_size=30))
def test_only_hosts_below_the_domain_are_listed(text: str) -> None:
    url = f"https://{text}"
    name = host(url)
    if LIST.publisher(url, None) is not None:
        assert name is not None
        assert within(name, ("news.example", "news.test", "xn--fiq228c.example", "shared.example"))


@pytest.mark.parametrize(
    ("at_ms", "version"), [(99, None), (100, 1), (199, 1), (200, 3), (299, 3), (300, 2), (10**15, 2)]
)
def test_which_version_is_in_force(at_ms: int, version: int | None) -> None:
    assert in_force([(1, 100), (2, 300), (3, 200)], at_ms) == version


def test_of_two_that_began_together_the_later_one_is_in_force() -> None:
    assert in_force([(2, 100), (1, 100)], 100) == 2
    assert in_force([], 100) is None


def test_names_are_compared_as_people_read_them() -> None:
    assert name_key("  Ｔｈｅ  News ") == name_key("the news") == "thenews"
    assert name_key("新 华 社") == name_key("新华社")
    assert name_key("The News") != name_key("The Nexs")


def test_a_file_is_read() -> None:
    text = '\ufeffDomain , note,Publisher\nnews.example.,x,The News\n\n,"a, b",Paper Only\n新闻.中国,,新华社\n'
    assert read_csv(text) == [
        Source("The News", "news.example"),
        Source("Paper Only"),
        Source("新华社", "xn--efvy88h.xn--fiqs8s"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: give one column publisher"),
        ("publisher\nA\n", "line 1: give one column domain"),
        ("publisher,domain,domain\nA,b,c\n", "line 1: give one column domain"),
        ("publisher,domain\n", "the file has no source"),
        ("publisher,domain\n,a.example\n", "line 2, publisher: give a name"),
        ("publisher,domain\nA,localhost\n", "line 2, domain: 'localhost' is no domain name"),
        ("publisher,domain\nA,https://a.example\n", "line 2, domain: 'https://a.example' is no domain name"),
        ("publisher,domain\nA\n", "line 2: 1 fields where the first line has 2"),
        (
            "publisher,domain\nA,a.example\nB,b.example\n a,A.example\n",
            "line 4, publisher: the same source as in line 2",
        ),
        ('publisher,domain\n"A,a.example\n', "line 2: not CSV"),
        ("publisher,domain\n" + "x" * 501 + ",a.example\n", "line 2, publisher: give a name of at most 500"),
    ],
)
def test_a_bad_file_is_refused_with_line_and_field(text: str, problem: str) -> None:
    with pytest.raises(BadWhitelist) as caught:
        read_csv(text)
    assert caught.value.problems[0].startswith(problem)


def test_every_problem_of_a_file_is_named() -> None:
    with pytest.raises(BadWhitelist) as caught:
        read_csv("publisher,domain\n,x.example\nA,b\n" + "A,\n" * 500)
    assert len(caught.value.problems) == 100
    assert [problem[:6] for problem in caught.value.problems[:2]] == ["line 2", "line 3"]

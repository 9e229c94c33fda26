"""Which addresses a picture may be fetched from: no spelling leads to what is not on the public Internet."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fetchable import Missing, Unfetchable, Wanted, public, wanted

PORTS = (80, 443)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "8.8.8.8", "168.63.129.15", "2606:4700::1111", "2a00:1450:4001::8a"]
)
def test_hosts_on_the_public_internet(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d70e",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:5db8:d70e::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "",
        "127.1",
    ],
)
def test_everything_else(address: str) -> None:
    assert not public(address)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_gets_in_by_being_written_inside_another(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for outside in (
        0xFFFF << 32 | number,  # mapped
        number,  # compatible
        0x64FF9B << 96 | number,  # NAT64
        0x2002 << 112 | number << 80,  # 6to4
        0x20010000 << 96 | (number ^ 0xFFFFFFFF),  # Teredo
    ):
        assert not public(str(ipaddress.IPv6Address(outside)))


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        assert not public(str(address))


def ask(url: str, **fields: object) -> Wanted:
    options: dict[str, object] = {"http": False, "ports": PORTS, **fields}
    return wanted(url, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("https://img.example/a.png", "img.example", 443, "img.example", "/a.png"),
        ("https://IMG.Example:443/a.png?x=1&y=%20#part", "img.example", 443, "img.example", "/a.png?x=1&y=%20"),
        ("https://img.example", "img.example", 443, "img.example", "/"),
        ("https://img.example?x", "img.example", 443, "img.example", "/?x"),
        ("https://img.example:80/", "img.example", 80, "img.example:80", "/"),
        ("https://图片.example/早.png", "xn--wcsw84d.example", 443, "xn--wcsw84d.example", "/%E6%97%A9.png"),
        ("https://93.184.215.14/a", "93.184.215.14", 443, "93.184.215.14", "/a"),
        ("https://[2606:4700::1111]/a", "2606:4700::1111", 443, "[2606:4700::1111]", "/a"),
        ('https://img.example/"<a>', "img.example", 443, "img.example", "/%22%3Ca%3E"),
    ],
)
def test_what_an_address_asks_for(url: str, host: str, port: int, authority: str, target: str) -> None:
    assert ask(url) == Wanted(True, host, port, authority, target, trusted=False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("telegram:AgADBAAD", Missing.ADDRESS),
        ("mxc://example.org/abc", Missing.ADDRESS),
        ("ftp://img.example/a.png", Missing.ADDRESS),
        ("file:///etc/passwd", Missing.ADDRESS),
        ("gopher://img.example/", Missing.ADDRESS),
        ("https:///a.png", Missing.ADDRESS),
        ("https://", Missing.ADDRESS),
        ("https://user@img.example/", Missing.ADDRESS),
        ("https://user:word@img.example/", Missing.ADDRESS),
        ("https://@img.example/", Missing.ADDRESS),
        ("https://good.example\\@bad.example/", Missing.ADDRESS),
        ("https://img.example/a b", Missing.ADDRESS),
        ("https://img.example/a\r\nX: 1", Missing.ADDRESS),
        ("https://img.example/a\tb", Missing.ADDRESS),
        ("https://img.\u200bexample/", Missing.ADDRESS),
        ("https://img.example:99999/", Missing.ADDRESS),
        ("https://img.example:a/", Missing.ADDRESS),
        ("https://[::1/", Missing.ADDRESS),
        ("https://[fe80::1%25eth0]/", Missing.ADDRESS),
        ("https://localhost/", Missing.ADDRESS),
        ("https://metadata/", Missing.ADDRESS),
        ("https://2130706433/", Missing.ADDRESS),
        ("https://0x7f.1/", Missing.ADDRESS),
        ("https://127.1/", Missing.ADDRESS),
        ("https://017700000001/", Missing.ADDRESS),
        (f"https://img.example/{'a' * 2000}", Missing.ADDRESS),
        ("http://img.example/a.png", Missing.SCHEME),
        ("https://img.example:22/", Missing.PORT),
        ("https://img.example:8443/", Missing.PORT),
        ("https://img.example:0/", Missing.PORT),
    ],
)
def test_an_address_that_is_not_asked(url: str, why: Missing) -> None:
    with pytest.raises(Unfetchable) as caught:
        ask(url)
    assert caught.value.why is why


def test_http_and_other_ports_only_where_they_are_set() -> None:
    assert not ask("http://img.example/", http=True).tls
    assert ask("https://img.example:8443/", ports=(8443,)).port == 8443
    with pytest.raises(Unfetchable):
        ask("https://img.example/", ports=(8443,))


def test_a_trusted_pair_opens_exactly_itself() -> None:
    pairs = ("media.internal:8080", "localhost:9000", "[::1]:9000", "127.0.0.1:443")
    for url in ("http://media.internal:8080/a", "http://LOCALHOST:9000/", "http://[::1]:9000/", "https://127.0.0.1/"):
        assert ask(url, private_hosts=pairs).trusted
    assert not ask("https://media.internal/a", private_hosts=pairs).trusted
    for url in (
        "http://media.internal:8081/",
        "http://media.internal/",
        "http://a.media.internal:8080/",
        "http://localhost:9001/",
        "http://user@localhost:9000/",
    ):
        with pytest.raises(Unfetchable):
            ask(url, private_hosts=pairs)


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_any_text_is_an_address_or_a_reason(url: str) -> None:
    try:
        asked = ask(url, http=True)
    except Unfetchable:
        return
    line = f"GET {asked.target} HTTP/1.1\r\nHost: {asked.authority}"
    assert line.isascii()
    assert line.count("\r\n") == 1
    assert len(line.split(" ")) == 4

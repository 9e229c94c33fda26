"""What a request's head must be like so that nobody behind the gateway can read it differently.

The parser (llhttp, in its strict mode) already refuses bare line feeds, folded and malformed header fields, control
characters, conflicting lengths and broken chunks. This refuses what it lets through.
"""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z\n-]*")
"""Header names, one a line: tokens, without the underscore, which many servers take for the same as a hyphen."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
"""A path and query: neither another host's address, nor a fragment, nor anything but visible ASCII."""
_HOST: Final = re.compile(rb"(?:[0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


Fields = list[tuple[bytes, bytes]]


def fault(method: bytes, target: bytes, version: str, names: list[bytes], headers: Fields) -> str | None:
    """Why a request is refused, or None. ``names``: those of the headers, in lower case."""
    if version not in ("1.1", "1.0"):
        return "HTTP/1.1 is spoken here."
    if method in (b"CONNECT", b"TRACE"):
        return "The method is not served."
    if not _TARGET.fullmatch(target) and not (target == b"*" and method == b"OPTIONS"):
        return "The request target must be a path."
    if not _NAMES.fullmatch(b"\n".join(names)):
        return "A header name may contain letters, digits and hyphens."
    if _CONTROL.search(b"\t".join([value for _, value in headers])):
        return "A header value contains a control character."
    return _host_fault(version, names, headers) or _framing_fault(version, names, headers)


def _host_fault(version: str, names: list[bytes], headers: Fields) -> str | None:
    count = names.count(b"host")
    if count == 1:
        if _HOST.fullmatch(headers[names.index(b"host")][1].strip(b" \t")):
            return None
        return "Host is not a host name."
    if count == 0 and version == "1.0":
        return None
    return "Host must be given once."


def _framing_fault(version: str, names: list[bytes], headers: Fields) -> str | None:
    lengths = names.count(b"content-length")
    codings = names.count(b"transfer-encoding")
    if lengths + codings > 1:
        return "The body's length is given more than once."
    if lengths and not _LENGTH.fullmatch(headers[names.index(b"content-length")][1].strip(b" \t")):
        return "Content-Length is not a number."
    if codings:
        if version == "1.0":
            return "Transfer-Encoding does not exist in HTTP/1.0."
        if headers[names.index(b"transfer-encoding")][1].strip(b" \t").lower() != b"chunked":
            return "The only transfer coding is chunked."
    if b"upgrade" in names and (codings or (lengths and headers[names.index(b"content-length")][1].strip() != b"0")):
        return "A request to change the protocol has no body."
    return None

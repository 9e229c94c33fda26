"""The whitelist of sources whose news may be re-published, in versions: what counts is the one in force at the time."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from gateway.core.addresses import domain, host
from gateway.core.model import Repost

LONGEST_FILE: Final = 16 * 1024 * 1024
"""How many characters a whitelist's file may have."""
MOST_SOURCES: Final = 100_000
_MOST_PROBLEMS: Final = 100
_LONGEST_NAME: Final = 500


class Source(NamedTuple):
    """One source: who publishes it, and a site of its own. A publisher with many sites has a source for each."""

    publisher: str
    domain: str | None = None


class Whitelist:
    """One version. ``valid_from`` is unix time in milliseconds; it is in force until the next one is.

    A look-up takes as many steps as a host has labels.
    """

    def __init__(self, version: int, valid_from: int, sources: Iterable[Source]) -> None:
        self.version = version
        self.valid_from = valid_from
        self.sources = tuple(sources)
        self._names: dict[str, str] = {}
        self._domains: dict[str, dict[str, str]] = {}
        for source in self.sources:
            key = name_key(source.publisher)
            self._names.setdefault(key, source.publisher)
            if source.domain is not None:
                self._domains.setdefault(source.domain, {}).setdefault(key, source.publisher)
        sited = {key for owners in self._domains.values() for key in owners}
        self._siteless = {key: name for key, name in self._names.items() if key not in sited}

    def publisher(self, url: str | None, publisher: str | None) -> str | None:
        """The publisher, as listed, of a page and a publisher's name; None if it is not listed, or if the page is not
        on a site of that publisher. Either may be left out.

        A listed domain stands for all below it. The nearest listed one counts: where ``news.example`` and
        ``blogs.news.example`` are two publishers' sites, each has its own.
        """
        named = name_key(publisher) if publisher else None
        if not url:
            return self._names.get(named) if named else None
        name = host(url)
        owners = self._owners(name) if name is not None else {}
        if named is not None:
            return owners.get(named)
        return next(iter(owners.values()), None)

    def siteless(self, publisher: str) -> str | None:
        """The publisher, as listed, of a name that is listed without any site; None for any other. No address can
        prove that a page is such a publisher's, but an article can that somebody imported for that page."""
        return self._siteless.get(name_key(publisher)) if self._siteless else None

    @property
    def has_siteless(self) -> bool:
        """Whether there is any `siteless` publisher."""
        return bool(self._siteless)

    def source(self, repost: Repost) -> str | None:
        """The listed publisher of what a repost names as its source."""
        return self.publisher(repost.url, repost.publisher)

    def _owners(self, name: str) -> dict[str, str]:
        while name:
            if name in self._domains:
                return self._domains[name]
            name = name.partition(".")[2]
        return {}


def name_key(name: str) -> str:
    """A publisher's name as names are compared: NFKC, without regard to case and spaces."""
    return "".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def in_force(versions: Sequence[tuple[int, int]], at_ms: int) -> int | None:
    """Which of these (version, valid_from) is in force at a moment: of those that have begun, the one that began last,
    and the higher version of two that began together."""
    begun = [(valid_from, version) for version, valid_from in versions if valid_from <= at_ms]
    return max(begun)[1] if begun else None


class BadWhitelist(ValueError):
    """A whitelist that cannot be used. Each problem names line and field, and says what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read_csv(text: str) -> list[Source]:
    """The sources in a CSV file with the columns ``publisher`` and ``domain``, in any order; others are passed over.

    A publisher without a site of its own has an empty domain. Raises `BadWhitelist` with every problem (the first
    hundred): one bad line makes the file bad, lest a source be missed without a word.
    """
    if len(text) > LONGEST_FILE:
        raise BadWhitelist([f"the file is longer than {LONGEST_FILE} characters"])
    rows = csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True)
    problems: list[str] = []
    sources: list[Source] = []
    first_line: dict[tuple[str, str | None], int] = {}
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in ("publisher", "domain") if header.count(name) != 1]
        if missing:
            raise BadWhitelist([f"line 1: give one column {name}" for name in missing])
        at = header.index("publisher"), header.index("domain")
        for row in rows:
            if len(problems) >= _MOST_PROBLEMS or not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                problems.append(f"line {rows.line_num}: {len(row)} fields where the first line has {len(header)}")
                continue
            source, problem = _source(row[at[0]].strip(), row[at[1]].strip())
            key = (name_key(source.publisher), source.domain)
            if not problem and key in first_line:
                problem = f"publisher: the same source as in line {first_line[key]}"
            if problem:
                problems.append(f"line {rows.line_num}, {problem}")
                continue
            first_line[key] = rows.line_num
            sources.append(source)
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: not CSV: {error}")
    problems += list(_whole(sources))
    if problems:
        raise BadWhitelist(problems[:_MOST_PROBLEMS])
    return sources


def _source(publisher: str, site: str) -> tuple[Source, str | None]:
    if not name_key(publisher):
        return Source(publisher), "publisher: give a name"
    if len(publisher) > _LONGEST_NAME or "\x00" in publisher:
        return Source(publisher), f"publisher: give a name of at most {_LONGEST_NAME} characters"
    if not site:
        return Source(publisher), None
    plain = domain(site)
    if plain is None:
        return Source(publisher), f"domain: {site[:100]!r} is no domain name; give one like news.example"
    return Source(publisher, plain), None


def _whole(sources: Sequence[Source]) -> Iterator[str]:
    if not sources:
        yield "the file has no source"
    if len(sources) > MOST_SOURCES:
        yield f"the file has more than {MOST_SOURCES} sources"

"""Which rules are worth trying on a text: an index from short stretches of text to the rules that need them.

The cost is that of cutting the text into stretches, whatever the number of rules. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import add
from typing import Final

_COMMON: Final = {char: rank for rank, char in enumerate("zqxjkvbpygfwmucldrhsnioate ")}
"""Characters of English from rare to common; all others count as rarer than any of them."""


class Gate:
    """Knows for each rule the strings of which a matching text has at least one."""

    def __init__(self, needs: Sequence[Sequence[str]]) -> None:
        """``needs[i]`` are the strings of rule ``i``; an empty one lets the rule always through."""
        triples: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        pairs: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        short: list[tuple[str, int]] = []
        for rule, strings in enumerate(needs):
            for string in strings:
                if string.isascii() and len(string) >= 3:
                    triples[_rarest(string, 3)].append((string, rule))
                elif not string.isascii() and len(string) >= 2:
                    pairs[_rarest(string, 2)].append((string, rule))
                else:
                    short.append((string, rule))
        self._triples, self._pairs, self._short = dict(triples), dict(pairs), short

    def through(self, text: str) -> list[int]:
        """The rules that may match, in their order; every rule that does match is among them."""
        found = {rule for string, rule in self._short if string in text}
        twos = list(map(add, text, text[1:]))
        for stretch in self._triples.keys() & set(map(add, twos, text[2:])):
            found.update([rule for string, rule in self._triples[stretch] if string in text])
        if not text.isascii():
            for stretch in self._pairs.keys() & set(twos):
                found.update([rule for string, rule in self._pairs[stretch] if string in text])
        return sorted(found)


def _rarest(string: str, length: int) -> str:
    stretches = [string[at : at + length] for at in range(len(string) - length + 1)]
    return min(stretches, key=lambda stretch: sum([_COMMON.get(char, -5) for char in stretch]))

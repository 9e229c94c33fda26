"""What a lexicon says of a text: its terms found, weighed by what stands around them, joined by category. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from classifiers import normalise
from classifiers.lexicon.engine import Engine, Sought
from classifiers.lexicon.terms import Term
from classifiers.normalise import View
from classifiers.normalising import tables
from classifiers.rules import Context, Finding, stretch

_VERSION: Final = "lexicon-2"
CEILINGS: Final[Mapping[str, float]] = {
    "sexual": 0.8,
    "sexual_minors": 0.85,
    "violence": 0.8,
    "terrorism": 0.85,
    "hate": 0.8,
    "harassment": 0.8,
    "self_harm": 0.85,
    "spam": 0.8,
    "fraud": 0.8,
    "gambling": 0.85,
    "illegal_goods": 0.85,
}
"""The most that several terms together may say of a category, below what a policy blocks at: words without a sentence
can be innocent, so a person decides. A single term of more weight may say more."""
PHRASE_FACTOR: Final = 0.3
"""What is left of a weight beside one of the term's softening phrases."""
_READ: Final = 32
"""Places of one term that are read for what softens it; more of them count in full, so that a flood hides nothing."""


class Lexicon:
    """Terms ready to be found. ``version`` changes with the terms, the contexts, the normaliser and this code."""

    def __init__(self, terms: Iterable[Term], contexts: Mapping[str, Context], source: bytes) -> None:
        """``source`` is the file the ``contexts`` came from. Raises `classifiers.lexicon.engine.EngineError`."""
        self.terms: Final = tuple(sorted(terms, key=Term.line))
        self.version: Final = _version(self.terms, source)
        self._contexts = contexts
        numbers: dict[tuple[str, bool], int] = {}
        self._meant: list[list[tuple[int, Term]]] = []
        for index, term in enumerate(self.terms):
            number = numbers.setdefault((term.text, term.whole), len(self._meant))
            if number == len(self._meant):
                self._meant.append([])
            self._meant[number].append((index, term))
        self._engine = Engine([Sought(text, whole) for text, whole in numbers])

    @property
    def counts(self) -> dict[str, int]:
        """The number of terms of each category that has any."""
        return dict(sorted(Counter([term.category for term in self.terms]).items()))

    def findings(self, view: View) -> list[Finding]:
        """One finding for each category of which a term counts.

        A term inside a longer one of the same category says nothing: the longer tells what was meant.
        """
        hits = self._engine.find(view.text)
        if not hits:
            return []
        places: dict[str, list[tuple[int, int, str, float]]] = {}
        seen: Counter[int] = Counter()
        for start, end, number in hits:
            for index, term in self._meant[number]:
                if not _is_near(term, view.text, start, end):
                    continue
                seen[index] += 1
                strength = self._strength(term, view.text, start, end) if seen[index] <= _READ else term.weight
                places.setdefault(term.category, []).append((start, -end, term.text, strength))
        return [_joined(category, _outermost(found)) for category, found in places.items()]

    def _strength(self, term: Term, text: str, start: int, end: int) -> float:
        strength = term.weight
        for name in term.contexts:
            context = self._contexts[name]
            if context.pattern.search(stretch(context.where, text, start, end)):
                strength *= context.factor
        if term.phrases and _any_of(term.phrases).search(stretch("around", text, start, end)):
            strength *= PHRASE_FACTOR
        return strength


def _is_near(term: Term, text: str, start: int, end: int) -> bool:
    """Whether one of the words stands near that the term needs to count at all."""
    if not term.near:
        return True
    around = text[max(0, start - term.within) : start] + "\n" + text[end : end + term.within]
    return _any_of(term.near).search(around) is not None


def _outermost(found: list[tuple[int, int, str, float]]) -> list[tuple[int, int, str, float]]:
    found.sort()
    kept: list[tuple[int, int, str, float]] = []
    reached, at = -1, (-1, 0)
    for place in found:
        if -place[1] > reached or place[:2] == at:
            kept.append(place)
            reached, at = -place[1], place[:2]
    return kept


def _joined(category: str, places: Sequence[tuple[int, int, str, float]]) -> Finding:
    best: dict[str, float] = {}  # saying a term again, or giving it twice with other options, proves nothing more
    for _, _, term, strength in places:
        best[term] = max(strength, best.get(term, 0.0))
    doubt = 1.0
    for strength in best.values():
        doubt *= 1.0 - strength
    strongest = max(best.values())
    value = max(min(1.0 - doubt, CEILINGS[category]), strongest)
    # The strongest first: a score carries only a few spans.
    shown = sorted(places, key=lambda place: (-place[3], place[0]))
    return Finding(category, round(value, 4), tuple([(start, -end) for start, end, _, _ in shown]))


@lru_cache(maxsize=4096)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """One of these strings, Latin ends of which are ends of words."""
    return re.compile(
        "|".join(
            [
                ("(?<![a-z0-9])" if re.match("[a-z0-9]", word) else "")
                + re.escape(word)
                + ("(?![a-z0-9])" if re.search("[a-z0-9]$", word) else "")
                for word in words
            ]
        )
    )


def _version(terms: Sequence[Term], source: bytes) -> str:
    digest = hashlib.sha256(
        f"{_VERSION}\0{normalise.VERSION}\0{tables.digest()}\0{PHRASE_FACTOR}\0{CEILINGS}\0".encode() + source
    )
    for term in terms:
        digest.update(b"\0" + term.line().encode("utf-8", "surrogatepass"))
    return f"{_VERSION}-{digest.hexdigest()[:12]}"

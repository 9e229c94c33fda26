"""Is a re-published text the text of its source: exact, trimmed, altered, or not from there at all?

A repost may leave sentences out; it may not change, add or reorder any. Sentences are therefore compared as wholes, so
that one digit or one "not" makes a text altered. How much an altered text still has of its source is measured by its
shingles (runs of three words; a Chinese character counts as a word): counted one by one for a text of ordinary length,
and estimated by MinHash (rensa) for a very long one, in one pass over each text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from rensa import RMinHash

from gateway.core.model import Likeness, Message
from gateway.core.sentences import CJK, joined, leaves_a_gap, sentences

LONGEST: Final = 200_000
"""The longest text, in characters, that is compared sentence by sentence."""

SHARED: Final = 0.3
"""From which share of its shingles in the source a text counts as the source's, altered."""

FEWEST_WORDS: Final = 8
"""What is left of a source must have this many words, or half of the source's: "Yes." stands in any text."""

_FIRST: Final = 5
"""Title, text, and the source's title, publisher and author come first among the texts of a message."""
_SHINGLE: Final = 3
_COUNTED: Final = 25_000
"""Up to how many shingles of the repost are counted. With more, the two texts are of like length (at most one to
eight), where MinHash is good: its standard error is below 0.05."""
_PERMUTATIONS: Final = 1024
_SEED: Final = 1

_WORD = re.compile(rf"[{CJK}]|[^\W{CJK}]+")
_LABEL = re.compile(
    r"(?:来源|來源|转自|轉自|转载自|轉載自|原文链接|原文鏈接|原文|作者|source|via|originally published (?:by|at|in)"
    r"|reposted from|republished from|original|link|by|author)[:：]?"
)
# Punctuation only: emoji, flags and letters in boxes are no words to a regular expression, but they are to readers.
_NOTHING = re.compile(r"[\x01\s!-/:-@\[-`{-~、·•《》〈〉【】〔〕©]*")


def compare(texts: Sequence[str], source: str, credit: Iterable[str] = ()) -> tuple[Likeness, float]:
    """What the ``texts`` of a message (title first) are to the text of their ``source`` (title first, too), and how
    much of them is in the source, from 0 to 1.

    ``credit`` is what is known of the source from elsewhere: publisher, author, title, address. A sentence that does no
    more than give credit ("Source: The News", or the title) is passed over, wherever it stands. Credit must not come
    from the message itself, or anything could be passed over. A text longer than `LONGEST` is never trimmed; nor is
    one with a gap in it behind which nobody would look for more.
    """
    text = "\n\n".join(texts)
    if text == source and text.strip():
        return Likeness.EXACT, 1.0
    if len(text) > LONGEST or len(source) > LONGEST or leaves_a_gap(text):
        return _measure([text[:LONGEST].casefold()], [source[:LONGEST].casefold()])
    known = sorted({joined(sentences(each)) for each in credit} - {""}, key=len, reverse=True)
    theirs = _without_credit(sentences(source), known)
    named = [place for place, each in enumerate(texts[:_FIRST]) if place and _is_credit(each, known)]
    mine = _without_credit(sentences("\n\n".join([t for place, t in enumerate(texts) if place not in named])), known)
    if mine and joined(mine) == joined(theirs):
        return Likeness.EXACT, 1.0
    if not mine or not theirs:
        return Likeness.UNSOURCED, 0.0
    if _words_differ_little(mine, theirs):
        return Likeness.UNSOURCED, 0.0
    if _in_order(mine, theirs):
        return Likeness.TRIMMED, 1.0
    return _measure(mine, theirs)


def _words_differ_little(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a text is too short to tell where it comes from."""
    count = _count(mine, FEWEST_WORDS)
    return count < FEWEST_WORDS and 2 * count < _count(theirs, 2 * count + 1)


def _count(parts: Sequence[str], enough: int) -> int:
    return sum(1 for _ in islice((word for part in parts for word in _WORD.finditer(part)), enough))


def _in_order(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether all my sentences are among theirs, in their order."""
    rest = iter(theirs)
    return all(sentence in rest for sentence in mine)


def _is_credit(text: str, known: Sequence[str]) -> bool:
    """Whether a text as a whole is known. A title of two sentences is not found among sentences."""
    return len(text) <= _longest(known) and joined(sentences(text)) in known


def _longest(known: Sequence[str]) -> int:
    return sum(map(len, known)) + 100


def _without_credit(parts: list[str], known: Sequence[str]) -> list[str]:
    longest = _longest(known)
    return [part for part in parts if len(part) > longest or not _gives_credit(part, known)] if known else parts


def _gives_credit(sentence: str, known: Sequence[str]) -> bool:
    named = False
    for name in known:
        if name in sentence:
            sentence, named = sentence.replace(name, " "), True
    return named and _NOTHING.fullmatch(_LABEL.sub(" ", sentence)) is not None


def post(message: Message) -> tuple[str, ...]:
    """The texts of a message that make up the post itself: without where it goes, the addresses of its pictures and of
    its source, and the word that declares it to be news. All else that readers may see stays, metadata too.

    Each is left out once, as the field that it is. What a title or a text says in the same words stays.
    """
    fields = [message.target, *[each.url for each in message.media]]
    if message.repost_of is not None:
        fields.append(message.repost_of.url)
    if message.declared_topic == "news":
        fields += ["topic", "news"]
    beside, kept = Counter(fields), []
    for text in reversed(message.texts):  # title and text come first
        if beside[text] > 0:
            beside[text] -= 1
        else:
            kept.append(text)
    return tuple(reversed(kept))


def _measure(mine: Sequence[str], theirs: Sequence[str]) -> tuple[Likeness, float]:
    share = _containment(_words(mine), _words(theirs))
    return (Likeness.ALTERED if share >= SHARED else Likeness.UNSOURCED), share


def _words(parts: Sequence[str]) -> list[str]:
    return [word for part in parts for word in _WORD.findall(part)]


def _shingles(words: Sequence[str]) -> Iterator[str]:
    return map(" ".join, zip(*[words[skip:] for skip in range(_SHINGLE)], strict=False))


def _containment(mine: Sequence[str], theirs: Sequence[str]) -> float:
    """The share of my shingles that are among theirs."""
    if len(mine) < _SHINGLE or len(theirs) < _SHINGLE:
        return 0.0
    if len(mine) <= _COUNTED:
        wanted = frozenset(_shingles(mine))
        return len(wanted.intersection(_shingles(theirs))) / len(wanted)
    sketches = []
    for words in (mine, theirs):
        sketch = RMinHash(_PERMUTATIONS, _SEED)
        sketch.update(_shingles(words))
        sketches.append(sketch)
    # |A and B| out of the Jaccard similarity and the sizes, as if no shingle occurred twice.
    alike: float = sketches[0].jaccard(sketches[1])
    return min(1.0, alike * (len(mine) + len(theirs)) / ((1 + alike) * len(mine)))

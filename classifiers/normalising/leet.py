"""Signs and digits that stand for letters, in English words: p0rn, a$$, 5h1t, ni99er.

Between letters a sign is read as one wherever a word has more letters than signs. At the edge of a word, where
prices, times, versions and units stand, only if a known word comes out.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.normalising.tables import pairs, words
from classifiers.normalising.view import View, rewrite, substitute

KNOWN: Final = frozenset(words("masked.txt"))
"""Words worth hiding, in all their forms."""

_MAYBE: Final = re.compile(r"[0-9$!|@€¢+][a-z]|[a-z$@][0-9$@€+]")
_TOKEN: Final = re.compile(r"(?<![a-z0-9$!|@€¢+])[a-z]*[0-9$!|@€¢+][a-z0-9$!|@€¢+]*")
"""A word with a sign in it. It starts where no letter stands before it, so that a long word is read once."""

_SIGNS: Final = str.maketrans("01345679@8$!|€¢+", "oieasgtgabsiiect")
_OTHER_SIGNS: Final = str.maketrans("01345679@8$!|€¢+", "oleasbtgabsllect")
"""The second reading: 1 and ! as l, 6 as b."""
_INNER: Final = re.compile(r"(?<=[a-z])[0134578$@]{1,2}(?=[a-z])")
_INNER_LETTERS: Final = dict(zip("013457@8$", "oieastabs", strict=True))
_NO_LETTERS: Final = frozenset({"@$$"})
_DIGIT: Final = re.compile("[0-9]")
_LETTER: Final = re.compile("[a-z]")
_ADDRESS: Final = re.compile(r"[\w-]{0,60}\.[a-z]")
_TECHNICAL: Final = re.compile("k8s|i18n|l10n|a11y|h[0-9]n[0-9]|o365|s3c|p2p|m3u8|x11|e5v2|utf8mb4|sha1sum|w3c|i[0-9]k")

_SPELLED: Final = pairs("spelled.tsv")
_WORD: Final = re.compile("[a-z]+")


def read(view: View) -> View:
    """The view with signs read as the letters they stand for, and other spellings as the words meant."""
    if _MAYBE.search(view.text):
        view = substitute(view, _TOKEN, _token)
    if not _SPELLED.keys().isdisjoint(_WORD.findall(view.text)):
        view = rewrite(view, _WORD, lambda match: _SPELLED.get(match[0]))
    return view


def _token(match: re.Match[str]) -> str:
    whole = match[0]
    token = whole.rstrip("!|")
    tail = whole[len(token) :]
    if "@" in token and _ADDRESS.match(match.string, match.start() + token.rindex("@") + 1):
        return whole
    letters = len(_LETTER.findall(token))
    if letters == 0 and token not in _NO_LETTERS:
        return whole
    if letters > 1 or not _DIGIT.search(token):
        for signs in (_SIGNS, _OTHER_SIGNS):
            word = token.translate(signs)
            if word in KNOWN:
                return word + tail
    if _TECHNICAL.fullmatch(token) or 2 * letters <= len(token):
        return whole
    return _INNER.sub(_unleet, whole)


def _unleet(match: re.Match[str]) -> str:
    signs = match[0]
    return "ll" if signs == "11" else "".join([_INNER_LETTERS[sign] for sign in signs])

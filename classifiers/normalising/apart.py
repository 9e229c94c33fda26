"""Words pulled apart or masked by signs: k-i.l l, fu_ck, f u c k, n i g g e r, f*ck, s**t.

Single letters in a row are no ordinary text, so they are gathered whatever they spell. A whole word cut in two or
masked is read only if a known word comes out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from classifiers.normalising.leet import KNOWN
from classifiers.normalising.tables import rows, words
from classifiers.normalising.view import View, keep, rewrite

_MAYBE_SINGLE: Final = re.compile(r"[ \n._*/~|+-][a-z][ \n._*/~|+-]")
_SPELLED: Final = re.compile(
    r"(?<![^a-z0-9'][b-hj-tv-z] )(?<!^[b-hj-tv-z] )(?<![a-z0-9'])"
    r"[a-z](?:[._*/~|+-][a-z]){2,}(?![a-z0-9']| [a-z](?![a-z0-9'._*/~|+-]))"
)
"""Three or more single letters parted by signs: a word, with blanks on either side and no single letter beyond them."""
_LIKE: Final = "[a-z013457@$]"
"""A letter, or what stands for one between letters."""
_SINGLE: Final = re.compile(
    rf"(?<![a-z0-9'])[a-z]([ \n._*/~|+-]{{1,3}}){_LIKE}(?:\1{_LIKE})*\1[a-z](?:\1[@$])?(?![a-z0-9'@$])"
    rf"|(?<![a-z0-9'])[a-z](?:[ \n._*/~|+-]{_LIKE}){{2,}}[ \n._*/~|+-][a-z](?![a-z0-9'])"
)
"""Three or more single letters parted by the same signs, or four and more parted by any."""
_WORD_FOLLOWS: Final = re.compile("[ \n][iua][ \n][a-z]")
_GAPS: Final = frozenset(" \n._*/~|+-")
_FEWEST: Final = 3
"""Letters in a row of single ones, without what stands for letters."""

_MAYBE_CUT: Final = re.compile(r"[a-z][._*~|/+#%&^-]")
_CUT: Final = re.compile(r"(?<![a-z0-9._*~|/+#%&^@-])[a-z]+[._*~|/+#%&^-][a-z._*~|/+#%&^-]*")
_SIGNS: Final = re.compile(r"[._*~|/+#%&^-]")
_OTHER_MASKS: Final = re.compile(r"[#%&^]")
_LONGEST: Final = 20
_ORDINARY: Final = frozenset({"pen.is"})
"""The end of one sentence and the start of the next, without the blank."""

_BY_LENGTH: Final[dict[int, list[str]]] = {}
for _word in words("masked.txt"):
    _BY_LENGTH.setdefault(len(_word), []).append(_word)
_FAMOUS: Final = frozenset(words("masked.txt")[:12])
"""Words that are understood from their first letter alone, as in n*****."""

_HALVED: Final = {pair: pair.replace(" ", "") for (pair,) in rows("halved.tsv", 1)}
_FIRST_HALVES: Final = frozenset([pair.split(" ")[0] for pair in _HALVED])
_SECOND_HALVES: Final = frozenset([pair.split(" ")[1] for pair in _HALVED])
_WORD: Final = re.compile("[a-z']+")
_PAIR: Final = re.compile(f"(?<![a-z'-])(?:{'|'.join(sorted(_HALVED))})(?![a-z'-])")


def read(view: View) -> View:
    """The view with halves of words drawn together and masked words written out."""
    if _MAYBE_CUT.search(view.text):
        view = rewrite(view, _CUT, _whole)
    found = _WORD.findall(view.text)
    if not (_FIRST_HALVES.isdisjoint(found) or _SECOND_HALVES.isdisjoint(found)):
        view = rewrite(view, _PAIR, lambda match: _HALVED[match[0]])
    return view


def letters(view: View) -> View:
    """The view with single letters drawn together, and with them what may stand for letters: n u d 3 s."""
    if _MAYBE_SINGLE.search(view.text):
        view = keep(keep(view, _SPELLED, _letters), _SINGLE, _letters)
    return view


def _letters(match: re.Match[str]) -> list[int] | None:
    """Where they stand; None for too few. A last "i", "u" or "a" before a blank and a word stays a word of its own,
    unless it completes a known one: who writes letters before "I" hides what "I" does next.
    """
    found = [at for at in range(match.start(), match.end()) if match.string[at] not in _GAPS]
    joined = "".join([match.string[at] for at in found])
    if sum(map(str.isalpha, joined)) < _FEWEST:
        return None
    if _WORD_FOLLOWS.match(match.string, match.end() - 2) and joined not in KNOWN:
        return [*found[:-1], match.end() - 2, match.end() - 1]
    return found


def _whole(match: re.Match[str]) -> str | None:
    """The known word that was cut or masked; None for anything else, as for ``and/or``."""
    text = match[0].rstrip("._~|/+-")
    if len(text) > _LONGEST or text in _ORDINARY:
        return None
    joined = _SIGNS.sub("", text)
    word = joined if joined in KNOWN and joined != text else _unmasked(text.replace("-", ""))
    return None if word is None else word + match[0][len(text) :]


@lru_cache(4096)
def _unmasked(text: str) -> str | None:
    """The first known word of this length that shows these letters in these places."""
    masked = text if "*" in text or len(text) < 4 else _OTHER_MASKS.sub("*", text)
    letters = masked.replace("*", "")
    if letters == masked or not letters.isalpha():
        return None
    for word in _BY_LENGTH.get(len(masked), ()):
        if all(shown in ("*", letter) for shown, letter in zip(masked, word, strict=True)):
            return word if len(letters) > 1 or word in _FAMOUS else None
    return None

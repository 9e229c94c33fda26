"""A text cut into sentences that can be compared word for word, in English and Chinese.

What a reader cannot see makes no difference: case, the width of letters and punctuation (NFKC), the shape of quotation
marks and dashes, spaces and line ends, characters of no width. What can turn a meaning stays: words, digits, signs,
punctuation, and the characters that change the direction of writing. Where it is not sure that a sentence ends, it does
not end: nobody shall cut "he did it" out of "it is not true that Mr. Smith said: he did it".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain, islice, pairwise
from typing import Final

CJK: Final = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Characters, as in a class of a regular expression, that are written without spaces and count as a word each."""

_IS_CJK = re.compile(f"[{CJK}]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_WIDTH: Final = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\ud800-\udfff"
)
_UNSEEN = re.compile(f"[{_NO_WIDTH}]+")
# Letters of Hangul that show as a space: with one, "therapist" reads as two words.
_FILLERS: Final = "\u115f\u1160\u3164\uffa0"
_FILLER = re.compile(f"[{_FILLERS}]")
_EMPTY: Final = rf"\s{_NO_WIDTH}{_FILLERS}"
_GAP = re.compile(rf"[{_EMPTY}]{{80}}|(?:\n(?:(?!\n)[{_EMPTY}])*){{12}}")
# NFKC would make 10² a 102, 5① a 51 and 1½ an 11⁄2.
_RAISED = re.compile("[¼-¾⅐-⅟↉]|[²³¹⁰ⁱ⁴-₎]+|[①-⑳⓪㉑-㉟㊱-㊿]")
# Putting combining marks in order takes the square of how many follow one another (UAX #15, Stream-Safe Text Format).
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{30}(?=[^\w\s\x00-\x7f])")
_GRAPHEME_JOINER: Final = "\u034f"
_WORDY = re.compile("[\u3300-\u33ff\ufdf0-\ufdfb\uff9e\uff9f]")
_MOST_WORDY: Final = 2_000
_SPACES = re.compile(r"[^\S\n ]+| {2,}")
_LINES = re.compile(r" *\n[ \n]*")
_SHAPES = (
    (re.compile("[“”„‟«»「」『』〝〞〟]"), '"'),
    (re.compile("[‘’‚‛′`´]"), "'"),
    (re.compile("[‐-―−]"), "-"),
)
_OPENING: Final = "“「『«〝"
_CLOSING: Final = "”」』»〞"
# A single quotation mark, or the apostrophe of "the boys' house": what opens nothing, closes nothing.
_SINGLE: Final = r"‘|(?<![^\W_])'(?=[^\W\d_])|(?<=\S)['’](?![^\W_])"
_MARK = re.compile(rf"[{_OPENING}]+|[{_CLOSING}]+|\"|{_SINGLE}|[.!?。]+([{_CLOSING}\"'’)\]]*)([ \n]*)|\n+")
_MOST_MARKS: Final = 20_000
"""What comes behind so many marks is one sentence: no text that people read is so long."""
# fmt: off
_ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "sen", "rep", "gov", "lt", "col", "sgt", "capt", "cmdr", "adm",
    "maj", "hon", "rev", "jr", "sr", "vs", "etc", "no", "nos", "inc", "ltd", "co", "corp", "bros", "dept", "est",
    "fig", "vol", "ed", "pp", "approx", "al", "e.g", "i.e", "u.s", "u.k", "u.n", "a.m", "p.m", "ph.d", "jan", "feb",
    "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat",
    "sun",
))
# fmt: on
_SINGLES: Final = frozenset("'‘’")
_LAST_WORD = re.compile(r"[^\s\"'(“‘]*\Z")
_PAUSES: Final = ",、:;(-"
_NUMBERS_APART = re.compile(r"(?<=\d)([^\w\s]) (?=\d)")
_WORDS_APART = re.compile(rf" (?:(?<=[^\w] )|(?<=[{CJK}] )|(?![^\W{CJK}]))")
_KEPT: Final = "\x01"
_END: Final = "\x02"


def sentences(text: str) -> list[str]:
    """The sentences of a text in their order, each in the form in which it is compared; headlines are sentences too.

    The work grows with the length of the text, and with nothing else: a text with thousands of characters that stand
    for a whole phrase each is one sentence.
    """
    text = _LINE_END.sub("\n", _UNSEEN.sub("", _FILLER.sub(" ", text)))
    if sum(1 for _ in islice(_WORDY.finditer(text), _MOST_WORDY)) == _MOST_WORDY:
        return [text]
    text = _MARKS.sub(rf"\g<0>{_GRAPHEME_JOINER}", _RAISED.sub(r" ^\g<0>", text))
    text = _spaced(unicodedata.normalize("NFKC", text))
    cuts = [0, *_ends(text), len(text)]
    text = _END.join([text[start:end].strip() for start, end in pairwise(cuts)])
    return [each for each in _compared(text).split(_END) if each]


def leaves_a_gap(text: str) -> bool:
    """Whether a text has so many lines or spaces without anything, one after the other, that readers take what stands
    before them for the whole of it."""
    return _GAP.search(_LINE_END.sub("\n", text)) is not None


def joined(parts: Sequence[str]) -> str:
    """What a text is that has these sentences, wherever they were cut."""
    return "".join([*map(_before, parts, chain(parts[1:], [""]))])


def _before(part: str, following: str) -> str:
    if not (part and following):
        return part
    if part[-1].isalnum() and following[0].isalnum():
        return part if _IS_CJK.match(part[-1]) or _IS_CJK.match(following[0]) else f"{part} "
    # "5. 3 died" is not "5.3 died".
    return f"{part}{_KEPT}" if part[-2:-1].isdigit() and following[0].isdigit() else part


def _spaced(text: str) -> str:
    """One space, one line end, or two line ends where a paragraph ends."""
    return _LINES.sub(lambda match: "\n\n" if match[0].count("\n") > 1 else "\n", _SPACES.sub(" ", text))


def _ends(text: str) -> list[int]:
    """Where a sentence ends and the next begins. Within quotation marks there is no end, except at an empty line.

    A straight quotation mark opens and closes in turn. What ends in a colon goes on, in another paragraph too.
    """
    ends: list[int] = []
    depth, straight, single = 0, False, False
    for match in islice(_MARK.finditer(text), _MOST_MARKS):
        mark = match[0]
        if mark == '"':
            straight = not straight
            continue
        if mark[0] in _OPENING:
            depth += len(mark)
            continue
        if mark[0] in _CLOSING:
            depth = max(0, depth - len(mark))
            continue
        if mark in _SINGLES:
            single = mark == "‘" or (mark == "'" and text[match.end() : match.end() + 1].isalpha())
            continue
        if match[1]:
            depth = max(0, depth - sum([each in _CLOSING for each in match[1]]))
            straight ^= match[1].count('"') % 2 == 1
            single = single and not _SINGLES & set(match[1])
        if mark.endswith("\n\n") and text[match.start() - 1 : match.start()] != ":":
            depth, straight, single = 0, False, False
            ends.append(match.end())
        elif straight or depth or single:
            continue
        elif _ends_line(text, match.start()) if match[1] is None else _ends_sentence(text, match):
            ends.append(match.end())
    return ends


def _ends_line(text: str, end: int) -> bool:
    """Whether a line that has no full stop ends something. In Chinese it does: nobody breaks lines by hand there."""
    before = text[end - 1 : end]
    return bool(_IS_CJK.match(before)) and before not in _PAUSES


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    stops, gap = match[0][: match.start(2) - match.start()], match[2]
    after = text[match.end() : match.end() + 1]
    if not after:
        return True
    if after.islower():
        return False
    chinese = bool(_IS_CJK.match(after))
    if match[1]:
        if chinese and "\n" not in gap:
            return False
        stops = stops[: -len(match[1])]
    if stops[-1] != ".":
        return True
    if len(stops) > 1 or not (gap or chinese):
        return False
    last = _LAST_WORD.search(text, max(0, match.start() - 12), match.start())
    word = last[0].lower() if last else ""
    return not (word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and not _IS_CJK.match(word)))


def _compared(text: str) -> str:
    """A text as it is compared. Spaces count where they part two words, or two numbers."""
    text = _NUMBERS_APART.sub(rf"\1{_KEPT}", text.replace("\n", " ").replace("  ", " "))
    text = _WORDS_APART.sub("", text)
    for shape, plain in _SHAPES:
        text = shape.sub(plain, text)
    return text.replace("。", ".").casefold()

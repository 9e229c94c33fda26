"""The canonical view: what it undoes, what it leaves alone, and that its map points into the original."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifiers.folding import FOLD
from classifiers.normalise import OVERLAP, WINDOW, normalise, windows


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("Good Morning", "good morning"),
        ("ＫＩＬＬ", "kill"),
        ("ﬁne", "fine"),
        ("Straße", "strasse"),
        ("ki\u200bll\u2060 y\u00adou", "kill you"),
        ("\u202ekill\u202c", "kill"),
        ("k̷i̷l̷l̷", "kill"),
        ("café", "cafe"),
        ("kіll", "kill"),  # Cyrillic i
        ("ѕех", "sex"),  # all Cyrillic
        ("κill", "kill"),  # Greek kappa
        ("Привет, как дела", "привет, как дела"),
        ("это сaмo собой", "это camo собой"),  # only the mixed word is read as Latin
        ("καλημέρα φίλε", "καλημέρα φίλε"),
        ("k1ll", "kill"),
        ("p0rn and s3x", "porn and sex"),
        ("b@stard", "bastard"),
        ("k!ll", "kill"),
        ("ki11er", "killer"),
        ("$ex", "sex"),
        ("mp3 4pm covid19 1,000,000 $500", "mp3 4pm covid19 1,000,000 $500"),
        ("bob@gmail.com", "bob@gmail.com"),
        ("k i l l", "kill"),
        ("k.i.l.l", "kill"),
        ("k-i-l-l him", "kill him"),
        ("k i l l  y o u", "kill you"),
        ("x x x i am going", "x i am going"),
        ("q w e u will", "qwe u will"),
        ("n a z i scum", "nazi scum"),
        ("i w-i-l-l s-h-o-o-t y-o-u", "i will shoot you"),
        ("k-i.l l him", "kill him"),
        ("n u d 3 s, m d m @", "nudes, mdma"),
        ("k i l l 1 3 4 5 7", "kill 1 3 4 5 7"),
        ("plan a 1 b 2", "plan a 1 b 2"),
        ("kil.l yours.elf", "kill yourself"),
        ("k  i  l  l", "kill"),
        ("a b", "a b"),
        ("加 微 信", "加微信"),
        ("杀.了.你", "杀了你"),
        ("你好 世界", "你好 世界"),
        ("fuuuuuck", "fuck"),
        ("killllll", "kill"),
        ("assss", "ass"),
        ("good", "good"),
        ("1000000", "1000000"),
        ("哈哈哈哈哈哈", "哈哈哈"),
        ("wow!!!!!!", "wow!!!"),
        ("a  \t b", "a b"),
        ("a \n\n b", "a\nb"),
        ("it’s “fine”", 'it\'s "fine"'),
        ("が", "が"),
        ("हिन्दी", "हिन्दी"),
        ("한국어", "한국어"),
        ("", ""),
    ],
)
def test_view(text: str, view: str) -> None:
    assert normalise(text).text == view


@pytest.mark.parametrize(
    ("text", "part", "original"),
    [
        ("so K.I.L.L him", "kill", "K.I.L.L"),
        ("ki\u200bll", "kill", "ki\u200bll"),
        ("oh fuuuck you", "fuck", "fuuuck"),
        ("ﬁne", "fi", "ﬁ"),
        ("ﬁne", "i", "ﬁ"),
        ("我 要 杀 你", "杀你", "杀 你"),
        ("The END", "end", "END"),
    ],
)
def test_spans_lead_back(text: str, part: str, original: str) -> None:
    view = normalise(text)
    at = view.text.index(part)
    start, end = view.span(at, at + len(part))
    assert text[start:end] == original


_PIECES = (
    *"aAkKlLiIsS1!0$@*_.- \n\t\u200b\u200d\u0301\u202eкіσςßﬁİ杀了你ﷺ한🔥🔫🐴💀❤\ufe0f🇫Ꮶ\ud800\x00",
    *"我加微信亻尔女干妈草泥が",
    "f*ck",
    "n*****",
    "vx",
    "cnm",
    "pao",
    "5h1t",
    "約砲",
    "傻13",
)
_nasty = st.lists(st.sampled_from(_PIECES)).map("".join) | st.text(st.characters())


@given(_nasty)
@example("\ud800\udfff")
@example("ﷺ" * 20)
def test_the_map_stays_within_the_text_and_in_order(text: str) -> None:
    view = normalise(text)
    assert len(view.offsets) == len(view.text) + 1
    assert list(view.offsets) == sorted(view.offsets)
    assert view.offsets[-1] == len(text)
    for at in range(len(view.text)):
        start, end = view.span(at, at + 1)
        assert 0 <= start < end <= len(text)


@given(_nasty, st.data())
def test_any_stretch_has_a_span(text: str, data: st.DataObject) -> None:
    view = normalise(text)
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    first, last = view.span(start, end)
    assert 0 <= first <= last <= len(text)
    assert (first < last) == (start < end)


_PLAIN = st.one_of(
    [st.text(letters, min_size=2, max_size=6) for letters in ("abcdefg", "мир", "杀了你女子日月木材微信")]
)


@given(st.lists(_PLAIN).map(" ".join))
def test_a_view_of_plain_words_is_its_own_view(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


def test_folding_a_folded_character_changes_nothing() -> None:
    changed = [hex(c) for c in range(sys.maxunicode + 1) if _folded(FOLD[chr(c)]) != FOLD[chr(c)]]
    assert changed == []


def _folded(text: str) -> str:
    return "".join([FOLD[char] for char in text])


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        *("a ", "k.i.l.l.", "!", "a@", "é\u200b", "k1", "杀 ", " \n", "ааb", "l", "a*", "*", "a-b_", "f u ", "a1@b."),
        *(
            "女干",
            "亻尔",
            "加*",
            "加*微-",
            "🔫我",
            "👨\u200d",
            "🇫",
            "草泥",
            "我x",
            "wei信",
            "我,",
            "の我",
            "cao",
            "他🐴",
        ),
        "a" + "\u0301" * 9_999,
        "🔫" + "\u200d" * 9_999,
    ],
)
def test_a_long_run_of_anything_is_no_trouble(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    view = normalise(text)
    assert len(view.text) <= len(text)
    assert view.offsets[-1] == len(text)


@given(st.integers(0, 4 * WINDOW))
@example(WINDOW)
@example(WINDOW + 1)
def test_windows_cover_a_text_and_overlap(length: int) -> None:
    text = "".join([chr(0x4E00 + at % 20_000) for at in range(length)])
    pieces = list(windows(text))
    assert all(text[start : start + WINDOW] == piece for start, piece in pieces)
    assert pieces[0][0] == 0
    assert pieces[-1][0] + len(pieces[-1][1]) == length
    for (start, piece), (following, _) in itertools.pairwise(pieces):
        assert start + len(piece) - following == OVERLAP
    assert len(pieces) == 1 or len(pieces[-1][1]) > OVERLAP

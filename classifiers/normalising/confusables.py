"""Letters of other scripts that look like Latin ones, read as Latin where no true foreign text is near.

The pairs are Unicode's (UTS 39, confusables, from the ``confusable-homoglyphs`` data) for scripts of which evaders
borrow letters, and by hand those that the standard leaves out: small capitals, turned and hooked letters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from importlib import resources
from typing import Final

from classifiers.normalising.view import View

_BY_HAND: Final = dict(
    zip(
        # Cyrillic; Greek; small capitals; turned; Canadian syllabics; hooked, crossed and others without decomposition.
        "авекмнорстухіјѕԁһԛԝґ"
        "αβεηικνορτυχμγω"
        "ᴀʙᴄᴅᴇꜰғɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢ"
        "ɐɔǝəɟƃɥᴉɾʞꞁɯɹʇʌʍʎ"
        "ᗩᗷᑕᗪᕮᖴᕼᒍᒪᗰᑎᑭᑫᖇᔕᑌᐯᗯᘔ"
        "ıɑɡɩøđłħŧƀɓƈɖɗɇɛƒɠɦɨʝƙɫɱɲŋɵƥʠɍʂƫʈʉʋⱳƴƶʐʒȷꝺ",
        "abekmhopctyxijsdhqwr"
        "abenikvoptuxuyw"
        "abcdeffghijklmnopqrstuvwyz"
        "aceefghijklmrtvwy"
        "abcdefhjlmnpqrsuvwz"
        "iagiodlhtbbcddeefghijklmnnopqrsttuvwyzzzjd",
        strict=True,
    )
)

_SCRIPTS: Final = re.compile(
    "(?:LATIN|CYRILLIC|GREEK|COPTIC|CHEROKEE|LISU|CANADIAN|ARMENIAN|DESERET|TIFINAGH|RUNIC|OSAGE|CARIAN|LYCIAN|OLD"
    "|ELBASAN|WARANG|MIAO|GEORGIAN|ESTIMATED|APL) "
)
"""How the names begin of the characters taken. Digits of Indic scripts, box lines and the like are not."""

_ALPHABETS: Final = (
    "\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u10a0-\u10ff\u13a0-\u13fd\u1400-\u167f\u1c80-\u1c8f\u2c80-\u2cff"
    "\u2d30-\u2d67\ua4d0-\ua4ff\ua640-\ua69f\uab70-\uabbf"
)


def _letters() -> dict[str, str]:
    pairs = json.loads((resources.files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    letters: dict[str, str] = {}
    for char, lookalikes in pairs.items():
        if len(char) != 1 or not _SCRIPTS.match(unicodedata.name(char, "")):
            continue
        found = [
            like["c"] for like in lookalikes if len(like["c"]) == 1 and like["c"].isascii() and like["c"].isalpha()
        ]
        if found and not unicodedata.normalize("NFKC", char).isascii():
            # The standard reads every upright stroke as l; as a capital or in a script without case it is an I.
            upright = found[0] == "l" and unicodedata.category(char) != "Ll"
            letters[char] = "i" if upright else found[0].lower()
    return letters | _BY_HAND


LATIN: Final[dict[str, str]] = _letters()
"""Each look-alike with the small Latin letter it looks like."""

_FORMS: Final = sorted({form for char in LATIN for form in (char, char.casefold()) if form <= "\uffff"})
_FOREIGN: Final = re.compile(f"[{''.join(_FORMS)}\U00010280-\U00010fff\U00011700-\U000118ff\U00016f00-\U0001d24f]")
"""Any look-alike; the rare ones beyond the BMP by their blocks, since a class looks them up one by one."""
_OTHER_ALPHABET: Final = re.compile(f"[{_ALPHABETS}]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_MIXED: Final = re.compile(f"[a-z](?=[{_ALPHABETS}])|[{_ALPHABETS}](?=[a-z])")
_LETTER: Final = re.compile("[a-z]")


def read(view: View, original: str) -> View:
    """Reads look-alikes as Latin in mixed words, and everywhere if no true letter of another alphabet is near.

    A Russian or Greek text keeps its own letters. ``original`` tells capitals from small letters, which look
    different: a Greek capital Eta is an H, a small one an n.
    """
    text = view.text
    if not _FOREIGN.search(text):
        return view
    originals = original if len(text) == len(original) else [original[at] for at in view.offsets[:-1]]
    latin = "".join([LATIN.get(old) or LATIN.get(char, char) for old, char in zip(originals, text, strict=True)])
    if not _OTHER_ALPHABET.search(latin):
        return View(latin, view.offsets)
    if not _MIXED.search(text):
        return view
    return View(_WORD.sub(lambda word: _mixed(word, latin), text), view.offsets)


def _mixed(word: re.Match[str], latin: str) -> str:
    return latin[word.start() : word.end()] if _LETTER.search(word[0]) else word[0]

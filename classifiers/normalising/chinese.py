"""Traditional and variant Chinese characters, one for one, to the simplified ones of mainland China.

Built once from OpenCC's dictionaries (Traditional to Simplified, with the variants of Taiwan and Hong Kong). A
converter of phrases would choose better between 乾 and 干, but would move the positions of what follows.
"""

from __future__ import annotations

import re
from typing import Final

import opencc

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
"""Chinese characters, as the inside of a character class of ``re``."""

_RANGES: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
_ORDINARY: Final = frozenset("么著睾檐痹沈")
"""Characters that simplified texts use as well; read another way they would make other words."""

_BY_HAND: Final = dict(zip("妳牠尓伱祢沒砲礮婬祼毐姦慾喫牀搾呌", "你它尔你你没炮炮淫裸毒奸欲吃床榨叫", strict=True))
"""Variants that OpenCC does not know, and look-alikes that hide a word."""

_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HAN: Final = re.compile(f"[{HAN}]")
_FEW_KANA: Final = 3


def _table() -> dict[str, str]:
    characters = [chr(code) for start, end in _RANGES for code in range(start, end)]
    lines = "\n".join(characters)

    def changed(config: str, text: str) -> list[str]:
        found: list[str] = opencc.OpenCC(config).convert(text).split("\n")
        return found

    table = dict(_BY_HAND)
    # An earlier one wins: the general table over the variants of a region, and those over Japanese forms.
    for config in ("t2s", "tw2s", "hk2s"):
        for old, new in zip(characters, changed(config, lines), strict=True):
            if new != old:
                table.setdefault(old, new)
    through_japanese = changed("t2s", "\n".join(changed("jp2t", lines)))
    for old, new in zip(characters, through_japanese, strict=True):
        if new != old and old not in table and not _is_simplified(old):
            table[old] = new
    one_for_one = {old: new for old, new in table.items() if len(new) == 1 and old not in _ORDINARY}
    return {old: one_for_one.get(new, new) for old, new in one_for_one.items()}


def _is_simplified(char: str) -> bool:
    """Whether the character is in the mainland's first national set, so that Chinese texts mean it as it is."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


SIMPLIFIED: Final[dict[str, str]] = _table()
"""Each character that has another simplified form, with that form."""


def is_japanese(text: str) -> bool:
    """Whether kana carry the text, as in Japanese. A single の in a Chinese text is decoration."""
    if not _KANA.search(text):
        return False
    kana = len(_KANA.findall(text))
    return kana >= _FEW_KANA and 4 * kana >= len(_HAN.findall(text))

"""What is heard in a text: the syllables of its characters, and of pinyin among or without them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.sounds import SYLLABLES, romanised, sounds, table


def heard(text: str) -> str:
    syllables, _ = sounds(text)
    return " ".join([SYLLABLES[index] for index in syllables])


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("加微信", "jia wei xin"),
        ("佳薇芯", "jia wei xin"),
        ("加wei信", "jia wei xin"),
        ("裸 liao 吧", "luo liao ba"),
        ("嗯,行", "en xin"),
        ("傻逼", "sa bi"),
        ("王上", "wan san"),
        ("蓝男", "lan nan"),
        ("女", "nv"),
        ("我用java写linux程序", "wo yong xie cen xu"),
        ("我要 change 了", "wo yao le"),
        ("我在这里, 明天 cao", "wo zai ze li min tian cao"),
        ("我在这里 for cao", "wo zai ze li"),
        ("cao ni ma de sha bi", "cao ni ma de sa bi"),
        ("wo yao sha le ni ok", "wo yao sa le ni"),
        ("women qu sha ren", "wo men qu sa ren"),
        ("jia wei", ""),
        ("hello my name is data game", ""),
        ("the women like ping pong and change", ""),
        ("", ""),
        ("😀𠀀\ud800", ""),
    ],
)
def test_heard(text: str, syllables: str) -> None:
    assert heard(text) == syllables


def test_positions_lead_to_the_character_or_the_start_of_the_run() -> None:
    syllables, positions = sounds("去 weixin 加")
    assert [SYLLABLES[index] for index in syllables] == ["qu", "wei", "xin", "jia"]
    assert positions.tolist() == [0, 2, 2, 9]
    assert (syllables.dtype, positions.dtype) == (np.dtype(np.uint16), np.dtype(np.int32))


@pytest.mark.parametrize(
    ("run", "cut"),
    [
        ("weixin", ["wei", "xin"]),
        ("zhuang", ["zuan"]),
        ("fangan", ["fan", "gan"]),
        ("nvren", ["nv", "ren"]),
        ("lue", ["lve"]),
        ("women", None),
        ("bin", None),
        ("hen", None),
        ("an", None),
        ("a", None),
        ("", None),
        ("kill", None),
        ("weixinx", None),
        ("ma" * 40, None),
    ],
)
def test_romanised(run: str, cut: list[str] | None) -> None:
    found = romanised(run)
    assert (None if found is None else [SYLLABLES[index] for index in found]) == cut


def test_the_table_covers_the_characters_in_use_and_no_others() -> None:
    assert table().shape == (0x10000,)
    assert table().max() < len(SYLLABLES)
    assert SYLLABLES[0] == ""
    assert np.count_nonzero(table()[0x4E00:0x9FA6] == 0) < 20
    assert not table()[:0x2E80].any()


@given(st.text(st.sampled_from("abcdeghijklmnopqrstuvwxyz 我你加微信,\ud800𠀀")))
def test_positions_are_in_order_and_within_the_text(text: str) -> None:
    syllables, positions = sounds(text)
    assert len(syllables) == len(positions)
    assert positions.tolist() == sorted(positions.tolist())
    assert all(0 <= at < len(text) for at in positions.tolist())
    assert all(0 < index < len(SYLLABLES) for index in syllables.tolist())


@given(st.lists(st.sampled_from([*SYLLABLES[1:]]), min_size=1, max_size=8).map("".join))
def test_what_is_cut_is_made_of_no_more_syllables_than_were_joined(run: str) -> None:
    found = romanised(run)
    assert found is None or all(0 < index < len(SYLLABLES) for index in found)

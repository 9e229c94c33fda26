"""What a repost's text is to the text of its source."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.model import Likeness, Media, Message, Repost
from gateway.core.reposts import LONGEST, compare, post
from gateway.core.sentences import sentences

ENGLISH = (
    "Harbour bridge closes",
    "The harbour bridge will close on 3 May for repairs, the transport office said.",
    "Mr. J. Smith did not take 5.3 million from the fund!",
    "“I am sorry. I was wrong,” the engineer told reporters in the U.S. capital.",
    "Drivers should use the tunnel until 10 June.",
    "Did anybody ask the neighbours?",
)
CHINESE = (
    "跨海大桥将封闭检修",
    "交通部门表示，跨海大桥将于5月3日起封闭检修，预计持续40天。",
    "张三没有挪用530万元专项资金！",
    "工程师对记者说：“我很抱歉。我错了。”随后离开会场。",
    "司机可在6月10日之前改走海底隧道。",
    "有人问过附近的居民吗？",
)


def english(parts: tuple[str, ...] | list[str]) -> str:
    """An English text: its title, then sentences in one paragraph."""
    return parts[0] + "\n\n" + " ".join(parts[1:])


def chinese(parts: tuple[str, ...] | list[str]) -> str:
    """A Chinese text: its title, then sentences in one paragraph."""
    return parts[0] + "\n" + "".join(parts[1:])


EN, ZH = english(ENGLISH), chinese(CHINESE)


def without(text: str, *parts: str) -> str:
    """A text without some of its parts."""
    for part in parts:
        assert part in text
        text = text.replace(part, "", 1)
    return text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (EN, EN),
        (EN.upper(), EN),
        (EN.replace(" ", "\n"), EN),
        (EN.replace(" ", "\u00a0\u3000 "), EN),
        (EN.replace("i", "i\u200b").replace("t", "\ufefft"), EN),
        (EN.replace("“", '"').replace("”", '"'), EN),
        (EN.replace(",", "，").replace("!", "！").replace("3", "３"), EN),
        (ZH, ZH),
        (ZH.replace("，", ",").replace("。", "｡").replace("！", "!").replace("：", ":"), ZH),
        (ZH.replace("5月", "５月").replace("“", "「").replace("”", "」"), ZH),
        (ZH.replace("5月", " 5 月 ").replace("40天", "40 天"), ZH),
        (ZH.replace("大", "大\u200b"), ZH),
        ("Cafe\u0301 owners protest.", "Café owners protest."),
    ],
)
def test_what_a_reader_cannot_see_makes_no_difference(text: str, source: str) -> None:
    assert compare([text], source) == (Likeness.EXACT, 1.0)


def test_the_parts_of_a_message_are_one_text() -> None:
    assert compare([ENGLISH[0], " ".join(ENGLISH[1:])], EN)[0] is Likeness.EXACT
    assert compare([CHINESE[0], "".join(CHINESE[1:])], ZH)[0] is Likeness.EXACT


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (without(EN, ENGLISH[2]), EN),
        (without(EN, ENGLISH[0], ENGLISH[4]), EN),
        (ENGLISH[1], EN),
        (without(ZH, CHINESE[2]), ZH),
        (without(ZH, CHINESE[0], CHINESE[3]), ZH),
        (CHINESE[1], ZH),
    ],
)
def test_sentences_may_be_left_out(text: str, source: str) -> None:
    assert compare([text], source) == (Likeness.TRIMMED, 1.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3 May", "4 May"),
        ("did not take", "did take"),
        ("Mr. J. Smith", "Mr. J. Jones"),
        ("5.3 million", "53 million"),
        ("5.3 million", "5. 3 million"),
        ("from the fund!", "from the fund! He is guilty."),
        ("Mr. J. Smith did not", "Smith did not"),
        ("“I am sorry. I was wrong,” the engineer told reporters in the U.S. capital.", "I was wrong."),
        ("the transport office said", "the mayor said"),
        ("10 June.", "10 June"),
        ("until 10 June", "until \u202e01\u202c June"),
        ("neighbours", "n\u0435ighbours"),
        (f"{ENGLISH[1]} {ENGLISH[2]}", f"{ENGLISH[2]} {ENGLISH[1]}"),
        (ENGLISH[4], f"{ENGLISH[4]} {ENGLISH[4]}"),
        ("Harbour bridge closes", "Harbour bridge collapses"),
    ],
)
def test_what_changes_an_english_text(old: str, new: str) -> None:
    assert old in EN
    assert compare([EN.replace(old, new)], EN)[0] is Likeness.ALTERED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5月3日", "5月4日"),
        ("没有挪用", "挪用"),
        ("张三", "李四"),
        ("530万", "53万"),
        ("“我很抱歉。我错了。”随后离开会场。", "“我错了。”"),
        ("工程师对记者说：“我很抱歉。我错了。”随后离开会场。", "“我很抱歉。我错了。”"),
        (f"{CHINESE[1]}{CHINESE[2]}", f"{CHINESE[2]}{CHINESE[1]}"),
        ("跨海大桥将封闭检修\n", "跨海大桥将拆除\n"),
        ("隧道。", "隧道。请勿相信谣言。"),
        ("封闭", "封閉"),
    ],
)
def test_what_changes_a_chinese_text(old: str, new: str) -> None:
    assert old in ZH
    assert compare([ZH.replace(old, new)], ZH)[0] is Likeness.ALTERED


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("It costs 102 now, and nobody knows why it does.", "It costs 10² now, and nobody knows why it does."),
        ("They lost 11/2 of it, and nobody knows why.", "They lost 1½ of it, and nobody knows why."),
        ("At least 5① people died in the town on that day.", "At least 51 people died in the town on that day."),
        ("They met the\u3164rapist in the town on that day.", "They met therapist in the town on that day."),
        ("We saw it nowhere in the town on that day.", "We saw it now here in the town on that day."),
        ("It is 5 degrees colder than it was last week.", "It is -5 degrees colder than it was last week."),
        ("The rate is 3.1 of all the houses in town.", "The rate is 3. 1 of all the houses in town."),
    ],
)
def test_what_must_not_become_equal(text: str, source: str) -> None:
    assert compare([text], source)[0] not in (Likeness.EXACT, Likeness.TRIMMED)


@pytest.mark.parametrize("text", ["Yes.", "No comment, he said.", "是的。", "Did anybody ask?"])
def test_a_trifle_stands_in_any_text(text: str) -> None:
    source = f"{EN}\n\n{text}\n\n{ZH}"
    assert compare([text], source)[0] is Likeness.UNSOURCED


def test_a_short_source_is_compared_all_the_same() -> None:
    assert compare(["Fire in the old mill."], "Fire in the old mill.")[0] is Likeness.EXACT
    assert compare(["Fire in the old mill."], "Fire in the old mill. Nobody hurt.")[0] is Likeness.TRIMMED


@pytest.mark.parametrize(
    ("text", "source"),
    [(EN, ZH), (ZH, EN), ("", EN), (" \u200b", EN), (EN, ""), ("", ""), ("\n", "\n"), (EN, "An entirely other story.")],
)
def test_what_is_not_from_there(text: str, source: str) -> None:
    likeness, share = compare([text], source)
    assert likeness is Likeness.UNSOURCED
    assert share < 0.1


def test_no_texts_have_no_source() -> None:
    assert compare([], EN)[0] is Likeness.UNSOURCED


@pytest.mark.parametrize(
    ("line", "likeness"),
    [
        ("Source: The News", Likeness.TRIMMED),
        ("Via The News https://news.example/1", Likeness.TRIMMED),
        ("来源：The News", Likeness.TRIMMED),
        ("https://news.example/1 | THE NEWS", Likeness.TRIMMED),
        ("Source: The News says he is guilty", Likeness.ALTERED),
        ("Source: he is guilty", Likeness.ALTERED),
        ("Source:", Likeness.ALTERED),
        ("Source: The News \U0001f17d\U0001f17e", Likeness.ALTERED),
        ("The News \U0001f1f3 \U0001f1f4", Likeness.ALTERED),
        ("The News \U0001f4a9", Likeness.ALTERED),
    ],
)
@pytest.mark.parametrize("source", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_credit_given_in_the_text_is_passed_over(line: str, likeness: Likeness, source: tuple[str, ...]) -> None:
    text = "\n\n".join([*source[:-1], line])
    credit = ("The News", "https://news.example/1")
    assert compare([text], "\n\n".join(source), credit)[0] is likeness


def test_the_title_is_credit_and_another_title_is_an_alteration() -> None:
    credit = ("The News", ENGLISH[0])
    body = " ".join(ENGLISH[1:])
    assert compare([ENGLISH[0], body, ENGLISH[0], "The News"], EN, credit)[0] is Likeness.EXACT
    assert compare([body], EN, credit)[0] is Likeness.EXACT
    assert compare(["Harbour bridge safe", body], EN, credit)[0] is Likeness.ALTERED


def test_a_title_of_two_sentences_is_credit_too() -> None:
    title, body = "Who won? Nobody knows", " ".join(ENGLISH[1:])
    texts = [title, body, title, "The News"]
    assert compare(texts, f"{title}\n\n{body}", ("The News", title))[0] is Likeness.EXACT
    assert compare([*texts, "Nobody knows"], f"{title}\n\n{body}", ("The News", title))[0] is Likeness.ALTERED


@pytest.mark.parametrize(
    "gap", ["\n" * 12, "\n \u200b" * 12, " " * 80, "\u3000\u200b" * 40, "\u2060" * 80, "\u3164" * 80]
)
def test_nothing_is_hidden_behind_a_gap(gap: str) -> None:
    hidden = EN.replace(", the transport", f"{gap}, the transport")
    assert compare([hidden], EN)[0] is Likeness.ALTERED
    assert compare([EN.replace(", the transport", f"{gap[1:]}, the transport")], EN)[0] is Likeness.EXACT


def test_the_post_is_what_readers_see() -> None:
    message = Message(
        "t1",
        "acc-1",
        "native",
        ("news", "Title", "Text", "topic", "news", "mood", "angry", "https://p.example/1.jpg", "#town"),
        "0" * 64,
        media=(Media("image/jpeg", url="https://p.example/1.jpg"),),
        target="#town",
        declared_topic="news",
    )
    assert post(message) == ("news", "Title", "Text", "mood", "angry")


@pytest.mark.parametrize(
    "beside",
    [{"target": "He is guilty"}, {"declared_topic": "He is guilty"}, {"media": (Media("image/png", "He is guilty"),)}],
)
def test_what_a_field_says_is_no_licence_to_say_it_elsewhere(beside: dict[str, Any]) -> None:
    url = "https://news.example/1"
    message = Message("t1", "acc-1", "native", ("He is guilty", "Text", url, "He is guilty"), "0" * 64, **beside)
    message = replace(message, repost_of=Repost(url))
    assert post(message)[:2] == ("He is guilty", "Text")
    assert url not in post(message)


def test_a_topic_that_declares_nothing_is_text() -> None:
    message = Message("t1", "acc-1", "native", ("Text", "topic", "guilty"), "0" * 64, declared_topic="guilty")
    assert post(message) == ("Text", "topic", "guilty")


def test_the_share_says_how_much_is_from_there() -> None:
    half = " ".join(ENGLISH[1:3]) + " Nothing of what follows now was ever printed by any serious paper at all."
    _, share = compare([half], EN)
    assert 0.5 < share < 0.8


def test_very_long_texts_are_estimated() -> None:
    source = " ".join([f"Line {n} of a report names {n * 7919 % 10007} things." for n in range(4500)])
    kept = " ".join([f"Line {n} of a report names {n * 7919 % 10007} things." for n in range(1, 4500, 2)])
    other = " ".join([f"{n:x}" for n in range(30_000)])
    mixed = f"{kept} {other[: other.index(' 3fff ')]}"
    assert len(source) < LONGEST
    assert len(mixed) < LONGEST
    likeness, share = compare([mixed], source)
    assert likeness is Likeness.ALTERED
    assert 0.4 < share < 0.6  # 15,700 of 32,100 shingles
    assert compare([other], source)[0] is Likeness.UNSOURCED


def test_a_text_beyond_the_bound_is_never_trimmed() -> None:
    source = ENGLISH[1] + " And so on and so forth." * 10_000
    assert compare([source], source)[0] is Likeness.EXACT
    assert compare([source[: source.rindex(" And")]], source)[0] is Likeness.ALTERED


@pytest.mark.parametrize(
    "unit",
    [
        "a. ",
        "A. B",
        ".!?",
        "“",
        "”",
        "\n",
        "\n a",
        "“。”",
        "². ",
        "e\u0301",
        "。我",
        "1. ",
        " ",
        "\u202e1",
        "\ufdfa",
        "\u0301\u0323",
        "\uff9e\u0301",
        "\ud800",
        "\x00",
        "\u3300",
    ],
    ids=ascii,
)
def test_hostile_texts_take_no_time(unit: str) -> None:
    text = (unit * LONGEST)[: LONGEST - 1]
    before = time.process_time()
    compare([text], f"{text}x")
    # An eighth of a second; what takes the square of its length takes minutes.
    assert time.process_time() - before < 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is. He was.", ["it is.", "he was."]),
        ("He met Dr. Who. Then he left.", ["he met dr.who.", "then he left."]),
        ("It rose by 3.5 percent. nobody knew.", ["it rose by 3.5 percent.nobody knew."]),
        ("Not\ntrue. It is", ["not true.", "it is"]),
        ("A head\n\nA text.", ["a head", "a text."]),
        ("“One. Two.” he said.", ['"one.two."he said.']),
        ("一。二！三", ["一.", "二!", "三"]),
        ("他说：“一。二。”三。四。", ['他说:"一.二."三.', "四."]),
        ("标题\n正文，\n继续。", ["标题", "正文,继续."]),
        ("“未完。\n\n下一段。再一段。", ['"未完.', "下一段.", "再一段."]),
        ("He said: ‘One. Two.’ Three.", ["he said:'one.two.'", "three."]),
        ("He said: 'One. Two,' he said. Three.", ["he said:'one.two,'he said.", "three."]),
        (
            "The boys' house. It isn’t his. Nor the girls’. ’Tis mine.",
            ["the boys'house.", "it isn't his.", "nor the girls'.", "'tis mine."],
        ),
        ("This is a lie:\n\nHe did it. Next.", ["this is a lie:he did it.", "next."]),
        ("", []),
        ("\u200b \n", []),
    ],
)
def test_where_a_sentence_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


EN_WORDS = st.lists(
    st.sampled_from(["the", "river", "town", "people", "12", "not", "said", "blue"]), min_size=4, max_size=9
)
ZH_WORDS = st.text("河流城市人民不是说过蓝色七十二", min_size=6, max_size=12)
EN_TEXT = st.lists(EN_WORDS.map(lambda words: " ".join(words).capitalize() + "."), min_size=4, max_size=9)
ZH_TEXT = st.lists(ZH_WORDS.map(lambda text: f"{text}。"), min_size=4, max_size=9)


@given(st.data(), st.booleans())
def test_any_sentences_in_their_order_are_trimmed(data: st.DataObject, latin: bool) -> None:
    parts = data.draw(EN_TEXT if latin else ZH_TEXT)
    kept = sorted(data.draw(st.sets(st.integers(0, len(parts) - 1), min_size=2, max_size=len(parts))))
    glue = data.draw(st.sampled_from([" ", "\n\n", "\n", " \u200b "]))
    text = glue.join([parts[n] for n in kept])
    expected = Likeness.EXACT if len(kept) == len(parts) else Likeness.TRIMMED
    assert compare([text], " ".join(parts))[0] is expected


@given(st.data(), st.booleans())
def test_a_changed_word_is_never_passed_over(data: st.DataObject, latin: bool) -> None:
    parts = data.draw(EN_TEXT if latin else ZH_TEXT)
    source = " ".join(parts)
    at = data.draw(st.integers(0, len(parts) - 1))
    words = parts[at].split(" ") if latin else list(parts[at])
    where = data.draw(st.integers(0, len(words) - 2))
    change = data.draw(st.sampled_from(["swap", "drop", "add"]))
    new = {"swap": ["never" if latin else "绝"], "drop": [], "add": [words[where], "never" if latin else "绝"]}[change]
    changed = (" " if latin else "").join(words[:where] + new + words[where + 1 :])
    if changed in parts:
        return  # it became another sentence of the source, whole
    text = " ".join([*parts[:at], changed, *parts[at + 1 :]])
    if sorted(sentences(text)) == sorted(sentences(source)):
        return
    assert compare([text], source)[0] not in (Likeness.EXACT, Likeness.TRIMMED)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared(text: str, source: str) -> None:
    likeness, share = compare([text], source)
    assert isinstance(likeness, Likeness)
    assert 0.0 <= share <= 1.0

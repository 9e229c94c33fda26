"""Which texts of a message people are shown."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Media, Message
from gateway.http.passages import own_texts, passages


def message(*texts: str, target: str | None = None, media: tuple[str, ...] = ()) -> Message:
    """A message with these texts."""
    files = tuple([Media("image/png", url=url) for url in media])
    return Message("t1", "acc-1", "telegram", texts, "0" * 64, files, target)


def shown(*texts: str, **fields: object) -> list[tuple[str, bool]]:
    """What is shown, and whether it is what a reader sees of another text."""
    return [(each.text, each.rendered) for each in passages(message(*texts, **fields))]  # type: ignore[arg-type]


def test_the_target_and_addresses_of_media_are_no_texts() -> None:
    made = message("Hello", "@news", "https://a.example/1.png", target="@news", media=("https://a.example/1.png",))
    assert own_texts(made) == ["Hello"]
    assert [each.text for each in passages(made)] == ["Hello"]


def test_what_only_repeats_is_not_shown() -> None:
    assert shown("I am **not** here", "I am not here") == [("I am **not** here", False)]
    assert shown("Sale", "Everything must go", "Sale\nEverything must go") == [
        ("Sale", False),
        ("Everything must go", False),
    ]


def test_what_differs_is_shown_as_a_reader_sees_it() -> None:
    assert shown("k[i](https://a.example)ll", "kill") == [("k[i](https://a.example)ll", False), ("kill", True)]
    assert shown("k<b>i</b>ll", "kill") == [("k<b>i</b>ll", False), ("kill", True)]


def test_the_same_words_in_another_order_are_no_repetition() -> None:
    assert shown("I will not kill you, you", "I will kill you") == [
        ("I will not kill you, you", False),
        ("I will kill you", False),
    ]


def test_what_was_found_only_there_is_shown_though_it_repeats() -> None:
    made = message("I am going to", "kill you", "I am going to\nkill you")
    assert [each.part for each in passages(made)] == [0, 1]
    assert [(each.part, each.rendered) for each in passages(made, [2])] == [(0, False), (1, False), (2, True)]


@given(st.lists(st.text(alphabet="ab \n*_[]().!", min_size=1, max_size=12), max_size=6))
def test_every_word_is_shown(texts: list[str]) -> None:
    together = " ".join(each.text for each in passages(message(*texts)))
    for text in texts:
        assert set(re.findall(r"\w+", text)) <= set(re.findall(r"\w+", together))

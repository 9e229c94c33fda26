"""A text keeps its verdict however it is split: by line breaks, markup, links, spoilers, mentions, entities."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.contract import Opinion, Question
from classifiers.text import TextClassifier
from gateway.core.policy import parse_policy
from gateway.platforms.markdown_text import render
from gateway.platforms.shipped import load_shipped
from tests.classifiers.casebook import cases
from tests.platforms.calls import call, read

POLICY = parse_policy(Path("gateway/policy.yaml").read_text()).policy
HAN = re.compile("[\u3400-\u9fff]")
Split = Callable[[str, random.Random], str]


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    """The one that ships."""
    return TextClassifier()


def is_stopped(classifier: TextClassifier, texts: tuple[str, ...]) -> bool:
    """Whether the policy that ships holds or blocks a message with these texts."""
    answer = classifier.judge(Question("c-1", "m1", "t1", texts, (), ("text",), 1))
    if not isinstance(answer, Opinion):
        return True
    return any(s.category in POLICY.categories and s.value >= POLICY.categories[s.category].hold for s in answer.scores)


def on(platform: str, text: str) -> tuple[str, ...]:
    """The texts that are judged when a text is published on a platform."""
    match platform:
        case "telegram":
            request = call("POST", "/bot12:AA-b/sendMessage", body={"chat_id": 5, "text": text})
        case "discord":
            request = call("POST", "/api/v10/channels/5/messages", body={"content": text})
        case "slack":
            request = call("POST", "/api/chat.postMessage", body={"channel": "C1", "text": text})
        case _:
            body = {
                "msgtype": "m.text",
                "body": "see below",
                "formatted_body": text,
                "format": "org.matrix.custom.html",
            }
            request = call("PUT", "/_matrix/client/v3/rooms/!r:home/send/m.room.message/1", body=body)
    return read(load_shipped(platform), request).texts


def pieces(text: str, each: int) -> list[str]:
    """A text in pieces of so many words, or Chinese characters."""
    words = list(text) if HAN.search(text) else text.split(" ")
    glue = "" if HAN.search(text) else " "
    return [glue.join(words[at : at + each]) for at in range(0, len(words), each)]


def inside(mark: Callable[[str, str], str]) -> Split:
    """Three words with a mark inside: ``mark`` gets a letter, and makes of it what is written."""

    def split(text: str, choose: random.Random) -> str:
        glue = "" if HAN.search(text) else " "
        words = list(text) if HAN.search(text) else text.split(" ")
        places = [at for at, word in enumerate(words) if HAN.search(word) or len(word) > 2]
        for at in choose.sample(places, min(3, len(places))):
            before, letter, behind = words[at][:1], words[at][1:2], words[at][2:]
            words[at] = before + mark(letter, behind) if letter else mark(before, "")
        return glue.join(words)

    return split


def halves(text: str) -> str:
    """A line break in the middle."""
    return "\n".join(pieces(text, max(1, -(-len(pieces(text, 1)) // 2))))


SPLITS: dict[str, tuple[str, Split]] = {
    "a break in the middle": ("telegram", lambda text, _: halves(text)),
    "two words a line": ("telegram", lambda text, _: "\n".join(pieces(text, 2))),
    "one word a line": ("discord", lambda text, _: "\n".join(pieces(text, 1))),
    "quoted lines": ("discord", lambda text, _: "\n".join("> " + piece for piece in pieces(text, 2))),
    "links": ("discord", inside(lambda letter, rest: f"[{letter}](https://a.example){rest}")),
    "links with titles": ("telegram", inside(lambda letter, rest: f'[{letter}](https://a.example/b_(c) "t"){rest}')),
    "links of length zero": ("discord", inside(lambda letter, rest: f"{letter}[](https://a.example){rest}")),
    "reference links": (
        "discord",
        lambda text, choose: inside(lambda one, rest: f"[{one}][1]{rest}")(text, choose) + "\n\n[1]: https://a.example",
    ),
    "labelled links": ("slack", inside(lambda letter, rest: f"<https://a.example|{letter}>{rest}")),
    "bold": ("telegram", inside(lambda letter, rest: f"*{letter}*{rest}")),
    "spoilers": ("discord", inside(lambda letter, rest: f"||{letter}||{rest}")),
    "escapes": ("telegram", inside(lambda letter, rest: f"\\{letter}{rest}")),
    "mentions in words": ("slack", inside(lambda letter, rest: f"{letter}<@U123>{rest}")),
    "mentions between words": ("discord", lambda text, _: " <@1> ".join(pieces(text, 2))),
    "emoji of the site": ("discord", inside(lambda letter, rest: f"{letter}<:x:1>{rest}")),
    "empty elements": ("matrix", inside(lambda letter, rest: f"{letter}<b></b>{rest}")),
    "styles": ("matrix", inside(lambda letter, rest: f"{letter}<style>p{{}}</style>{rest}")),
    "replies": ("matrix", inside(lambda letter, rest: f"{letter}<mx-reply>well</mx-reply>{rest}")),
    "comments": ("matrix", inside(lambda letter, rest: f"{letter}<!-- x -->{rest}")),
    "entities": ("matrix", inside(lambda letter, rest: f"&#{ord(letter)};{rest}")),
    "a word a paragraph": ("matrix", lambda text, _: "".join(f"<p>{piece}</p>" for piece in pieces(text, 1))),
    "links and breaks": (
        "discord",
        lambda text, choose: "\n".join(
            inside(lambda letter, rest: f"[{letter}](https://a.example){rest}")(piece, choose)
            for piece in pieces(text, 3)
        ),
    ),
}


@pytest.mark.parametrize("name", SPLITS)
def test_what_is_stopped_as_written_is_stopped_when_it_is_split(name: str, classifier: TextClassifier) -> None:
    platform, split = SPLITS[name]
    choose = random.Random(name)  # noqa: S311
    texts = [case.text for case in cases() if case.violations and "\n" not in case.text][::3]
    stopped = [text for text in texts if is_stopped(classifier, (text,))]
    assert len(stopped) > 30
    lost = [written for text in stopped if not is_stopped(classifier, on(platform, written := split(text, choose)))]
    assert lost == []


def test_what_is_said_across_blocks_is_said(classifier: TextClassifier) -> None:
    words = ["I", "am", "going", "to", "kill", "you", "tonight"]
    blocks = [
        {"type": "section", "block_id": f"b{at}", "text": {"type": "mrkdwn", "text": w}} for at, w in enumerate(words)
    ]
    request = call("POST", "/api/chat.postMessage", body={"channel": "C1", "text": "hello", "blocks": blocks})
    assert is_stopped(classifier, read(load_shipped("slack"), request).texts)
    rows = [[{"text": word, "callback_data": f"press_{at}"}] for at, word in enumerate(words)]
    request = call(
        "POST", "/bot1:A/sendMessage", body={"chat_id": 5, "text": "hello", "reply_markup": {"inline_keyboard": rows}}
    )
    assert is_stopped(classifier, read(load_shipped("telegram"), request).texts)


@settings(max_examples=300)
@given(st.text(alphabet="ab<>[]()!|@#*_~`\\&;:/ \n\"'1杀", max_size=80))
def test_any_text_is_rendered(source: str) -> None:
    rendered = render(source)
    assert len(rendered) <= len(source)
    assert set("ab1杀") & set(rendered) <= set(source)


@pytest.mark.parametrize(
    "piece", ["[", "[x](", "[x](a ", '[x](a "', "<", "<@", "<a|", "]:", "[x]: ", "&", "*", " ", "@", "> ", "(()"]
)
def test_rendering_is_bounded_by_the_length_of_a_text(piece: str) -> None:
    # Twice the length must not cost four times the work: counted in bytecode steps it would take minutes here.
    assert render(piece * 60_000) is not None

"""The shipped terms: what the shipped policy would hold because of them, what not, and how they are built."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

import classifiers.lexicon
import gateway
from classifiers.contract import Opinion, Question
from classifiers.lexicon.build import build
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.lexicon.terms import TermError, parse
from classifiers.rulefiles import contexts

CLASSIFIER = LexiconClassifier()
POLICY = yaml.safe_load((Path(gateway.__file__).parent / "policy.yaml").read_bytes())["categories"]
HERE = Path(classifiers.lexicon.__file__).parent

HELD = [
    ("go kill yourself", "harassment"),
    ("k y s", "harassment"),
    ("操你妈", "harassment"),
    ("操 你 妈", "harassment"),
    ("祝你全家死光光，你全家死光", "harassment"),
    ("no n1ggers here", "hate"),
    ("死基佬，黑鬼", "hate"),
    ("I'll stab you", "violence"),
    ("信不信我杀你全家", "violence"),
    ("download the bomb making manual", "terrorism"),
    ("求炸弹配方", "terrorism"),
    ("i wanna die", "self_harm"),
    ("有人一起自杀吗，相约自杀", "self_harm"),
    ("我想轻生", "self_harm"),
    ("full service escort, incall outcall", "sexual"),
    ("同城约炮，加我", "sexual"),
    ("莞式服务一条龙", "sexual"),
    ("trading cp, dm me", "sexual_minors"),
    ("cheese pizza links, telegram", "sexual_minors"),
    ("出幼女资源", "sexual_minors"),
    ("got molly and xans, dm for prices", "illegal_goods"),
    ("大麻现货，包邮", "illegal_goods"),
    ("正规发票代开，验后付款", "illegal_goods"),
    ("glock switch in stock", "illegal_goods"),
    ("注册送彩金，提款秒到", "gambling"),
    ("no deposit casino, free spins no deposit", "gambling"),
    ("稳赚不赔，老师带单", "fraud"),
    ("enter your seed phrase to get it back", "fraud"),
    ("您的积分可兑换现金，逾期失效", "fraud"),
    ("you have won a prize, call 09061 to claim", "spam"),
]

PASSED = [
    "this fucking printer ate my paper again, damn",
    "他妈的又堵车，卧槽",
    "what a shitty movie, total bullshit",
    "the class assessment passes on Thursday",
    "a sexy dress and a bondage film",
    "Police arrested two men for selling heroin",
    "警方抓获一名出售大麻的嫌疑人，缴获现货",
    "Casino Royale is on tonight",
    "suicide prevention hotline: call us",
    "自杀小队这部电影好看吗",
    "坐田鸡巴士去上班",
    "cheese pizza with extra olives please",
    "the pharmacy sells xanax only on prescription, says the doctor",
    "谨防诈骗：稳赚不赔的都是骗局",
    "我家按摩椅坏了，按摩要多少钱",
    "十三点开会，13.5元一份",
    "the government should resign, this party lies to us",
    "这项政策不合理，应该修改",
    "笑死我了，想你们了",
    "seaweed salad and weed killer for the garden",
]


def held(text: str) -> set[str]:
    answer = CLASSIFIER.judge(Question("e", "m", "t", ("lexicon",), (text,), (), 0))
    assert isinstance(answer, Opinion)
    return {score.category for score in answer.scores if score.value >= POLICY[score.category]["hold"]}


@pytest.mark.parametrize(("text", "category"), HELD, ids=[text for text, _ in HELD])
def test_held(text: str, category: str) -> None:
    assert category in held(text)


@pytest.mark.parametrize("text", PASSED)
def test_passed(text: str) -> None:
    assert held(text) == set()


def test_no_shipped_term_blocks_by_itself() -> None:
    terms = CLASSIFIER.source.current().terms
    assert len(terms) > 3000
    assert [term for term in terms if term.weight >= POLICY[term.category].get("block", 1.0)] == []


LISTS = {
    "ldnoobw-en": "fuck\nass\nsexy\nzz new term\n",
    "ldnoobw-zh": "13.\n乳交\n干x娘\n",
    "sensitive-lexicon-porn-types.txt": "幼交\n按摩棒\n做爱大鸡巴\n",
    "sensitive-lexicon-porn.txt": "按摩棒\n自拍\n",
    "sensitive-lexicon-guns-explosives.txt": "某炸弹制作\n出售手枪甲\n军刀网\n中国弓弩乙\n",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "lexicons").mkdir()
    for name, text in LISTS.items():
        (tmp_path / "lexicons" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_same_lists_make_the_same_bytes(data: Path) -> None:
    packed = build(data)
    assert build(data) == packed
    assert packed[4:8] == b"\0\0\0\0", "no time in it"


def test_lists_give_terms_by_the_rules_and_own_terms_come_first(data: Path) -> None:
    lines = gzip.decompress(build(data)).decode().splitlines()
    terms = [line for line in lines if not line.startswith("#")]
    assert terms == sorted(terms)
    text = "\n".join(terms)
    assert "zz new term\tsexual\t0.25\tunless=@education,@report" in terms
    assert "幼交\tsexual_minors\t0.8" in text, "from own.tsv, and not twice"
    assert text.count("\n幼交\t") == 1
    assert "干x娘\tharassment\t0.25" in text
    assert "某炸弹制作\tterrorism\t0.5" in text
    assert "出售手枪甲\tillegal_goods\t0.65" in text, "as much as the own term in it"
    assert text.count("\n按摩棒\t") == 1
    assert not {"sexy", "13.", "自拍", "军刀网", "中国弓弩乙"} & {line.split("\t")[0] for line in terms}
    assert any("CC BY 4.0" in line for line in lines)
    assert any("MIT" in line for line in lines)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(TermError, match=r"ldnoobw-en:0:0: No such file or directory; give the directory"):
        build(tmp_path)


def test_the_shipped_file_has_every_own_term() -> None:
    known, _ = contexts()
    own = parse((HERE / "own.tsv").read_text(encoding="utf-8"), "own.tsv", known)
    assert len(own) >= 400
    assert set(own) <= set(CLASSIFIER.source.current().terms), "run python -m classifiers.lexicon.build DATA_DIR"

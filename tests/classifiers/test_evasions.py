"""What is done to a text to slip past a reader of patterns, and the view that undoes it."""

from __future__ import annotations

import pytest

from classifiers.normalise import normalise

LETTERS = [
    ("ᏦᎥᏞᏞ", "kill"),  # Cherokee
    ("ꓗꓲꓡꓡ", "kill"),  # Lisu
    ("ᗷITᑕᕼ", "bitch"),  # Canadian syllabics
    ("հаtе", "hate"),  # Armenian and Cyrillic
    ("ᴋɪʟʟ ʏᴏᴜ", "kill you"),
    ("ΗΑΤΕ", "hate"),  # Greek capitals: an Eta is an H
    ("ΚΙLL", "kill"),
    ("ʞıll", "kill"),
    ("🅺🅸🅻🅻 🅵🆄🅲🅺", "kill fuck"),
    ("Ⓚⓘⓛⓛ", "kill"),
    ("𝓴𝓲𝓵𝓵", "kill"),
    ("это kіll", "это kill"),
    ("🇫🇺🇨🇰", "fuck"),
    ("0️⃣1️⃣ ❷➌", "01 23"),
]

SIGNS = [
    ("5h1t @ss fvck sh!t a$$", "shit ass fuck shit ass"),
    ("b1tch d!ck s3x p0rn $ex", "bitch dick sex porn sex"),
    ("k1ll h4te ni99er f4g n1gg3r", "kill hate nigger fag nigger"),
    ("a$$hole @$$hole m0therfucker", "asshole asshole motherfucker"),
    ("f@ggot 1diot shi+ ki1l", "faggot idiot shit kill"),
    ("sh1t! b00bs!!", "shit! boobs!!"),
    ("fcking phuck biatch unalive", "fucking fuck bitch kill"),
]

APART = [
    ("k.i-l l him", "kill him"),
    ("k . i . l . l", "kill"),
    ("f u c k, n i g g e r", "fuck, nigger"),
    ("f  u  c  k  y  o  u", "fuckyou"),
    ("f u c k   y o u", "fuck you"),
    ("fu_ck off, fu ck you, ni gger", "fuck off, fuck you, nigger"),
    ("f*ck s**t b*tches", "fuck shit bitches"),
    ("f*** you n*****", "fuck you nigger"),
    ("f#ck sh%t mother-f*cker", "fuck shit motherfucker"),
]

CHINESE = [
    ("加入我們的微信群眾", "加入我们的微信群众"),
    ("賭場約砲裸聊", "赌场约炮裸聊"),
    ("加*微*信聊", "加微信聊"),
    ("加-微/信", "加微信"),
    ("加 微 信", "加微信"),
    ("加 * 微 * 信", "加微信"),
    ("加x微x信", "加微信"),
    ("加🔥微🔥信", "加微信"),
    ("约🌸炮", "约炮"),
    ('加"微"信', "加微信"),
    ("赌*博网*站", "赌博网站"),
    ("傻.逼,约|炮", "傻逼,约炮"),
    ("杀 死 你", "杀死你"),
    ("亻尔女马的", "你妈的"),
    ("弓虽女干 木仓支 贝者十尃", "强奸 枪支 赌博"),
    ("氵去 口乞 扌丁 礻土", "法 吃 打 社"),
    ("月几肉", "肌肉"),
    ("加彳山一几攵亻言", "加微信"),
    ("薇信 微xin V信 加vx 维❤?", "微信 微信 微信 加微信 维❤?"),
    ("微❤ 加威信", "微信 加微信"),
    ("裸liao 约pao 代kai发piao 冰du", "裸聊 约炮 代开发票 冰毒"),
    ("加weixin12345", "加微信12345"),
    ("cao你妈 草泥马 艹尼玛 操你🐴", "操你妈 操你妈 操你妈 操你妈"),
    ("傻13 煞笔 沙比 杀b", "傻逼 傻逼 傻逼 傻逼"),
    ("你司马了", "你死妈了"),
    ("菠菜平台", "博彩平台"),
    ("nmsl", "你妈死了"),
    ("cnm", "操你妈"),
]

EMOJI = [
    ("我要🔫了你", "我要枪了你"),
    ("卖💊的联系", "卖药的联系"),
    ("卖🔫", "卖枪"),
    ("哪里买💊", "哪里买药"),
    ("你🐴的🐶儿子", "你妈的狗儿子"),
    ("你🐴死了", "你妈死了"),
    ("傻🐶逼", "傻逼"),
    ("🐔巴", "鸡巴"),
    ("加🐧123456", "加扣扣123456"),
    ("买✈号", "买飞机号"),
    ("I will 🔫 you", "i will gun you"),
    ("buy 💊 here", "buy pill here"),
    ("suck my 🍆", "suck my dick"),
    ("get🔫now", "get gun now"),
]


@pytest.mark.parametrize(("text", "view"), [*LETTERS, *SIGNS, *APART, *CHINESE, *EMOJI])
def test_view(text: str, view: str) -> None:
    assert normalise(text).text == view


@pytest.mark.parametrize(
    ("text", "part", "original"),
    [
        ("去加*微*信吧", "微信", "微*信"),
        ("我要🔫了你", "枪", "🔫"),
        ("加🐧123", "扣扣", "🐧"),
        ("buy some 💊 here", "pill", "💊"),
        ("这个傻13啊", "傻逼", "傻13"),
        ("看cao你妈的", "操你妈", "cao你妈"),
        ("说nmsl了", "你妈死了", "nmsl"),
        ("说nmsl了", "妈", "m"),
        ("别弓虽女干了", "强奸", "弓虽女干"),
        ("oh n***** no", "nigger", "n*****"),
        ("oh fu_ck no", "fuck", "fu_ck"),
        ("去约pao吧", "约炮", "约pao"),
        ("去约pao吧", "炮", "pao"),
        ("say 5h1t now", "shit", "5h1t"),
        ("加微❤️吧", "微信", "微❤️"),
    ],
)
def test_spans_lead_back(text: str, part: str, original: str) -> None:
    view = normalise(text)
    at = view.text.index(part)
    start, end = view.span(at, at + len(part))
    assert text[start:end] == original

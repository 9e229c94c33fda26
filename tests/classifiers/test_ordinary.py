"""Ordinary texts, of which the view changes case and width at most."""

from __future__ import annotations

import pytest

from classifiers.folding import FOLD, FOLD_JAPANESE
from classifiers.normalise import normalise

ORDINARY = [
    "win10 4k b2b mp3 covid19 3pm 1st r2d2",
    "costs $500 or us$5.50, €20, 1,000,000 won",
    "bob@gmail.com and https://example.com/a1b2?x=1&y=2",
    "v1.2.3-beta4 on ipv4, utf-8, x86_64, sha256, k8s and i18n",
    "def f(x): return x**2 + y*z - a_b",
    "if a[i] != b[j]: c->d = e & f",
    "user_name, foo.bar_baz, e.g. this, i.e. that",
    "r&b, q&a, at&t, and/or, 24/7, w/o",
    "see you at 10:30 am on 2024-01-02",
    "the cars hit a wall; as s said",
    "i have a 5kg bag, 7up, 8ball and a 3d printer",
    "happy birthday my friend 🎂🎉",
    "love this song 🔥 so good",
    "congrats 🚀🚀🚀",
    "今天天气真好,我们去公园吧。",
    "你好 世界",
    "你好,我叫小明。我 today 很开心",
    "女子日月木材,好多东西",
    "积木仓库在北京-上海-广州",
    "本月兑换奖品,女干部开会",
    "每月几号发工资?免费物流",
    "沙比利木家具,藏族同胞尼玛次仁",
    "树立威信,有威信的老师",
    "草莓、菠菜、司马光砸缸,司马懿",
    "我用java和python写了3个api,跑在k8s上",
    "a/b测试,男/女,是/否",
    '他说:"好"!然后走了(真的)',
    "价格¥199,第1章-第2节",
    "生日快乐🎂🎉",
    "今天真开心😊明天继续",
    "🔥今日特价🔥",
    "👨👩👧 一家人,🇨🇳 加油",
    "我 today 吃了 kfc,喝了 7-11 的咖啡",
    "卫星发射成功,卫星信号很好",
    "一二三、四五六;七八九",
    "股份公司a和b和c",
    "选a或b或c都可以",
    "привет, как дела? встретимся завтра",
    "сегодня мы пойдём в кино, it-компания",
    "καλημέρα φίλε, τι κάνεις σήμερα",
    "مرحبا كيف حالك اليوم",
    "שלום מה שלומך היום",
    "हिन्दी में लिखा हुआ",
    "안녕하세요 오늘 날씨가 좋네요",
    "สวัสดีครับ วันนี้อากาศดี",
    "բարեւ ձեզ ինչպես եք այսօր",
    "გამარჯობა როგორ ხარ დღეს",
    "ꮳꮃꭹ ꭶꮼꮒꭿꮝꮧ",
    "xin chao cac ban, toi la sinh vien",
    "i don't know; it's ok, isn't it? o'clock",
    "cc: a, b, c and d",
    "c++ and c# and f#",
    "10+ years, 100% sure, 50/50",
    "#hashtag @john @mary_smith $aapl $btc",
    "hi!there hello!! what?!",
    "the 2nd ave, 5th st., apt 4b",
    "**bold** *italic* text, x*y*2",
    "the vx and wx boards, a tmd or a nmd",
    "印尼马来西亚,本科二b补录",
    "love 💀 this, lol 😂 you",
    "今天超开心🎂大家🎉都来",
    "一家三口👨‍👩‍👧去旅行",
    "代言某品牌,麻辣鸡丝,免费物流",
    "他练气功,我去你家,马上去死海",
]

JAPANESE = ["私の銃を買う。東京大學の學生です", "これは國のテキストです。"]


@pytest.mark.parametrize("text", ORDINARY)
def test_it_stays_as_it_is(text: str) -> None:
    assert normalise(text).text == "".join([FOLD[char] for char in text])


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese_keeps_its_characters(text: str) -> None:
    assert normalise(text).text == "".join([FOLD_JAPANESE[char] for char in text]) == text


def test_decorative_kana_make_no_text_japanese() -> None:
    assert normalise("我の微信群裡們").text == "我の微信群里们"

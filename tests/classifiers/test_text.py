"""What the text classifier thinks of messages: rows of one sentence, its category, and how sure it may be."""

from __future__ import annotations

import pytest

from classifiers.contract import Opinion, Question, Silence, Unanswered
from classifiers.normalise import WINDOW
from classifiers.text import CATEGORIES, TextClassifier

CLASSIFIER = TextClassifier(second=False)


def ask(*texts: str, media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", ("text",), texts, media, 0)


def scores(*texts: str) -> dict[str, float]:
    answer = CLASSIFIER.judge(ask(*texts))
    assert isinstance(answer, Opinion)
    return {score.category: score.value for score in answer.scores}


# category, least, most, text
VIOLATIONS = [
    ("violence", 0.95, 1, "I am going to kill you tonight, I know where you live"),
    ("violence", 0.95, 1, "我今晚要杀了你"),
    ("violence", 0.95, 1, "I will k1ll y.o.u"),
    ("violence", 0.95, 1, "I'm gonna k i l l  y o u"),
    ("violence", 0.9, 1, "x x x I am going to kill you"),
    ("violence", 0.95, 1, "Ｉ ｗｉｌｌ ｋｉｌｌ ｙｏｕ"),
    ("violence", 0.95, 1, "I will kіll you"),
    ("violence", 0.95, 1, "i will kill\u200b your family"),
    ("violence", 0.9, 1, "I am going to shoot up the school on Monday"),
    ("violence", 0.8, 1, "I'll break your legs"),
    ("violence", 0.8, 1, "信不信老子弄死你全家"),
    ("violence", 0.9, 1, "我 要 杀 了 你"),
    ("violence", 0.6, 1, "等着收尸吧，小心你的狗命"),
    ("violence", 0.6, 1, "you are a dead man"),
    ("harassment", 0.8, 1, "kill yourself you worthless piece of shit"),
    ("harassment", 0.5, 1, "you are such a pathetic loser"),
    ("harassment", 0.5, 1, "fuuuuuck you"),
    ("harassment", 0.6, 1, "你这个傻逼，去死吧"),
    ("harassment", 0.5, 1, "你就是个废物"),
    ("hate", 0.85, 1, "gas all the jews"),
    ("hate", 0.6, 1, "muslims are nothing but vermin"),
    ("hate", 0.85, 1, "黑人都该去死"),
    ("hate", 0.6, 1, "外地人都是垃圾"),
    ("self_harm", 0.8, 1, "I want to kill myself tonight"),
    ("self_harm", 0.6, 1, "I don't want to live anymore"),
    ("self_harm", 0.8, 1, "我真的想自杀，活着没意思"),
    ("self_harm", 0.6, 1, "我不想活了"),
    ("sexual", 0.6, 1, "send me your nudes baby"),
    ("sexual", 0.6, 1, "watch free p0rn videos here"),
    ("sexual", 0.6, 1, "同城约炮，美女上门服务"),
    ("sexual_minors", 0.9, 1, "trading underage nudes"),
    ("sexual_minors", 0.9, 1, "naked schoolgirls in here"),
    ("sexual_minors", 0.3, 0.89, "The kids are naked in the bath, so cute"),
    ("sexual_minors", 0.8, 1, "selling cp links, dm me"),
    ("sexual_minors", 0.9, 1, "出售幼女视频资源"),
    ("terrorism", 0.8, 1, "how to make a pipe bomb at home"),
    ("terrorism", 0.8, 1, "brothers, join ISIS and pledge allegiance to the caliphate"),
    ("terrorism", 0.8, 1, "教你如何在家制作炸弹"),
    ("spam", 0.6, 1, "Congratulations, you have won! Click here to claim your prize!!!"),
    ("spam", 0.5, 1, "Get 10000 instagram followers instantly, cheap"),
    ("spam", 0.6, 1, "全场限时优惠，关注公众号领取红包，退订回T"),
    ("spam", 0.6, 1, "手机兼职日结，在家轻松日赚500元，加微信"),
    (
        "fraud",
        0.6,
        0.85,
        "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it",
    ),
    ("fraud", 0.6, 0.85, "稳赚不赔的好项目，月收益30%，详情加微信 abc123"),
    ("fraud", 0.6, 0.85, "稳 赚 不 赔，想赚钱的加薇"),
    ("fraud", 0.6, 0.85, "Your account has been suspended, click to verify your details"),
    ("fraud", 0.6, 0.85, "请把资金转到安全账户"),
    ("gambling", 0.6, 1, "best online casino, 100 free spins on deposit"),
    ("gambling", 0.7, 1, "澳门线上赌场，注册送彩金"),
    ("illegal_goods", 0.8, 1, "selling pure cocaine, discreet delivery, dm me"),
    ("illegal_goods", 0.8, 1, "fresh cvv and fullz for sale"),
    ("illegal_goods", 0.8, 1, "出售迷药听话水，货到付款"),
    ("illegal_goods", 0.7, 1, "代开各类发票，办证刻章联系我"),
]

INNOCENT = [
    "Hello, how are you today?",
    "Good morning! The library opens at nine on weekdays and at ten on Saturdays.",
    "早上好，图书馆周一至周五九点开门。",
    "I could kill for a coffee",
    "She's killing it on stage tonight",
    "this traffic is killing me",
    "I want to die laughing, that was so funny",
    "I'd never kill you, I love you",
    "killing two birds with one stone",
    "Police arrested a man who threatened to kill his neighbour",
    "The suspect said he would kill her, police reported on Friday",
    "The court sentenced him to ten years for selling cocaine",
    "Beware of scams: nobody can promise guaranteed 30% returns",
    "Never share your password or verification code with anyone",
    "If you feel you want to die, call the helpline, support is there",
    "Report child abuse and child pornography to the police hotline",
    "New sex education course for teenagers in our district",
    "breast cancer awareness month",
    "the movie bombed at the box office",
    "I drink a coke with my weed-free salad",
    "my mum grows herbs and sells them at the market",
    "what a stupid idea, I forgot my umbrella",
    "We need lower taxes and stricter immigration law",
    "The president is wrong and the government should resign",
    "I disagree with the party's policy on religion",
    "Anyone selling a second-hand bike?",
    "杀毒软件更新了",
    "笑死我了，哈哈哈",
    "我爱死你了",
    "警方通报：男子扬言要杀了你，已被抓获",
    "谨防诈骗：凡是稳赚不赔的投资都是骗局，请勿加微信",
    "今天超市牛奶打折，记得买",
    "我的微信头像换了",
    "垃圾分类，人人有责",
    "跳楼价大甩卖的招牌真夸张",
    "老师讲了二战的历史",
    "彩票站旁边新开了一家面馆",
    "他去办身份证了",
    "儿童节快乐，小学生的画展开幕了",
    "我觉得这项政策不合理，政府应该改正",
    "医生说要做胸部检查",
]

HELD_THOUGH_INNOCENT = [
    "这个游戏里我要杀了你，哈哈",
    "I will kill you in mario kart tonight",
    "my feet are killing me, I want to die of embarrassment",
    "how to make a bath bomb at home",
    "I bet you'll like it",
    "Casino Royale is on tonight",
    "you are a star",
    "Free entry for children under 12, please buy tickets online",
    "今天热死了，想死你们了",
]
"""Short texts in which one word says too much to the model, and threats that are a game's: anybody could add its name.
A person releases them; nobody is blocked."""


@pytest.mark.parametrize(("category", "least", "most", "text"), VIOLATIONS, ids=[v[3] for v in VIOLATIONS])
def test_violation(category: str, least: float, most: float, text: str) -> None:
    assert least <= scores(text)[category] <= most


SLOGANS = [
    "Black lives matter",
    "Asian lives matter",
    "Free Tibet",
    "Free Kashmir",
    "I hate Trump",
    "I can't stand Biden",
    "Abortion is a woman's right",
    "Abortion is murder",
    "Close the borders",
    "Stop mass immigration now",
    "Trans rights are human rights",
    "Same-sex marriage should be legal",
    "男女平等",
    "种族平等",
    "支持同性婚姻",
    "反对堕胎",
    "习近平下台",
    "打倒共产党",
    "共产党万岁",
]


@pytest.mark.parametrize("text", SLOGANS)
def test_opinions_of_all_sides_pass(text: str) -> None:
    suspected = {category: value for category, value in scores(text).items() if value >= 0.5}
    assert suspected == {}


@pytest.mark.parametrize(
    "text", ["black lives do not matter, kill them all", "gay rights are for sick faggots", "女权婊都去死"]
)
def test_abuse_that_borrows_a_slogan_is_found(text: str) -> None:
    assert max(scores(text)["hate"], scores(text)["violence"]) >= 0.6


@pytest.mark.parametrize("slogan", ["Free Tibet", "human rights", "black lives matter"])
def test_an_advertisement_with_a_slogan_stays_one(slogan: str) -> None:
    """Judged by the model alone, which is what slogans soften."""
    advertisement = "Cheap followers for your page, reply with your name"
    before = scores(advertisement)["spam"]
    assert before >= 0.6
    assert scores(f"{advertisement}, {slogan}")["spam"] >= 0.8 * before


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent(text: str) -> None:
    suspected = {category: value for category, value in scores(text).items() if value >= 0.5}
    assert suspected == {}


@pytest.mark.parametrize("text", HELD_THOUGH_INNOCENT)
def test_what_the_model_alone_suspects_is_not_blocked(text: str) -> None:
    assert max(scores(text).values()) < 0.9


THINGS = ("shop", "team", "children", "brothers", "club", "room", "game", "weekend", "friends", "country", "mosque")
THINGS_ZH = ("店", "团队", "孩子", "兄弟", "俱乐部", "房间", "视频", "周末", "朋友", "国家", "清真寺")


@pytest.mark.parametrize(
    "text",
    [f"{whose} {thing}" for whose in ("Our", "My new", "Your", "Welcome to their") for thing in THINGS]
    + [f"{whose}的{thing}" for whose in ("我们", "我", "你", "欢迎来到他们") for thing in THINGS_ZH]
    + [
        "我们的婚礼在下周六",
        "这是我们的新房子，大家来看看",
        "他们的孩子很乖",
        "我们的国家很美",
        "The brothers opened a bakery",
        "Our brothers and sisters in the choir sang well",
        "Join our Discord and play with us on Sunday",
    ],
)
def test_a_caption_of_an_everyday_thing_is_innocent(text: str) -> None:
    assert max(scores(text).values()) < 0.3


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("terrorism", "我们的圣战"),
        ("terrorism", "杀光异教徒"),
        ("terrorism", "Glory to the bombers"),
        ("sexual_minors", "Our naked children"),
        ("harassment", "Your kids are ugly scum"),
        ("gambling", "Play with us, 50 free spins"),
        ("gambling", "Keno every five minutes, play on your phone"),
    ],
)
def test_a_short_violation_is_no_caption(category: str, text: str) -> None:
    assert scores(text)[category] >= 0.5


@pytest.mark.parametrize(
    "beside", ["", ", health class", ", museum", ", research", " (novel)", ", lol", ", police report"]
)
@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("sexual", "Adult cam girls live now, wet pussy show"),
        ("hate", "Muslims do not belong here and breed like rats in our streets"),
        ("hate", "黑鬼滚出去，你们这种劣等种族都该去死"),
    ],
)
def test_no_word_beside_a_sure_violation_lets_it_pass(category: str, text: str, beside: str) -> None:
    assert scores(text + beside)[category] >= 0.5


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("gambling", "Don't miss the best online casino, 100 free spins on deposit, real money slots"),
        ("gambling", "别错过，澳门线上赌场，注册送彩金，百家乐"),
        ("sexual", "别犹豫，加微信看美女裸聊，全套服务上门"),
        ("spam", "不要错过刷单返现，日入过万，加微信"),
        ("sexual", "Never pay again, adult cam girls live now, wet pussy show"),
        ("illegal_goods", "selling pure cocaine without prescription, discreet delivery, dm me"),
    ],
)
def test_words_that_advertisements_begin_with_do_not_deny_what_follows(category: str, text: str) -> None:
    assert scores(text)[category] >= 0.5


def test_every_category_but_news_is_looked_for() -> None:
    assert tuple(scores("hello")) == CATEGORIES
    assert "news" not in CATEGORIES


def test_spans_show_the_words_in_the_original() -> None:
    text = "Dear all. I WILL k.i.l.l you\u200b now."
    answer = CLASSIFIER.judge(ask("nothing here", text))
    assert isinstance(answer, Opinion)
    (violence,) = [score for score in answer.scores if score.category == "violence"]
    assert [text[s.start : s.end] for s in violence.spans] == ["I WILL k.i.l.l you\u200b"]
    assert [s.part for s in violence.spans] == [1]


@pytest.mark.parametrize("at", [0, WINDOW - 20, WINDOW + 5, 3 * WINDOW])
def test_a_long_text_is_judged_by_its_worst_passage(at: int) -> None:
    filler = "The weather is fine today and we walk by the river. " * 400
    threat = "I am going to kill you tonight"
    text = filler[:at] + " " + threat + ". " + filler
    answer = CLASSIFIER.judge(ask(text))
    assert isinstance(answer, Opinion)
    (violence,) = [score for score in answer.scores if score.category == "violence"]
    assert violence.value >= 0.95
    assert any(threat.startswith(text[s.start : s.end]) for s in violence.spans)


def test_repeating_a_weak_sign_proves_nothing_more() -> None:
    assert scores("click here. " * 50)["spam"] < 0.6


def test_media_alone_cannot_be_judged() -> None:
    unsupported = Unanswered("text", Silence.UNSUPPORTED)
    assert CLASSIFIER.judge(ask(media=("image/png",))) == unsupported
    assert CLASSIFIER.judge(ask(" \n", media=("image/png",))) == unsupported
    assert isinstance(CLASSIFIER.judge(ask("hello", media=("image/png",))), Opinion)
    assert isinstance(CLASSIFIER.judge(ask()), Opinion)


def test_what_is_said_across_parts_is_said() -> None:
    """Title and text, or a list of single words, are read as one; the spans name the parts."""
    title, text = "I am going to", "kill you tonight, I know where you live."
    answer = CLASSIFIER.judge(Question("1-1", "m", "t", ("text",), (title, "", text), (), 0))
    assert isinstance(answer, Opinion)
    [violence] = [score for score in answer.scores if score.category == "violence"]
    assert violence.value >= 0.9
    assert {span.part for span in violence.spans} == {0, 2}
    for span in violence.spans:
        assert 0 <= span.start < span.end <= len((title, "", text)[span.part])
    words = tuple(f"{title} {text}".split())
    answer = CLASSIFIER.judge(Question("1-2", "m", "t", ("text",), words, (), 0))
    assert isinstance(answer, Opinion)
    assert max(score.value for score in answer.scores) >= 0.9

"""Words that say nearly the same, for paraphrasing texts in the evaluation. Written by hand."""

from __future__ import annotations

from typing import Final

_ENGLISH: Final = """
good great fine; bad poor awful; big large huge; small little tiny; said stated told; new fresh latest; people folks
persons; money cash funds; buy purchase get; help assist support; start begin launch; end finish close; free gratis;
quick fast rapid; house home place; child kid; children kids youngsters; job work position; world globe; company firm
business; today now; show display present; call phone ring; send mail ship; need want require; look see watch; think
believe feel; many several numerous; very really so; friend mate pal; happy glad pleased; win gain; winner champion;
lost missing; price cost rate; cheap affordable inexpensive; order book reserve; learn study; teacher tutor coach;
near close beside; share forward spread; please kindly; last final previous; every each; open unlock visit; claim
collect receive; small minor; month week; government officials authorities; report account statement; plan scheme
project; game match contest; team side squad; leader head chief; announced declared revealed; attack strike assault;
killed slain; growth rise increase; fell dropped slid; high strong; first opening initial; after following; before
until; between among; include contain cover; man guy person; woman lady; make build create; use employ apply; give
offer hand; take grab accept; know understand; important key vital; problem issue trouble; answer reply respond;
question query; expected likely; country nation state; city town; year season; profit earnings; market exchange;
computer machine; software program; user customer client; research survey; found discovered; group band club; war
conflict; police officers
"""
_CHINESE: Final = """
联系 咨询 找;马上 立即 立刻;赶快 赶紧 尽快;请 麻烦;点击 打开 点开;领取 领走 拿走;免费 不要钱 不收费;轻松 简单 容易;
朋友 伙伴 亲;现在 目前 如今;需要 想要 要;喜欢 喜爱 爱;好看 漂亮 美观;便宜 实惠 划算;价格 价钱 售价;非常 特别 很;
好吃 美味 可口;服务 招待;不错 挺好 可以;态度 脾气;速度 效率;房间 客房 屋子;酒店 宾馆 旅馆;干净 整洁 清爽;
下次 以后 下回;希望 盼望 但愿;觉得 感觉 认为;因为 由于;所以 因此;但是 不过 可是;而且 并且 还;如果 要是 假如;
已经 早就;知道 晓得 了解;看到 看见 瞧见;东西 物品 玩意;问题 毛病 麻烦;时候 时间;今天 今日;明天 明日;晚上 夜里;
早上 早晨;孩子 小孩 娃;老师 教师 讲师;学习 进修;工作 上班 干活;手机 电话;告诉 通知;帮助 帮忙;开始 开工;结束 完结;
男人 男的 男性;女人 女的 女性;说 讲;大家 各位;没有 没;真的 确实;全部 所有 一切;一点 一些 些许;多少 几个;
送 派送 配送;快递 快件;收到 拿到;味道 口味;分量 份量;公司 企业;市场 行情;比赛 赛事 较量;球队 队伍;宣布 公布;
上涨 走高 攀升;下跌 走低 回落;警方 警察;男子 男人;女子 女人;发现 找到;专家 学者;学校 校园;学生 同学;考试 测验;
美国 美;中国 我国;影片 电影;明星 艺人;推出 发布;超过 逾;可能 或许 也许;希望 期待;努力 拼命;地方 地区
"""


def _table(lines: str, between: str | None) -> dict[str, tuple[str, ...]]:
    groups = [group.split(between) for group in lines.replace("\n", " ").split(";")]
    words: dict[str, tuple[str, ...]] = {}
    for group in groups:
        members = [word for word in group if word]
        for word in members:
            words.setdefault(word, tuple([other for other in members if other != word]))
    return {word: others for word, others in words.items() if others}


ENGLISH: Final = _table(_ENGLISH, None)
CHINESE: Final = _table(_CHINESE, None)

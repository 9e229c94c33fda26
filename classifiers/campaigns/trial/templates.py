"""Advertisements and reposts as they are sent to many people, written by hand for the evaluation.

``{name}``, ``{number}``, ``{link}`` stand for what differs from one recipient to the next.
"""

from __future__ import annotations

from typing import Final

ENGLISH: Final = (
    "Dear {name}, your parcel {number} could not be delivered today. Please confirm your address at {link} within "
    "24 hours, otherwise it will be sent back to the sender.",
    "Work from home and earn {number} dollars a week! No experience needed, we train you for free. Just send a "
    "message to {name} and start tomorrow. {link}",
    "Our summer sale has begun. Every pair of running shoes is now half price, and orders over {number} dollars are "
    "shipped free. Have a look at {link} before the best sizes are gone.",
    "Hi {name}, I was in hospital last month and this small clinic saved my leg. They take new patients until Friday. "
    "Call {number} and ask for the evening appointment.",
    "Congratulations {name}! You are one of {number} lucky winners of our monthly draw. To claim your new phone, open "
    "{link} and enter the code you have received.",
    "Looking for a cheap flat near the university? Two bright rooms, new kitchen, five minutes to the tram, "
    "{number} a month including heating. Pictures here: {link}. Ask for {name}.",
    "The bakery on the corner closes at the end of this month after forty years. Please share this so that everyone "
    "who loved their bread can say goodbye to {name} and the family. More at {link}",
    "Our trading group made {number} percent profit last month with almost no risk. We have three free places left. "
    "Join {link} and {name} will explain everything to you.",
    "Lost near the old bridge on Sunday: a small brown dog with a white ear, answers to {name}. If you have seen her, "
    "please call {number}, the children are crying every night.",
    "Learn to play the guitar in thirty days. Our teachers answer every question, lessons start at {number} dollars, "
    "and the first one costs nothing. Book with {name} at {link}",
    "We buy used cars in any condition, pay cash the same day and pick them up for free. Send a photo and the year to "
    "{number}, {name} answers around the clock.",
    "This cream took ten years off my face in two weeks and my friends keep asking me for it. Only {number} jars left "
    "at this price, order now from {link} and tell them {name} sent you.",
    "The city library needs volunteers for its reading afternoon. You read to children for one hour, coffee and cake "
    "are included. Write to {name} or sign up at {link} until the {number}th.",
    "Need money before payday? Up to {number} on your account in ten minutes, no papers and no questions. Apply at "
    "{link}, {name} is waiting for your call.",
)

CHINESE: Final = (
    "尊敬的{name}，您的包裹{number}因地址不详未能送达，请在24小时内点击{link}补充信息，逾期将退回寄件人。",
    "在家就能做的兼职，一天轻松赚{number}元，不需要经验，手机就能操作，联系{name}马上开始，名额有限。{link}",
    "夏季清仓大甩卖，全场运动鞋五折起，满{number}元包邮，好看的尺码卖完就没有了，赶快点开{link}看看吧。",
    "我上个月住院，多亏了这家小诊所才保住了腿，他们周五之前还收新病人，有需要的朋友打电话{number}找{name}。",
    "恭喜{name}！您被抽中为本月{number}位幸运用户之一，请打开{link}输入收到的验证码领取最新款手机一部。",
    "学校附近两室一厅出租，采光好，新装修的厨房，走路五分钟到地铁站，每月{number}元包暖气，照片在{link}，联系{name}。",
    "街角那家开了四十年的面包店月底就要关门了，请大家转发，让喜欢过他们家面包的人都来跟{name}一家道个别。{link}",
    "我们的交流群上个月盈利百分之{number}，几乎没有风险，现在还有三个免费名额，加入{link}，{name}老师亲自带你操作。",
    "周日在老桥附近走丢一只棕色小狗，左耳朵是白色的，名字叫{name}，看到的好心人请打电话{number}，孩子每天晚上都在哭。",
    "三十天学会弹吉他，老师有问必答，课程{number}元起，第一节课不收费，找{name}预约，报名地址{link}",
    "高价回收二手车，什么车况都要，当天付现金，免费上门拖车，把照片和年份发到{number}，{name}全天在线。",
    "这款面霜我用了两个星期，脸上的皱纹都淡了，朋友们天天追着我问，这个价格只剩{number}瓶了，下单点{link}，就说{name}介绍的。",
    "市图书馆的读书会招募志愿者，给小朋友读一个小时的故事，提供咖啡和蛋糕，请在{number}号之前联系{name}或者在{link}报名。",
    "发工资之前手头紧？最高{number}元十分钟到账，不看征信不用抵押，打开{link}申请，{name}等您来电。",
)

NAMES: Final = ("Anna", "Mr Lee", "Sofia K.", "小王", "陈经理", "Lily", "张姐", "Tom", "阿明", "Dr. Brown")
LINKS: Final = (
    "https://shop.example/a/1",
    "http://s.example/Qx81z",
    "www.club.example/join?id=77",
    "t.example/kk9",
    "https://www.shop.example/p/9?from=group",
)
NUMBERS: Final = ("300", "8800", "13800138000", "45", "1,299", "020 7946 0000", "99", "5000")

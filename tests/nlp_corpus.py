"""Utterances in two languages with every kind of context, and the bytes that answer them.

No expectation stands here: what is asked of these requests is that every process, thread, hash seed
and Python gives the same bytes. Standard library only, since Pythons run it that have nothing else.
"""

from __future__ import annotations

import hashlib
import json
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

from selene_os.engines.nlp import decode_request, run
from selene_os.errors import BadField
from selene_os.language.tokens import fold

Json = dict[str, Any]
NOW = "2026-11-21T09:30:00+01:00"
LEAP = "2024-02-29T23:59:59-05:00"

ENGLISH = """
remind me to call mom tomorrow at 5 pm
Remind me tomorrow to water the plants
remind me at five to stretch
remind me to pay the rent on Friday
remind me to eat
remind me at 6 pm
remind me to buy José's naïve café crème at noon
set a reminder for the 3rd of March to file taxes
could you please remind me in 20 minutes to check the oven
I was wondering if you could remind me to send the report next Friday
remind me to call Ann, actually never mind
remind me at 5, no, 6 pm to leave
remind me every Monday to take out the bins
remind me to walk the dog on February 30
remind me to see him tomorrow
change the dentist reminder to 4 pm
move my gym reminder to tomorrow
cancel the dentist reminder
delete reminder rem_42
what reminders do I have
show me my reminders for Friday
have I got any reminders
schedule a meeting with Ann tomorrow at 3 pm
put lunch with Bob on my calendar on Tuesday at noon
create an event called budget review on 12/11 at 10
add a 90 minute workshop to my calendar next week
cancel my meeting with Ann tomorrow
cancel the budget review
what is on my calendar today
am I free on Saturday afternoon
do I have anything with Bob this week
book a table for two at Marina Bay tomorrow at 7 pm
book a table at Café Ñandú
reserve a table for 6 people at Luigi's on Friday at 19:30
book a table 明天7点 at Marina Bay for two
send $20 to Ann
send 20 euros to Bob tomorrow
pay £1,250.75 to Ann-Marie O'Neill for the rent
transfer 500 to John
send money to Ann
send John $50 and Ann $30
send $20 to Ann and remind me to call her at 5 pm
send her $20
pay -$5 to Bob
pay $0 to Bob
send ten dollars and fifty cents to my landlord
please transfer two hundred and fifty euros to 王芳
do not send money to Alex
what does 'send $20 to Bob' mean
if I sent $20 to Bob would he be happy
can you send money?
should I send Bob $20
tell Ann to send $20 to Bob
email Ann about sending $20 to Bob
remember that my locker code is 4417
remember I parked on level 3
forget what I said about the surprise party
forget my locker code
what do you remember about my locker
what do you know about Ann
what time is it
what's the time in Tokyo
what time is it in São Paulo right now
what's the weather like in Oslo tomorrow
will it rain on Sunday
give me the news
any news about the election
search the web for quiet hotels in Ghent
look up the boiling point of lead
find my phone
play some jazz
order me a pizza
lock the front door
text Priya to cancel the meeting
turn off the lights, please
thanks, that is all
hello there
good morning! how are you?
that film was unforgettable
my commute on Samonday was long
I sent $20 to Bob yesterday
he said "send $20 to Ann"
never mind the reminder
tomorrow at 5 pm
5 pm
to Ann
both
the first one
yes
no
cancel that
the second, please
twenty dollars
Friday
on 10/11
at five or at six
half past eight
in two and a half hours
next Friday at 5
the day after tomorrow, in the evening
from 3 to 5 pm on December 1st 2026
2026-12-24T18:00
Christmas Eve
the last Monday of March 2027
remind me   to\tcall\u00a0mom \u2014 tomorrow\u2026 at 5\u202fpm
ｒｅｍｉｎｄ ｍｅ ｔｏ ｅａｔ ａｔ ５ ｐｍ
REMIND ME TO CALL İSTANBUL STRAẞE AT NOON
send \ufb01fty dollars to Ann
send $20 to A\u200bnn
\u202eremind me to eat at 5 pm\u202c
remind me to feed 👩\u200d👩\u200d👧 and 🐕 at 5 pm 👍🏽
send \u00bd of $20 to Ann
send ²0 dollars to Ann
send $٢٠ to Ann
remind me at ٥ pm
x
?
...
"""

CHINESE = """
提醒我明天下午五点给妈妈打电话
提醒我七点吃药
明天早上提醒我交房租
五分钟后提醒我关火
请提醒我下周五开会
提醒我买牛奶
把牙医的提醒改到四点
取消牙医的提醒
我有什么提醒
明天下午三点和王芳开会
在日历上加一个星期二中午的午餐
取消明天和王芳的会议
我今天有什么安排
订一张明天7点两个人的桌子
在全聚德订位,星期五晚上七点半,六个人
给王芳转20元
转500块给小李
给他转账
不要给王芳转钱
转一百二十块五毛给房东
记住我的车停在三层
忘记我的储物柜密码
你记得我的车停在哪里吗
现在几点
东京现在几点了
明天上海天气怎么样
有什么新闻
搜索一下安静的酒店
播放音乐
谢谢
你好
都要
第一个
明天
下午五点
初五
二〇二七年三月一日
春节
每天早上八点
从三点到五点
两个半小时
那个
send 20元 to 王芳 明天
remind me 后天 to call 李雷
时間は何時ですか
지금 몇 시야
"""

CONTEXTS: list[Json] = [
    {"now": NOW},
    {},
    {"now": LEAP, "transcript_confidence": "MED", "policy": {"time": "next_occurrence"}},
    {
        "now": NOW,
        "transcript_confidence": "LOW",
        "policy": {"currency": "EUR", "date_order": "DMY", "zone": "Europe/Oslo"},
        "terms": [
            {"term": term, "kind": "EMPLOYEE_NAME_PREFERRED"}
            for term in ("Ann-Marie O'Neill", "John Smith", "John Doe", "王芳", "José", "Ann")
        ]
        + [{"term": "Marina Bay", "kind": "INTERNAL_PRODUCT_NAME"}],
    },
    {
        "now": NOW,
        "confirmed": {
            "intent_type": "SEND_MONEY",
            "fields": [
                {"key": "recipient", "text": "Ann", "value": "Ann"},
                {"key": "task", "text": "call José", "value": "call José"},
            ],
        },
        "policy": {"date_order": "MDY"},
        "correlation_id": "0123456789abcdef0123456789abcdef",
        "turn_id": 7,
    },
]
QUESTIONS = [
    "remind me at 6 pm", "remind me to eat", "remind me to eat at five", "send $20",
    "send money to Ann", "send 500 to Bob", "send $20 to Ann and $30 to Bob", "send her $20",
]  # fmt: skip
REPLIES = [
    "5 pm", "to Ann", "both", "the first one", "yes", "no", "never mind", "twenty dollars",
    "to eat", "tomorrow at five", "明天", "王芳", "to Rene\u0301e", "what?", "the second",
]  # fmt: skip
SPAN_KINDS = ("NUMBER_LIKE", "NAME_LIKE", "DATE_TIME_LIKE", "AMOUNT_LIKE", "UNKNOWN")


def utterances() -> list[tuple[str, str]]:
    """(language, what was said), composed and decomposed where that differs."""
    said = [("en", line) for line in ENGLISH.strip("\n").split("\n")]
    said += [("zh", line) for line in CHINESE.strip("\n").split("\n")]
    forms = [(code, unicodedata.normalize("NFD", line)) for code, line in said]
    return list(dict.fromkeys(said + forms))


def requests() -> Iterator[Json]:
    """Every request, in an order that never changes."""
    for place, (language, say) in enumerate(utterances()):
        yield {"text": say, "language": language, **CONTEXTS[0]}
        yield {"text": say, "language": language, **CONTEXTS[1 + place % (len(CONTEXTS) - 1)]}
        start = place * 7 % len(say)
        kind = SPAN_KINDS[place % len(SPAN_KINDS)]
        span = {"start": start, "end": min(start + 3, len(say)), "kind": kind}
        spots = {"uncertain_spans": [span], "focus": [{"start": 0, "end": len(say)}]}
        yield {"text": say, "language": language, "now": NOW, **spots}
    for question in QUESTIONS:
        pending = answered({"text": question, "now": NOW}).get("pending")
        for reply in REPLIES:
            yield {"text": reply, "now": NOW, "pending": pending}


def answered(request: Json) -> Json:
    """The answer, or the field that is refused."""
    try:
        return run(decode_request(request)).as_record()
    except BadField as refused:
        return {"refused": refused.field}


def compact(record: Json) -> bytes:
    """An answer's bytes."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def digest(request: Json) -> str:
    """What a request is answered, and how it is recorded, as 16 hexadecimal digits."""
    recorded = compact(decode_request(request).as_record())
    return hashlib.sha256(recorded + b"\n" + compact(answered(request))).hexdigest()[:16]


def digests(*, backwards: bool = False) -> list[str]:
    """The digest of each request; worked through from the last to the first if told so."""
    given = list(requests())
    found = [digest(request) for request in (reversed(given) if backwards else given)]
    return found[::-1] if backwards else found


def threaded(threads: int) -> list[list[str]]:
    """What each of several threads finds that begin at once, each at another request."""
    given = list(requests())
    found: list[dict[int, str]] = [{} for _ in range(threads)]
    together = threading.Barrier(threads)

    def work(me: int) -> None:
        together.wait()
        for step in range(len(given)):
            at = (step + me * len(given) // threads) % len(given)
            found[me][at] = digest(given[at])

    started = [threading.Thread(target=work, args=(me,)) for me in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return [[one.get(at, "none") for at in range(len(given))] for one in found]


# Assigned after Unicode 14.0, which is Python 3.11's: a letter that folds to a Cyrillic one, digits
# of three scripts, an outlined A, S and 2 that fold to ASCII, and two letters with a lower case.
LATER = (
    "\U0001e030 \U00011f52 \U0001e4f2 \U00010d42 \U0001ccd6 \U0001cce8 \U0001ccf2 \ua7cb \U00010d50"
).split()
NEVER = "\ue000"
TEMPLATES = [
    "send $20 to {c}", "{c}end $20 to Ann", "send ${c}0 to Ann", "T0{c}:30",
    "remind me at 5h{c}{c}",
    "remind me to eat at 5 pm. {c}b tomorrow", "on may{c}", "remind {c} remind me to eat",
    "{c}月3日",
    "at {c}:30", "in {c} days",
]  # fmt: skip


def newer() -> list[str]:
    """The utterances in which a character that came later is read otherwise than as no known one.

    A private-use character stands for what every Python knows nothing about.
    """
    terms = [
        {"term": term, "kind": "EMPLOYEE_NAME_PREFERRED"}
        for term in ("\u0430 Ivanov", "s Ivanov", "2 Ivanov", "a Ivanov", "\u0264 Ivanov")
    ]
    wrong = []
    for template in TEMPLATES:
        request = {"now": NOW, "terms": terms, "transcript_confidence": "LOW"}
        known = compact(answered({"text": template.format(c=NEVER), **request})).decode()
        for char in LATER:
            say = template.format(c=char)
            if compact(answered({"text": say, **request})).decode() != known.replace(NEVER, char):
                wrong.append(ascii(say))
    return wrong


def folds() -> str:
    """A digest of how every character there can be is folded."""
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    return hashlib.sha256(fold(everything).encode()).hexdigest()


# Python's reader of ISO 8601 takes more with each version: 24:00 since 3.14.
MOMENTS = """
2026-11-21T09:30:00+01:00 2026-11-21T24:00:00+01:00 2026-11-21T24:00Z 9999-12-31T24:00:00Z
20261121T093000Z 2026-W47-6T09:30Z 2026-W54-1T09:30Z 2026-11-21T09:30:00,5+01:00
2026-11-21T09:30:00.1234567+01:00 2026-11-21T09:30+01:00:30 2026-11-21T09:30:00+00:00.5
2026-11-21T09:30+24:00 2026-11-21x09:30Z 2026-11-21T09Z 2026-11-21T09:30:60Z
2026-11-21T0930:00Z 2026-11-21T09:30:00.Z 2026-325T09:30Z ２０26-11-21T09:30Z 2026-11-21T09:30z
2026-02-29T09:30Z 0000-01-01T00:00Z 2026-11-21T09:30-00:00 2026-11-21T09:30:00+1:00
""".split()


def moments() -> list[Json]:
    """What each way to write a moment is taken for, and what "tomorrow" is then."""
    said = {"text": "remind me to eat tomorrow at 5 pm"}
    return [{"now": now, "answer": answered({**said, "now": now})} for now in MOMENTS]

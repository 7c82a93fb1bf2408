"""What a preference signal's words ask for, in English and Chinese.

A wish is what it leaves open. Every word of the wish narrows the closed values of its key: "short"
leaves BRIEF, "not too short" leaves BALANCED and DETAILED, "neither too short nor too long" leaves
BALANCED alone. The wish is understood when one value is left; when none is (a wish and its
opposite) or several are, it is not understood.

A wish is understood as a whole or not at all: a single word without a place in these tables
("only speak *when* I ask", "text me at *work*") may be a condition, so nothing is concluded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from selene_os.language.tokens import fold, tokenize

PREFERRED_LANGUAGE: Final = "preferred_language"
BREVITY_PREFERENCE: Final = "brevity_preference"
RESPONSE_TONE_TARGET: Final = "response_tone_target"
PRIVACY_PREFERENCE: Final = "privacy_preference"
CONFIRMATION_PREFERENCE: Final = "confirmation_preference"

# From one pole to the other, the middle between them.
STYLES: Final = ("DOMINANT", "NEUTRAL", "GENTLE")
BREVITIES: Final = ("BRIEF", "BALANCED", "DETAILED")
DELIVERIES: Final = ("VOICE_ALLOWED", "TEXT_ONLY", "SILENT")
CONFIRMATIONS: Final = ("ALWAYS", "WHEN_REQUIRED")

# Code (ISO 639): its English, own and Chinese names.
LANGUAGES: Final[Mapping[str, str]] = {
    "ar": "arabic, العربية, 阿拉伯语, 阿拉伯文",
    "bn": "bengali, bangla, বাংলা, 孟加拉语",
    "cs": "czech, čeština, česky, 捷克语",
    "da": "danish, dansk, 丹麦语",
    "de": "german, deutsch, 德语, 德文",
    "el": "greek, ελληνικά, 希腊语",
    "en": "english, american english, british english, 英语, 英文",
    "es": "spanish, español, castellano, 西班牙语, 西班牙文",
    "fa": "persian, farsi, فارسی, 波斯语",
    "fi": "finnish, suomi, 芬兰语",
    "fr": "french, français, 法语, 法文",
    "he": "hebrew, עברית, 希伯来语",
    "hi": "hindi, हिन्दी, हिंदी, 印地语",
    "hu": "hungarian, magyar, 匈牙利语",
    "id": "indonesian, bahasa indonesia, 印尼语, 印度尼西亚语",
    "it": "italian, italiano, 意大利语, 意大利文",
    "ja": "japanese, 日本語, 日语, 日文",
    "ko": "korean, 한국어, 韩语, 韩文",
    "ms": "malay, bahasa melayu, 马来语",
    "nb": "norwegian, norsk, bokmål, 挪威语",
    "nl": "dutch, nederlands, 荷兰语",
    "pl": "polish, polski, 波兰语",
    "pt": "portuguese, brazilian portuguese, português, 葡萄牙语, 葡语",
    "ro": "romanian, română, 罗马尼亚语",
    "ru": "russian, русский, 俄语, 俄文",
    "sv": "swedish, svenska, 瑞典语",
    "ta": "tamil, தமிழ், 泰米尔语",
    "th": "thai, ไทย, ภาษาไทย, 泰语",
    "tr": "turkish, türkçe, 土耳其语",
    "uk": "ukrainian, українська, 乌克兰语",
    "ur": "urdu, اردو, 乌尔都语",
    "vi": "vietnamese, tiếng việt, 越南语",
    "yue": "cantonese, 粤语, 广东话",
    "zh": """chinese, mandarin, simplified chinese, traditional chinese, mandarin chinese, 中文,
        汉语, 普通话, 国语, 华语, 简体中文, 繁体中文""",
}

# How the words before a wish word turn it. What is not in this table (two negations, "so" alone)
# has no one reading. "Not too short" sets a limit; "don't be so short" and "too short" complain
# of what is, and so ask for the other pole. "Less" asks for a step of unknown size.
_READINGS: Final[Mapping[tuple[str, ...], str]] = {
    (): "said",
    ("lack",): "said",
    ("not",): "negated",
    ("not", "too"): "negated",
    ("stop",): "negated",
    ("less",): "negated",
    ("too",): "complained",
    ("not", "so"): "complained",
    ("stop", "so"): "complained",
    ("stop", "too"): "complained",
}
_MODIFIERS: Final = frozenset(["not", "stop", "less", "lack", "too", "so"])

# The parts of speech that every key shares. A "carrier" adds nothing and may stand anywhere. A
# "focus" adds nothing either, but under a negation it is what is denied ("not just text", "you
# don't need to be brief"), so there it leaves the wish unclear.
_SHARED: Final[Mapping[str, str]] = {
    "not": """not, no, never, without, neither, nor, avoid, hate, dislike, rather than,
        instead of, i hate, i dislike, i do not want, i do not like, 不, 不要, 别, 勿, 莫, 甭, 没,
        没有, 无, 不能, 不可以, 不可, 不许, 不准, 不是, 禁止, 拒绝, 避免, 讨厌, 而不是, 不想要,
        我不要, 我不想要, 不喜欢, 我不喜欢, 不希望, 我不希望""",
    "stop": "stop, quit, cease, turn off, switch off, disable, no longer, 停止, 不再, 关闭, 关掉",
    "or": "or, 或, 或者, 还是",
    "break": "and, but, also, yet, 但, 但是, 可是, 不过, 也, 又, 而, 而且, 和, 并, 并且",
    "focus": "always, very, really, need, needs, i need, have to, must, 总是, 一直, 必须, 需要",
    "unclear": """no need, not need, need not, not have to, 不用, 不必, 不需要, 无需, 不一定,
        不得不, 不但, 不仅, 不只, 不光, 别的, 要不, 要不要, 可不可以, 能不能, 是不是, 好不好""",
    "carrier": """please, kindly, be, being, do, to, the, a, an, any, in, with, it, me, you, your,
        may, can, should, use, using, keep, stay, want, prefer, i want, i prefer, i would like,
        i would prefer, i want you to, i would like you to, fine, ok, okay, is fine, is ok,
        is okay, is good, answer, answers, reply, replies, response, responses, mode, ever, again,
        anymore, any more, at all, 请, 你, 您, 的, 地, 得, 了, 吧, 啊, 哦, 可以, 能, 要, 给我,
        跟我, 对我, 和我, 用, 回答, 回复, 答复, 我想要, 希望你, 我希望你, 保持, 再, 一点, 一些, 点,
        些, 就好, 就行, 就可以, 即可, 模式, 方式, 形式, 麻烦, 麻烦你, 尽量""",
}
# Only tone and brevity have degrees: "less voice" is still voice, and "too quiet" means volume.
_DEGREES: Final[Mapping[str, str]] = {
    "too": "too, too much, too many, is too, are too, overly, 太, 过于, 太过",
    "so": "so, so much, 这么, 那么, 如此, 这样, 那样",
    "less": "less, fewer, a bit less, a little less, 少, 少点, 少一点, 不那么, 没那么",
    "lack": "not enough, 不够, 还不够",
    "enough": "enough",
    "focus": "just, only, simply, 只, 只要, 都, 非常, 十分, 特别",
    "carrier": """more, a bit more, a little more, much more, would, could, would you, could you,
        make, give, write, tell, sound, talk, speak, explain, as, possible, length, explanation,
        explanations, 更, 更加, 多, 说, 说得, 讲, 讲得, 写, 写得, 说话, 讲话, 解释, 语气, 我喜欢,
        我要, 我想, 我希望""",
}

# A row: words | the values they leave open as said | when denied | when complained of. A "-" leaves
# all values open, so it decides nothing: nobody asks for a fault ("sugarcoat"), denying it is the
# wish; and "confirm" does not say how often, while "don't" allows no more than what must be.
_STYLE_ROWS: Final = """
dominant, direct, directly, blunt, bluntly, frank, frankly, firm, assertive, harsh, tough,
straightforward, straight, straight to the point, 直接, 直白, 坦率, 干脆, 直截了当, 强硬, 果断,
严厉, 强势
    | DOMINANT | NEUTRAL GENTLE | GENTLE

neutral, neutrally, objective, factual, matter of fact, businesslike, 中性, 中立, 客观, 平淡
    | NEUTRAL | DOMINANT GENTLE | DOMINANT GENTLE

gentle, gently, gentler, soft, softly, softer, warm, warmly, warmer, kind, kinder, friendly,
tender, caring, 温柔, 温和, 柔和, 温暖, 亲切, 友好, 友善, 委婉, 体贴, 和气, 轻柔
    | GENTLE | DOMINANT NEUTRAL | DOMINANT

indirect, indirectly, 间接, 含蓄
    | NEUTRAL GENTLE | - | DOMINANT

sugarcoat, sugar coat, sugarcoating, beat around the bush, beat about the bush, mince words,
hold back, 拐弯抹角, 绕弯子, 绕圈子
    | - | DOMINANT | DOMINANT
"""
_BREVITY_ROWS: Final = """
brief, briefly, briefer, short, shorter, a bit shorter, a little shorter, concise, concisely,
succinct, terse, to the point, get to the point, straight to the point, short and sweet, in short,
long story short, in a nutshell, fewer words, 简短, 简洁, 简明, 简要, 精简, 扼要, 简明扼要,
言简意赅, 长话短说, 短, 说重点, 讲重点
    | BRIEF | BALANCED DETAILED | DETAILED

balanced, medium, moderate, medium length, average length, normal length, 适中, 中等, 平衡,
长短适中, 不长不短
    | BALANCED | BRIEF DETAILED | BRIEF DETAILED

detailed, detail, details, in detail, long, longer, a bit longer, a little longer, lengthy,
at length, thorough, thoroughly, in depth, comprehensive, exhaustive, elaborate, verbose,
explain everything, step by step, 详细, 详尽, 细致, 全面, 长, 具体, 细节, 深入, 解释一切
    | DETAILED | BRIEF BALANCED | BRIEF

wordy, long winded, ramble, rambling, beat around the bush, beat about the bush, 啰嗦, 冗长, 废话,
长篇大论
    | - | BRIEF | BRIEF
"""
# No voice still leaves text; no noise leaves not even a chime. Muting takes the voice away, so not
# to mute is to leave it: this, and the words for voice, are all that can come to VOICE_ALLOWED.
_PRIVACY_ROWS: Final = """
voice, by voice, voice on, voice only, only voice, voice allowed, spoken, speech, speak, speaking,
speak aloud, speak out loud, talk, talking, talk aloud, talk out loud, aloud, out loud,
read aloud, read out, read out loud, read it out, read it out loud, sound on, with sound, unmute,
语音, 说话, 讲话, 朗读, 念出来, 读出来, 说出来, 讲出来, 大声读出来, 语音播报, 取消静音, 解除静音
    | VOICE_ALLOWED | TEXT_ONLY SILENT | -

出声, 发声, 开口, 作声
    | VOICE_ALLOWED | SILENT | -

sound, sounds, noise, make a sound, make any sound, make noise, make any noise, 声音, 发出声音
    | - | SILENT | -

text, text only, only text, just text, only in text, only by text, by text, texting, written,
in writing, write, type, typing, 文字, 文本, 打字, 书面, 发文字, 只发文字, 只用文字, 只要文字,
仅文字, 仅限文字, 只打字, 只发文本
    | TEXT_ONLY | VOICE_ALLOWED SILENT | -

silent, silence, silently, quiet, quietly, hush, shut up, say nothing, 安静, 沉默, 闭嘴, 无声,
静默
    | SILENT | VOICE_ALLOWED TEXT_ONLY | -

mute, muted, muting, 静音
    | SILENT | VOICE_ALLOWED | -

mute voice, mute the voice, mute your voice
    | TEXT_ONLY SILENT | VOICE_ALLOWED | -

voice off, voice is off, voice muted, voice not allowed, voice is not allowed, voice is not ok,
voice is not okay, voice is not fine
    | TEXT_ONLY SILENT | - | -
"""
_PRIVACY_PARTS: Final[Mapping[str, str]] = {
    "carrier": """read, say, allow, allowed, is allowed, permitted, enable, enabled, turn on, 允许,
        打开""",
    # Who is to speak? "I want to speak" is the user; "can you speak" asks whether.
    "unclear": """i want to, i prefer to, i would like to, i prefer speaking, i prefer talking,
        i want speaking, i want talking, can you, do you, should you, may you, 我想要说话,
        我想要讲话, 没有静音, 没静音, 不是静音""",
}

_CONFIRMATION_ROWS: Final = """
always, always ask, always ask me, always confirm, every time, ask every time, ask first,
ask me every time, confirm every time, ask me first, confirm first, confirm everything,
double check, double check everything, 总是, 每次, 每次都, 总是确认, 每次确认, 每次都确认,
每次都问, 每次都要确认, 先问我, 先确认, 都要确认
    | ALWAYS | WHEN_REQUIRED | -

when required, when needed, when necessary, if required, if needed, if necessary,
only when required, only when needed, only when necessary, only if needed, only if necessary,
必要时, 需要时, 必要的时候, 需要的时候, 只在必要时, 只在需要时, 仅在必要时
    | WHEN_REQUIRED | - | -

ask, asking, ask me, confirm, confirming, confirmation, confirmations, check with me, 问, 问我,
确认, 询问, 让我确认
    | - | WHEN_REQUIRED | -
"""
# "No need to ask" says as clearly as "don't ask" that asking is not wanted.
_CONFIRMATION_PARTS: Final[Mapping[str, str]] = {
    "focus": "only",
    "not": "skip, no need, need not, not need, not have to, 不用, 不必, 不需要, 无需, 跳过",
}
_LANGUAGE_PARTS: Final[Mapping[str, str]] = {
    "focus": "only, just, 只, 只用, 只说",
    "carrier": "speak, talk, write, switch, language, 说, 讲, 写, 语言, 使用, 我喜欢, 我要",
}

_CONTRACTIONS: Final = """don't: do not, dont: do not, doesn't: do not, can't: can not,
    cant: can not, cannot: can not, shouldn't: should not, mustn't: should not, needn't: need not,
    isn't: is not, it's: it is, i'd: i would"""
_CONTRACTED: Final[Mapping[str, tuple[str, ...]]] = {
    short.strip(): tuple(full.split())
    for short, full in (row.split(":") for row in _CONTRACTIONS.split(","))
}
_SIMPLIFIED: Final = str.maketrans(
    "別說話聲語長短簡潔溫親體貼詳細閉靜發問確認總無關開繞彎囉讀讓應對給當雙這樣麼過於個點請麻煩"
    "實時書寫講優隨須軟會見與從還沒種漢國華韓蘭臘爾亞馬羅維烏廣東話盡輕強嚴厲觀輯並許準絕歡",
    "别说话声语长短简洁温亲体贴详细闭静发问确认总无关开绕弯啰读让应对给当双这样么过于个点请麻烦"
    "实时书写讲优随须软会见与从还没种汉国华韩兰腊尔亚马罗维乌广东话尽轻强严厉观辑并许准绝欢",
)
_NO_VOICE: Final = frozenset(["TEXT_ONLY", "SILENT"])
_BREAK_MARKS: Final = ",.;:!。、…"
_DROPPED_MARKS: Final = frozenset("-\"'\u2010\u2011\u2013")
_CODE: Final = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{4})?(?:[-_](?:[a-z]{2}|[0-9]{3}))?", re.ASCII)


class _Sense(NamedTuple):
    """What a word leaves open: as said, when denied, and when complained of."""

    said: frozenset[str]
    negated: frozenset[str]
    complained: frozenset[str]


class _Entry(NamedTuple):
    """A phrase, the part it plays, and its sense when it is a wish word."""

    words: tuple[str, ...]
    part: str
    sense: _Sense | None


class _Lexicon(NamedTuple):
    """All that can be said of one key: phrases by their first word, longest first."""

    values: frozenset[str]
    entries: Mapping[str, tuple[_Entry, ...]]


def read_wish(key: str, value: str) -> str | None:
    """Read what a signal's value asks for.

    Args:
        key: one of the five keys of a signal.
        value: the words said; a closed value or a language code is such words too.

    Returns:
        The closed value that is asked for, or None where the words do not say exactly one.
    """
    if key == PREFERRED_LANGUAGE:
        code = _CODE.fullmatch(fold(value.strip()))
        if code and code[1] in LANGUAGES:
            return code[1]
    left = _values_left(_LEXICONS[key], _words_of(value))
    if left == _NO_VOICE:
        return "TEXT_ONLY"  # Nothing but voice is denied: text is what is left to answer with.
    return next(iter(left)) if len(left) == 1 else None


def _values_left(lexicon: _Lexicon, words: tuple[str, ...]) -> frozenset[str]:
    """Narrow a key's values word by word; the empty set is a wish without one reading."""
    nothing: frozenset[str] = frozenset()
    left = before = lexicon.values
    pending: tuple[str, ...] = ()
    turned: tuple[str, ...] = ()
    sense: _Sense | None = None
    at = 0
    while at < len(words):
        entry = _entry_at(lexicon, words, at)
        if entry is None:
            return nothing
        at += len(entry.words)
        if entry.sense is not None:
            reading = _READINGS.get(pending)
            if reading is None:
                return nothing
            sense, before = entry.sense, left
            left = before & getattr(sense, reading)
            turned, pending = pending, ()
        elif entry.part in _MODIFIERS:
            pending += (entry.part,)
        elif entry.part == "carrier":
            continue
        elif pending or entry.part == "unclear":
            # A negation that meets a comma, a focus or an "or" before its wish denies no wish.
            return nothing
        elif entry.part == "or":
            # "Not X or Y" denies both; "X or Y" leaves the choice to us, which is no wish.
            pending = turned[:1]
            if pending not in (("not",), ("stop",)):
                return nothing
        elif entry.part == "enough":
            # "Not X enough" complains of too little X.
            if sense is None or turned != ("not",):
                return nothing
            left = before & sense.said
    return nothing if pending else left


def _entry_at(lexicon: _Lexicon, words: tuple[str, ...], at: int) -> _Entry | None:
    """The longest phrase of the lexicon that starts at word `at`."""
    for entry in lexicon.entries.get(words[at], ()):
        size = len(entry.words)
        if size == 1 or words[at : at + size] == entry.words:
            return entry
    return None


def _words_of(text: str) -> tuple[str, ...]:
    """Cut text into plain words: contractions opened, traditional characters simplified."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_SIMPLIFIED)
    words: list[str] = []
    for word in tokenize(text.replace("_", " ")).words:
        if word in _CONTRACTED:
            words.extend(_CONTRACTED[word])
        elif word not in _DROPPED_MARKS:
            words.append(word)
    return tuple(words)


def _lexicon(values: Iterable[str], rows: str, *parts: Mapping[str, str]) -> _Lexicon:
    """Build a key's lexicon; a phrase that is named again, later or in a row, changes its part."""
    every = frozenset(values)
    phrases: dict[tuple[str, ...], _Entry] = {}
    for mark in _BREAK_MARKS:
        phrases[mark,] = _Entry((mark,), "break", None)
    for table in parts:
        for part, listed in table.items():
            for words in map(_words_of, listed.split(",")):
                phrases[words] = _Entry(words, part, None)
    for row in rows.split("\n\n"):
        listed, *cells = row.split("|")
        sense = _Sense(*(every if "-" in cell else frozenset(cell.split()) for cell in cells))
        for words in map(_words_of, listed.split(",")):
            phrases[words] = _Entry(words, "wish", sense)
    entries: dict[str, tuple[_Entry, ...]] = {}
    for words in sorted(phrases, key=len, reverse=True):
        entries[words[0]] = (*entries.get(words[0], ()), phrases[words])
    return _Lexicon(every, entries)


def _language_rows() -> str:
    """Each language's names leave that language; denied, all the others."""
    return "\n\n".join(
        f"{names} | {code} | {' '.join(LANGUAGES.keys() - {code})} | -"
        for code, names in LANGUAGES.items()
    )


_LEXICONS: Final[Mapping[str, _Lexicon]] = {
    RESPONSE_TONE_TARGET: _lexicon(
        STYLES, _STYLE_ROWS, _SHARED, _DEGREES, {"carrier": "tone, style, voice, manner, way"}
    ),
    BREVITY_PREFERENCE: _lexicon(BREVITIES, _BREVITY_ROWS, _SHARED, _DEGREES),
    PRIVACY_PREFERENCE: _lexicon(DELIVERIES, _PRIVACY_ROWS, _SHARED, _PRIVACY_PARTS),
    CONFIRMATION_PREFERENCE: _lexicon(
        CONFIRMATIONS, _CONFIRMATION_ROWS, _SHARED, _CONFIRMATION_PARTS
    ),
    PREFERRED_LANGUAGE: _lexicon(LANGUAGES, _language_rows(), _SHARED, _LANGUAGE_PARTS),
}

"""The words of PH1.PERSONA: what can be asked for, and the English and Chinese words that ask.

Tables only; how a wish is read out of them is in `persona_wishes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
# The parts of speech that every key shares. A "carrier" adds nothing and may stand anywhere. A
# "focus" adds nothing either, but under a negation it is what is denied ("not just text", "you
# don't need to be brief"), so there it leaves the wish unclear.
SHARED_PARTS: Final[Mapping[str, str]] = {
    "not": """not, no, never, without, neither, nor, avoid, hate, dislike, i hate, i dislike,
        i do not want, i do not like, 不, 不要, 别, 勿, 莫, 甭, 没, 没有, 无, 不能, 不可以, 不可,
        不许, 不准, 不是, 禁止, 拒绝, 避免, 讨厌, 不想要, 我不要, 我不想要, 不喜欢, 我不喜欢,
        不希望, 我不希望""",
    "instead": "instead of, rather than, 而不是",
    "stop": "stop, quit, cease, turn off, switch off, disable, no longer, 停止, 不再, 关闭, 关掉",
    "or": "or, 或, 或者, 还是",
    "break": "and, but, also, yet, 但, 但是, 可是, 不过, 也, 又, 而, 而且, 和, 并, 并且",
    "focus": "always, very, really, need, needs, i need, have to, must, 总是, 一直, 必须, 需要",
    "unclear": """no need, not need, need not, not have to, 不用, 不必, 不需要, 无需, 不一定,
        不得不, 不但, 不仅, 不只, 不光, 别的, 要不, 要不要, 可不可以, 能不能, 是不是, 好不好""",
    "carrier": """please, kindly, be, being, do, to, the, a, an, any, in, with, it, me, you, your,
        may, can, should, use, using, keep, stay, want, prefer, i want, i prefer, i would like,
        i would prefer, i want you to, i would like you to, fine, ok, okay, is fine, is ok, is okay,
        is good, answer, answers, reply, replies, response, responses, mode, ever, again, anymore,
        any more, at all, 请, 你, 您, 的, 地, 得, 了, 吧, 啊, 哦, 可以, 能, 要, 给我, 跟我, 对我,
        和我, 用, 回答, 回复, 答复, 我想要, 希望你, 我希望你, 保持, 再, 一点, 一些, 点, 些, 就好,
        就行, 就可以, 即可, 模式, 方式, 形式, 麻烦, 麻烦你, 尽量""",
}
# Only tone and brevity have degrees: "less voice" is still voice, and "too quiet" means volume.
DEGREE_PARTS: Final[Mapping[str, str]] = {
    "too": """too, way too, far too, much too, too much, too many, is too, are too, overly, 太,
        过于, 太过""",
    "so": "so, so much, 这么, 那么, 如此, 这样, 那样",
    "less": "less, fewer, a bit less, a little less, 少, 少点, 少一点, 不那么, 没那么",
    "lack": "not enough, 不够, 还不够",
    "enough": "enough",
    # A question of degree.
    "unclear": "多长, 多短, 多直接, 多详细",
    "focus": "just, only, simply, 只, 只要, 都, 非常, 十分, 特别",
    "carrier": """more, a bit more, a little more, much more, would, could, would you, could you,
        make, give, write, tell, sound, talk, speak, explain, as, possible, length, explanation,
        explanations, 更, 更加, 多, 说, 说得, 讲, 讲得, 写, 写得, 说话, 讲话, 解释, 语气, 我喜欢,
        我要, 我想, 我希望""",
}

# A row: words | the values they leave open as said | when denied | when complained of. A "-" leaves
# all values open, so it decides nothing: nobody asks for a fault ("sugarcoat"), denying it is the
# wish; and "confirm" does not say how often, while "don't" allows no more than what must be.
STYLE_ROWS: Final = """
dominant, direct, directly, blunt, bluntly, frank, frankly, firm, assertive, harsh, tough,
straightforward, straight, straight to the point, 直接, 直白, 坦率, 干脆, 直截了当, 强硬, 果断,
严厉, 强势
    | DOMINANT | NEUTRAL GENTLE | GENTLE

neutral, neutrally, objective, objectively, factual, matter of fact, businesslike, 中性, 中立, 客观,
平淡
    | NEUTRAL | DOMINANT GENTLE | DOMINANT GENTLE

gentle, gently, gentler, soft, softly, softer, warm, warmly, warmer, kind, kinder, nice, nicer,
nicely, friendly, friendlier, tender, caring, 温柔, 温和, 柔和, 温暖, 亲切, 友好, 友善, 委婉, 体贴,
和气, 轻柔
    | GENTLE | DOMINANT NEUTRAL | DOMINANT

indirect, indirectly, 间接, 含蓄
    | NEUTRAL GENTLE | - | DOMINANT

sugarcoat, sugar coat, sugarcoating, beat around the bush, beat about the bush, mince words,
hold back, 拐弯抹角, 绕弯子, 绕圈子
    | - | DOMINANT | DOMINANT
"""
STYLE_PARTS: Final[Mapping[str, str]] = {"carrier": "tone, style, voice, manner, way"}

BREVITY_ROWS: Final = """
brief, briefly, briefer, short, shorter, a bit shorter, a little shorter, concise, concisely,
succinct, succinctly, terse, to the point, get to the point, straight to the point,
get straight to the point, few words, in few words, in fewer words, short and sweet, in short,
long story short, in a nutshell, fewer words, 简短, 简洁, 简明, 简要, 精简, 扼要, 简明扼要,
言简意赅, 长话短说, 短, 说重点, 讲重点
    | BRIEF | BALANCED DETAILED | DETAILED

balanced, medium, moderate, medium length, average length, normal length, 适中, 中等, 平衡,
长短适中, 不长不短
    | BALANCED | BRIEF DETAILED | BRIEF DETAILED

detailed, detail, details, in detail, long, longer, a bit longer, a little longer, lengthy,
lengthier, at length, thorough, thoroughly, in depth, depth, in more depth, comprehensive,
exhaustive, elaborate, verbose, explain everything, step by step, 详细, 详尽, 细致, 全面, 长, 具体,
细节, 深入, 解释一切
    | DETAILED | BRIEF BALANCED | BRIEF

wordy, long winded, ramble, rambling, beat around the bush, beat about the bush, 啰嗦, 冗长, 废话,
长篇大论
    | - | BRIEF | BRIEF
"""
# No voice still leaves text; no noise leaves not even a chime. Muting takes the voice away, so not
# to mute is to leave it: this, and the words for voice, are all that can come to VOICE_ALLOWED.
PRIVACY_ROWS: Final = """
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
PRIVACY_PARTS: Final[Mapping[str, str]] = {
    "carrier": """read, say, allow, allowed, is allowed, permitted, enable, enabled, turn on, 允许,
        打开""",
    # Who is to speak? "I want to speak" is the user; "can you speak" asks whether.
    "unclear": """i want to, i prefer to, i would like to, i prefer speaking, i prefer talking,
        i want speaking, i want talking, can you, do you, should you, may you, can it, does it,
        should it, may it, can not mute, can not be muted, 我想要说话, 我想要讲话, 没有静音, 没静音,
        不是静音, 不能静音, 没有声音, 没声音, 没有语音, 没语音""",
}

CONFIRMATION_ROWS: Final = """
always, always ask, always ask me, always confirm, every time, ask every time, ask first,
ask me every time, confirm every time, ask me first, confirm first, confirm everything,
double check, double check everything, before doing anything, before you do anything,
before you do something, before you act, before acting, before every action, 总是, 每次, 每次都,
总是确认, 每次确认, 每次都确认, 每次都问, 每次都问我, 每次都先问我, 每次都要确认, 做任何事之前,
做任何事前, 先问我, 先确认, 都要确认
    | ALWAYS | WHEN_REQUIRED | -

when required, when needed, when necessary, if required, if needed, if necessary,
only when required, only when needed, only when necessary, only if needed, only if necessary,
unless required, unless needed, unless necessary, unless you must, unless you have to, 除非必要,
必要时, 需要时, 必要的时候, 需要的时候, 只在必要时, 只在需要时, 仅在必要时
    | WHEN_REQUIRED | - | -

ask, asking, ask me, confirm, confirming, confirmation, confirmations, check with me, 问, 问我,
确认, 询问, 让我确认
    | - | WHEN_REQUIRED | -
"""
# "No need to ask" says as clearly as "don't ask" that asking is not wanted.
CONFIRMATION_PARTS: Final[Mapping[str, str]] = {
    "focus": "only",
    "not": "skip, no need, need not, not need, not have to, 不用, 不必, 不需要, 无需, 跳过",
}
LANGUAGE_PARTS: Final[Mapping[str, str]] = {
    "focus": "only, just, 只, 只用, 只说",
    "carrier": "speak, talk, write, switch, language, 说, 讲, 写, 语言, 使用, 我喜欢, 我要",
}

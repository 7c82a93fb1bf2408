"""The shapes of a wish about the answers, written in the parts of `persona_phrases`.

Tables only; how a line is held against them is in `persona_lines`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from selene_os.engines.persona_words import (
    BREVITY_PREFERENCE,
    CONFIRMATION_PREFERENCE,
    PREFERRED_LANGUAGE,
    PRIVACY_PREFERENCE,
    RESPONSE_TONE_TARGET,
)

# Shapes that others are made of, in upper case, each before those it is made of; parts are in
# lower case, the rest is as in `re`.
PIECES: Final[Mapping[str, str]] = {
    # As little as can be, so that a shape which begins with "from now on" finds it.
    "HEAD": "(hey|selene)? ADV*? (with_me ADV*?)??",
    "TAIL": "(ADV|with_me|particle|tag)* query?",
    "OPEN": "((i_want|try_to|i_like_you|you_should|modal|can|keyi|feel_free) ADV*)?",
    "DENY": "(NOT ADV*)?",
    "NOT": "(not|not_you|never)",
    "MILD": "(ASPECT TONE)+ ENDING",
    "SIZE": "(ASPECT (ZH_SIZE|terse|in_depth))+ ENDING",
    "TERSE": "(ASPECT terse)+ ENDING",
    "ASPECT": "(too|so|more|pair|not|geng|hen)*",
    "ENDING": "(enough|as_possible|yidian)*",
    "BID_MILD": "(MORE_MILD|yao (geng|hen)* TONE yidian*)",
    "BID_SIZE": "(MORE_SIZE|yao (geng|hen)* ZH_SIZE yidian*)",
    "MORE_MILD": "(geng* TONE yidian+|not (so|too)? TONE yidian*)",
    "MORE_SIZE": "(geng* ZH_SIZE yidian+|not (so|too)? ZH_SIZE yidian*)",
    "ZH_SIZE": "(size|length)",
    "TONE": "(mild|harsh)",
    "ANY_ANSWERS": "(answers|your_answers|my_answers)",
    "MANNER": "(huida|huida_wo|ni_huida|ni_shuohua|gen_wo_shuo|shi)",
    "TO_ME": "(huida|huida_wo|gen_wo_shuo)",
    # What makes voice out of the answers, and of nothing else.
    "VOICED": """(answer (aloud|by_voice)|read your_answers with_me? (aloud|out)
        |read (aloud|out) your_answers|speak your_answers with_me? aloud?)""",
    "READ_ANYTHING": """((read|speak) things (aloud|out)|read (aloud|out) things
        |read answers aloud)""",
    "SPEAKING": "(speaking aloud|reading (your_answers|things) (aloud|out)|using your_voice)",
    "INSTEAD": "(instead_of (by_voice|voice answers?|speaking aloud?|using your_voice))",
    "ADV": "(please|(from_now|lasting) dou?|always|each|selene)",
}

# Where a clause holds. "Sure" is a wish as it stands. "Asked" is one with "please", or for good
# ("short answers, please"); "lasting" for good alone ("be quiet" hushes now); "half" beside
# another clause ("type, don't speak"), "loose" there or for good; "tail" beside a clause that is
# more than a tail (", not in German").
Tiers = Mapping[str, str]
_STYLE: Final[Tiers] = {
    "sure": """
        OPEN DENY be ADV* MILD | i_want ADV* are ADV* MILD | (OPEN stop|would_mind) being MILD
        | OPEN (answer|talk|answered) in_a MILD tone | OPEN DENY (answer|talk) more* mildly
        | (i_like|i_hate) MILD answers | i_like ANY_ANSWERS that_are? MILD
        | OPEN keep (your_answers|your_tone) MILD | (your_answers|your_tone) should_be MILD
        | (your_answers are|your_tone is) (too TONE|not so? more* TONE enough)
        | you_are too harsh with_me | OPEN NOT ADV* sugarcoat | OPEN stop sugarcoating
        | (OPEN (use|give)|i_like) a MILD tone with_me
        | OPEN (MANNER|gen_wo|your_tone) ADV* modal? tone? ADV* BID_MILD
        | OPEN shuohua ADV* tone? ADV* MORE_MILD
        | OPEN NOT ADV* (MANNER|shuohua|gen_wo) tone? so? TONE yidian*
        | i_want ADV* (MANNER|shuohua|gen_wo) ADV* tone? TONE
        | OPEN tone (TONE|BID_MILD) (gen_wo_shuo|huida_wo)
        | OPEN TONE yidian* (de|di) gen_wo_shuo
        | OPEN yong (geng|hen)* TONE yidian* de tone TO_ME
        | i_like (geng|hen)* TONE yidian* de huida
        | (MANNER|shuohua|your_tone) (always|dou) too TONE""",
    "asked": """MILD answers | OPEN (MANNER|gen_wo|your_tone) ADV* tone? TONE
        | OPEN shuohua ADV* tone? ADV* (TONE|BID_MILD)""",
    "lasting": "from_now please* tone? MORE_MILD",
    "tail": "MILD",
}
_BREVITY: Final[Tiers] = {
    "sure": """
        OPEN DENY be ADV* TERSE | i_want ADV* are ADV* TERSE | (OPEN stop|would_mind) being TERSE
        | OPEN DENY keep your_answers SIZE | your_answers should_be SIZE
        | your_answers are (too (size|terse)|not more* (size|terse) enough)
        | OPEN DENY (answer|answered) more* (briefly|in_depth) as_possible?
        | (i_like|i_hate) (SIZE|rambling) answers | i_like ANY_ANSWERS that_are? SIZE
        | (OPEN give|i_like) more* detail with_me | OPEN NOT ADV* ramble | OPEN stop rambling
        | OPEN MANNER ADV* modal? ADV* BID_SIZE | OPEN shuohua ADV* MORE_SIZE
        | OPEN NOT ADV* (MANNER|shuohua) so? ZH_SIZE yidian*
        | i_want ADV* (MANNER|shuohua) ADV* ZH_SIZE
        | OPEN (yao|geng|hen)* ZH_SIZE yidian* (de|di)? huida_wo
        | i_like (geng|hen)* ZH_SIZE yidian* de huida
        | (MANNER|shuohua) (always|dou) too ZH_SIZE""",
    "asked": """no? SIZE answers | more* detail with_me | OPEN DENY keep answers SIZE
        | OPEN reply more* (briefly|in_depth) as_possible? | OPEN MANNER ADV* ZH_SIZE
        | OPEN shuohua ADV* (ZH_SIZE|BID_SIZE) | OPEN huifu ADV* (ZH_SIZE|BID_SIZE)
        | OPEN (yao|geng|hen)* ZH_SIZE yidian* di? huida""",
    "lasting": "from_now please* geng* size yidian+ | short_story",
    "tail": "SIZE | no rambling",
}
_TEXT: Final[Tiers] = {
    "sure": """
        OPEN NOT ADV* (speak aloud|VOICED|reply (aloud|by_voice)|read your_answers|READ_ANYTHING
            |use (your_voice|voice))
        | OPEN stop SPEAKING | never speak | OPEN voice_off
        | OPEN only? (answer|talk|answered) only? by_text only? INSTEAD?
        | i_like (only? text answers|ANY_ANSWERS that_are? (by_text|text)) INSTEAD?
        | i_hate voice answers | i_hate answers by_voice | OPEN write (your_answers|INSTEAD)
        | your_answers should_be (by_text|text) | OPEN keep your_answers (by_text|text)
        | OPEN NOT ADV* ba_huida nianchulai | OPEN NOT ADV* yong? voice (TO_ME|huifu)
        | OPEN only? yong? text TO_ME | OPEN TO_ME ADV* only? yong text | i_like text de huida""",
    "asked": """only text answers? | text answers? only | text answers | (no|not) voice answers?
        | OPEN only? reply only? by_text only? | OPEN only? yong? text huifu""",
    "half": """OPEN not (speak|read|hear_them) them? | OPEN not speak aloud | read_yours
        | OPEN write the_answers?""",
    "loose": """OPEN not (speak|nianchulai) | OPEN not yong voice
        | OPEN (show_text|only? yong text)""",
    "tail": "INSTEAD",
}
_SILENT: Final[Tiers] = {
    "sure": "OPEN NOT ADV* (make_sound|chusheng) | OPEN answer silently",
    "lasting": "no sound | OPEN be ADV* hush | from_now ADV* hush | OPEN mute_yourself",
}
# None of these denies anything: voice is asked for in so many words, or not at all.
_VOICE: Final[Tiers] = {
    "sure": """
        OPEN VOICED | can (speak aloud|use your_voice|chusheng) again? | feel_free speak aloud
        | i_like voice answers | i_like ANY_ANSWERS that_are? (by_voice|voice) | OPEN voice_on
        | your_answers should_be (by_voice|voice) | OPEN yong voice TO_ME
        | OPEN ba_huida nianchulai""",
    "asked": """voice answers | OPEN use your_voice | OPEN reply (aloud|by_voice)
        | OPEN yong voice huifu""",
    "lasting": "speak aloud",
}
_TONGUE: Final[Tiers] = {
    "sure": """
        OPEN DENY only? (answer|talk|answered) only? in only? tongue only?
        | OPEN DENY speak tongue with_me | OPEN use only? tongue with_me
        | i_like (tongue answers|ANY_ANSWERS that_are? in tongue) | your_answers should_be in tongue
        | OPEN keep your_answers in tongue | my_tongue tongue | OPEN set_tongue tongue
        | OPEN DENY yong tongue TO_ME | OPEN tongue (huida_wo|gen_wo_shuo)
        | OPEN TO_ME (ADV|dou)* yong tongue | OPEN gen_wo ADV* shuo tongue
        | i_like tongue de huida""",
    "asked": """answers in tongue | tongue answers | OPEN speak in? tongue | OPEN shuo tongue
        | OPEN DENY only? reply only? in tongue only? | OPEN yong? tongue (huida|huifu)""",
    "lasting": """let_us in? tongue | OPEN (use|yong) tongue | from_now only? in tongue
        | only? in tongue from_now""",
    "tail": "not in? tongue | not (yong|shuo) tongue",
}
_ALWAYS: Final[Tiers] = {
    "sure": """
        OPEN (always|each) ADV* (ask_me|ask_ok) first? before_any?
        | OPEN (ask_me|ask_ok) first? (before_any|each) | nothing_without first?
        | OPEN confirm_all (first|first? before_any) | i_want ADV* confirm_all first? before_any?
        | be_asked first? (before_any|each) | OPEN before_any (ADV|dou)* (ask_me|ask_ok|wen_wo)
        | OPEN before_it ADV* (dou|always|each) ADV* (ask_me|ask_ok|wen_wo)""",
    "asked": "OPEN each ADV* wen_wo",
    "lasting": "OPEN before_it ADV* (ask_me|ask_ok) | OPEN confirm_all",
}
_WHEN_REQUIRED: Final[Tiers] = {
    "sure": """
        OPEN (NOT|needless) ADV* (ask_ok|ask_me) (unless|each|before_any)
        | OPEN (NOT|needless) (ADV* (confirm_all|ask_all)|(each|always) ask_ok|each (ask_me|wen_wo))
        | OPEN (not_you|never) ADV* ask_ok
        | OPEN stop (asking_ok (unless|each|before_any)?|asking_me (each|before_any))
        | OPEN only (ask_me|ask_ok|ask) only? if_needed | OPEN (ask_me|ask_ok|ask) only if_needed
        | OPEN (only if_needed|only_then) (ask_me|ask_ok|wen_wo)
        | unless OPEN not (ask_me|ask_ok|wen_wo)""",
    "asked": "(no|not) more? confirmations",
    "lasting": "OPEN needless ask_ok",
    "half": "unless | OPEN not (ask_me|wen_wo)",
    "loose": "OPEN not ask_ok",
}


# Key, value and shapes; without a value, the words of the line say which.
WISHES: Final[tuple[tuple[str, str | None, Tiers], ...]] = (
    (RESPONSE_TONE_TARGET, None, _STYLE),
    (BREVITY_PREFERENCE, None, _BREVITY),
    (PRIVACY_PREFERENCE, "TEXT_ONLY", _TEXT),
    (PRIVACY_PREFERENCE, "SILENT", _SILENT),
    (PRIVACY_PREFERENCE, "VOICE_ALLOWED", _VOICE),
    (PREFERRED_LANGUAGE, None, _TONGUE),
    (CONFIRMATION_PREFERENCE, "ALWAYS", _ALWAYS),
    (CONFIRMATION_PREFERENCE, "WHEN_REQUIRED", _WHEN_REQUIRED),
)

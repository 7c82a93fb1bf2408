"""The English vocabulary of time: closed classes of words, and what each says."""

from __future__ import annotations

from typing import Final

MONTHS: Final[dict[str, int]] = {
    name: index
    for index, names in enumerate(
        (
            "january jan",
            "february feb febr",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
# Words that are months only beside a number, a year, or after "in", "this", "next", "last".
SHY_MONTHS: Final = frozenset(
    {"may", "march", "mar", "apr", "jan", "dec", "jun", "sep", "nov", "oct"}
)

WEEKDAYS: Final[dict[str, int]] = {
    name: index
    for index, names in enumerate(
        (
            "monday mon",
            "tuesday tue tues",
            "wednesday wed weds wednes",
            "thursday thu thur thurs",
            "friday fri",
            "saturday sat",
            "sunday sun",
        )
    )
    for name in names.split()
}
WEEKDAYS_PLURAL: Final[dict[str, int]] = {
    f"{name}s": day for name, day in WEEKDAYS.items() if len(name) > 5
}
# Words that are weekdays only with a cue: a preposition, a modifier, a date or a clock beside them.
SHY_WEEKDAYS: Final = frozenset({"sat", "sun", "wed", "mon"})

DAYS: Final[dict[str, int]] = {
    "today": 0,
    "tomorrow": 1,
    "tomorow": 1,
    "tommorow": 1,
    "tommorrow": 1,
    "tomorrows": 1,
    "tmrw": 1,
    "tmr": 1,
    "tmw": 1,
    "tmrrw": 1,
    "yesterday": -1,
}
TONIGHT: Final = frozenset({"tonight", "tonite", "tonights"})

UNITS: Final[dict[str, str]] = {
    name: unit
    for unit, names in {
        "second": "second seconds sec secs",
        "minute": "minute minutes min mins minuts",
        "hour": "hour hours hr hrs hour's",
        "day": "day days day's",
        "night": "night nights",
        "week": "week weeks wk wks week's",
        "fortnight": "fortnight fortnights fortnight's",
        "weekend": "weekend weekends",
        "month": "month months mth mths month's",
        "quarter": "quarter quarters qtr qtrs",
        "year": "year years yr yrs ys year's",
        "decade": "decade decades",
        "century": "century centuries",
        "weekday": "workday workdays",
    }.items()
    for name in names.split()
}
# One-letter units count only when they touch their number: "3h", "10D".
SHORT_UNITS: Final[dict[str, str]] = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "y": "year",
    "mo": "month",
}

PARTS: Final[dict[str, str]] = {
    "morning": "morning",
    "mornings": "morning",
    "afternoon": "afternoon",
    "afternoons": "afternoon",
    "afternoonish": "afternoon",
    "evening": "evening",
    "evenings": "evening",
    "eve": "evening",
    "night": "night",
    "nights": "night",
    "nighttime": "night",
    "overnight": "night",
    "daytime": "daytime",
    "dawn": "dawn",
    "sunrise": "dawn",
    "lunch": "lunch",
    "lunchtime": "lunch",
    "breakfast": "breakfast",
    "dinner": "dinner",
    "dinnertime": "dinner",
    "dusk": "dusk",
    "sunset": "dusk",
}
# Meals and the like are times only after a date, or after "at": "tomorrow lunch", "at dawn".
SHY_PARTS: Final = frozenset(
    "lunch breakfast dinner dawn sunrise dusk sunset eve daytime dinnertime".split()
)

SEASONS: Final[dict[str, int]] = {
    "spring": 0,
    "summer": 1,
    "autumn": 2,
    "fall": 2,
    "winter": 3,
}

NEXT: Final = frozenset({"next", "following", "coming", "upcoming"})
LAST: Final = frozenset({"last", "past", "previous", "prior", "preceding"})
THIS: Final = frozenset({"this", "current", "present"})
MODIFIERS: Final[dict[str, int]] = (
    dict.fromkeys(NEXT, 1) | dict.fromkeys(LAST, -1) | dict.fromkeys(THIS, 0)
)

CARDINALS: Final[dict[str, int]] = {
    name: value
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
TENS: Final[dict[str, int]] = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fourty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
ORDINALS: Final[dict[str, int]] = {
    name: value
    for value, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
        "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth "
        "twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30}
SUFFIXES: Final = frozenset({"st", "nd", "rd", "th"})

# What may follow a bare number that is a time of day: "by 6 and", "around five please".
AFTER_NUMBER: Final = frozenset(
    "to for on in and or please so with i we then but at of if today thanks thank because "
    "sharp ish exactly by via the my me us about remind".split()
)
# Nouns that show that the number before them counts something.
COUNTED: Final = frozenset(
    "percent per degrees degree dollars dollar bucks euros euro pounds pound miles mile km meters "
    "metres feet points point stars star people persons person guests times items of cents "
    "million thousand hundred billion point place places end go stage least most another street "
    "avenue road th guys adults kids years accounts".split()
)

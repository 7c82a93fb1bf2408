"""The Chinese calendar: a month of the moon and its day to a civil date, 1900 to 2099."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

# One code a year: bit i says whether the i-th month has 30 days, the bits from 13 up which month
# is followed by a leap month. Source: lunardate 0.3; checked month by month against the new moons
# of PyEphem 4.2 in China's time, which correct three months (1933, 1954, 1978).
_CODES: Final = (
    "116d2 00752 00ea5 0b64a 0064b 00a9b 09556 0056a 00b59 05752 00752 0db25 00b25 00a4b 0b4ab "
    "002ad 0056b 04b69 00da9 0fd92 00e92 00d25 0ba4d 00a56 002b6 095b5 006d4 00ea9 05e92 00e92 "
    "0cd26 0052b 00a57 0b2b6 00b5a 006d4 06ec9 00749 0f693 00a93 0052b 0ca5b 00aad 0056a 09b55 "
    "00ba4 00b49 05a93 00a95 0f52d 00536 00aad 0b5aa 005b2 00da5 07d4a 00d4a 10a95 00a97 00556 "
    "0cab5 00ad5 006d2 08ea5 00ea5 0064a 06c97 00a9b 0f55a 0056a 00b69 0b752 00b52 00b25 0964b "
    "00a4b 114ab 002ad 0056d 0cb69 00da9 00d92 09d25 00d25 15a4d 00a56 002b6 0c5b5 006d5 00ea9 "
    "0be92 00e92 00d26 06a56 00a57 114d6 0035a 006d5 0b6c9 00749 00693 0952b 0052b 00a5b 0555a "
    "0056a 0fb55 00ba4 00b49 0ba93 00a95 0052d 08aad 00ab5 135aa 005d2 00da5 0dd4a 00d4a 00c95 "
    "0952e 00556 00ab5 055b2 006d2 0cea5 00725 0064b 0ac97 00cab 0055a 06ad6 00b69 17752 00b52 "
    "00b25 0da4b 00a4b 004ab 0a55b 005ad 00b6a 05b52 00d92 0fd25 00d25 00a55 0b4ad 004b6 005b5 "
    "06daa 00ec9 11e92 00e92 00d26 0ca56 00a57 00556 086d5 00755 00749 06e93 00693 0f52b 0052b "
    "00a5b 0b55a 0056a 00b65 0974a 00b4a 11a95 00a95 0052d 0caad 00ab5 005aa 08ba5 00da5 00d4a "
    "07c95 00c96 0f94e 00556 00ab5 0b5b2 006d2 00ea5 08e4a 0068b 10c97 004ab 0055b 0cad6 00b6a "
    "00752 09725 00b45 00a8b 0549b "
).split()
_FIRST_YEAR: Final = 1900
_FIRST_DAY: Final = date(1900, 1, 31)


@lru_cache(maxsize=1)
def _new_years() -> tuple[date, ...]:
    """The first day of every year of the table, and of the year after it."""
    days, day = [_FIRST_DAY], _FIRST_DAY
    for year in range(_FIRST_YEAR, _FIRST_YEAR + len(_CODES)):
        day += timedelta(days=sum(_month_lengths(year)))
        days.append(day)
    return tuple(days)


def _month_lengths(year: int) -> list[int]:
    code = int(_CODES[year - _FIRST_YEAR], 16)
    return [30 if code >> month & 1 else 29 for month in range(13 if code >> 13 else 12)]


def moon_day(year: int, month: int, day: int) -> date | None:
    """Day `day` of month `month` of the Chinese year that begins in `year`; day 0 is the last.

    None outside the table, or where the month has no such day.
    """
    if not _FIRST_YEAR <= year < _FIRST_YEAR + len(_CODES):
        return None
    lengths = _month_lengths(year)
    leap = int(_CODES[year - _FIRST_YEAR], 16) >> 13
    index = month - 1 + (0 < leap < month)
    if not day:
        # The last day of the year's last month counts a leap month after it.
        index = len(lengths) - 1 if month == 12 else index
        day = lengths[index]
    if day > lengths[index]:
        return None
    return _new_years()[year - _FIRST_YEAR] + timedelta(days=sum(lengths[:index]) + day - 1)

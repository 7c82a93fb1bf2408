"""The characters of a Chinese text in one spelling.

The grammar reads simplified characters and plain numerals; traditional ones and the numerals of
cheques (壹贰叁) are rewritten, one for one, so that every place in the text stays.
"""

from __future__ import annotations

from typing import Final

_TRADITIONAL: Final = (
    "點点時时週周禮礼後后鐘钟個个號号從从於于與与間间內内現现馬马紀纪這这過过來来當当節节國国慶庆聖圣誕诞"
    "復复親亲勞劳動动兒儿婦妇師师萬万陽阳陰阴農农曆历歷历臘腊雙双黨党軍军樹树兩两幾几數数會会剛刚"
    "壹一貳二贰二參三叁三肆四伍五陸六陆六柒七捌八玖九拾十佰百仟千裡里裏里靜静頭头裝装連连"
)
_SIMPLIFIED: Final = {ord(a): b for a, b in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True)}


def simplified(text: str) -> str:
    """`text` in simplified characters, of the same length."""
    return text if text.isascii() else text.translate(_SIMPLIFIED)


def spellings(chars: str) -> frozenset[str]:
    """`chars`, each in every spelling that `simplified` makes it of."""
    return frozenset(chars) | {chr(a) for a, b in _SIMPLIFIED.items() if b in chars}

"""Pinyin and initials of names: 单田芳 is found as "shantianfang" and as "stf"."""

from functools import lru_cache

from pypinyin import Style, lazy_pinyin

# Surnames that are read otherwise than their characters commonly are.
_SURNAME_LIST = """
万俟 mo qi, 尉迟 yu chi, 长孙 zhang sun, 澹台 tan tai, 单 shan, 仇 qiu, 任 ren, 区 ou, 华 hua, 员 yun, 曾 zeng, 朴 piao,
查 zha, 盖 ge, 秘 bi, 翟 zhai, 缪 miao, 葛 ge, 解 xie, 逄 pang, 都 du, 黑 he, 冼 xian, 洗 xian, 繁 po, 种 chong, 乐 yue,
幺 yao, 召 shao, 折 she, 祭 zhai, 隗 kui, 覃 qin, 柏 bai, 牟 mu, 燕 yan, 应 ying, 宁 ning, 阚 kan, 那 na, 宿 su
"""
_SURNAMES: dict[str, tuple[str, ...]] = {
    entry.split()[0]: tuple(entry.split()[1:]) for entry in _SURNAME_LIST.split(",")
}
_PERSON_LENGTH = 4
_FIRST_HAN, _LAST_HAN = "\u3400", "\u9fff"


def is_han(character: str) -> bool:
    """Whether a character is a Chinese one of the common blocks."""
    return _FIRST_HAN <= character <= _LAST_HAN


def spellings(name: str) -> tuple[str, ...]:
    """Full pinyin and initials of a name, lower case without tones; nothing for a name without Chinese characters.

    A name of up to four characters is a person's: its surname is read as a surname. Longer ones are read by phrase.
    """
    if not any(is_han(character) for character in name):
        return ()
    syllables = _person(name) if len(name) <= _PERSON_LENGTH else _phrase(name)
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)


def _person(name: str) -> list[str]:
    for length in (2, 1):
        reading = _SURNAMES.get(name[:length])
        if reading:
            return [*reading, *(_syllable(character) for character in name[length:])]
    return [_syllable(character) for character in name]


@lru_cache(maxsize=16_384)
def _syllable(character: str) -> str:
    return lazy_pinyin(character, style=Style.NORMAL)[0]


def _phrase(name: str) -> list[str]:
    parts: list[str] = lazy_pinyin(name, style=Style.NORMAL)
    return [part for part in parts if part.strip()]

"""Names, phones and e-mail addresses of the demo utility's people and companies. Pure.

A person is a number too: at usage point i the present customer is person i, whoever was there before is person
`customers` + i. So no two persons share a telephone but those of one family.
"""

from dataclasses import dataclass

from cis_power.demo.chance import whole
from cis_power.demo.plan import AGRICULTURAL, COMMERCIAL, INDUSTRIAL, RESIDENTIAL, Plan

TOWNS = ("青岚", "云溪", "石门", "锦川", "白鹭", "临湖", "松阳", "丹霞", "金沙", "玉屏")
AREA_CODE = "0566"
FOREIGN_SHARE = 0.012
SHARED_PHONE_SHARE = 0.004

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜"
    "戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉萍红建国志文斌宇浩凯秀珍雪梅鹏飞子轩雨欣梓涵晨曦思远嘉怡"
    "春兰海燕德胜永福家辉少云晓东立新学礼正阳若琳天佑诗雅一凡可心俊杰佳慧振兴光荣长青庆丰"
)
_DOUBLE = ("欧阳", "上官", "司马", "诸葛", "东方", "皇甫")
_FIRST = (
    "James", "Mary", "Robert", "Anna", "Michael", "Sofia", "David", "Elena", "Thomas", "Laura", "Daniel", "Emma",
    "Lucas",
    "Olga", "Henrik", "Priya", "Ahmed", "Yuki", "Carlos", "Ingrid", "Pierre", "Fatima", "Johan", "Maria", "Oliver",
    "Nadia",
)  # fmt: skip
_LAST = (
    "Miller", "Schneider", "Rossi", "Dubois", "Novak", "Andersson", "O'Brien", "Kowalski", "Tanaka", "Patel", "García",
    "Ivanova", "van Dijk", "Haddad", "Smith", "Fischer", "Moreau", "Nguyen", "Silva", "Jensen", "Kim", "Weber",
    "Lindqvist",
)  # fmt: skip
_SHOPS = ("超市", "餐馆", "便利店", "理发店", "药房", "茶楼", "五金店", "服装店", "网吧", "洗衣店", "面馆", "书店")
_CHARACTERS = "华兴盛和瑞丰恒达宏远鑫源泰隆嘉禾永昌天成中联博雅金鼎东升海纳新锐"
_TRADES = ("机械制造", "纺织", "食品", "精细化工", "电子科技", "建材", "包装印刷", "汽车配件", "新材料", "物流")
_FOREIGN_FIRMS = (
    "Hansa Machinery",
    "Nordic Pumps",
    "Alpine Foods",
    "Delta Components",
    "Sunrise Textiles",
    "Orion Optics",
)
_PUBLIC = (
    "人民医院",
    "第一中学",
    "实验小学",
    "污水处理厂",
    "自来水泵站",
    "广播电视站",
    "交通信号中心",
    "敬老院",
    "法院",
    "体育馆",
)
_PUBLIC_SMALL = ("社区服务中心", "幼儿园", "路灯", "卫生站", "派出所", "通信基站", "消防站", "图书馆")
_FARMS = ("灌溉站", "养殖场", "粮食加工厂", "蔬菜大棚", "水产合作社", "果业合作社")
_MOBILE = (
    *range(130, 140), 150, 151, 152, 153, 155, 156, 157, 158, 159, 166, 173, 175, 176, 177, 178, *range(180, 190),
    198, 199,
)  # fmt: skip
_MULTIPLIER = 48_271_247  # prime, so that neither 10⁸ nor 6,999,999 numbers meet again

_WHO, _HOW = 20, 21


@dataclass(frozen=True, slots=True)
class Who:
    """A customer: name, language (BCP 47 with `_`), phones as they were written down, e-mail or nothing."""

    name: str
    lang: str
    phone: str
    email: str


def who(plan: Plan, person: int, kind: int) -> Who:
    """Person number `person`, a customer of this kind (place in plan.KINDS)."""
    bits = whole(plan.seed, _WHO, person)
    how = whole(plan.seed, _HOW, person)
    foreign = (how >> 40) / 2**24 < FOREIGN_SHARE and kind in (RESIDENTIAL, INDUSTRIAL)
    name = _foreign(bits, kind) if foreign else _name(bits, kind)
    lang = "en" if foreign else "zh_CN"
    family = person - 1 if _of_family(plan, person, how) else person
    phones = _phones(family, how if family == person else whole(plan.seed, _HOW, family), kind)
    return Who(name, lang, phones, _email(name, person, how, foreign, kind))


def _of_family(plan: Plan, person: int, how: int) -> bool:
    """Whether a person gave the telephone of the one before: one family, two homes."""
    neighbours = 0 < person < plan.customers and plan.kind[person] == plan.kind[person - 1] == RESIDENTIAL
    return bool(neighbours and (how >> 20 & 0xFFFF) / 2**16 < SHARED_PHONE_SHARE)


def _name(bits: int, kind: int) -> str:
    parts = bits, bits >> 12, bits >> 24, bits >> 36, bits >> 48
    town = TOWNS[0]
    if kind == COMMERCIAL:
        owner = _SURNAMES[parts[0] % len(_SURNAMES)] if parts[3] % 3 == 0 else _brand(parts)
        return f"{owner}{'记' if parts[3] % 3 == 0 else ''}{_SHOPS[parts[2] % len(_SHOPS)]}"
    if kind == INDUSTRIAL:
        return f"{town}{_brand(parts)}{_TRADES[parts[2] % len(_TRADES)]}有限公司"
    if kind == AGRICULTURAL:
        return f"{_brand(parts)}{_FARMS[parts[2] % len(_FARMS)]}"
    if kind == RESIDENTIAL:
        surname = _DOUBLE[parts[3] % 6] if parts[4] % 90 == 0 else _SURNAMES[_frequent(parts[0], len(_SURNAMES))]
        second = _GIVEN[parts[2] % len(_GIVEN)] if parts[4] % 6 else ""
        return surname + _GIVEN[parts[1] % len(_GIVEN)] + second
    return f"{town}市{_brand(parts)}{_PUBLIC_SMALL[parts[2] % len(_PUBLIC_SMALL)]}"


def _brand(parts: tuple[int, ...]) -> str:
    return _CHARACTERS[parts[0] % len(_CHARACTERS)] + _CHARACTERS[parts[1] % len(_CHARACTERS)]


def _frequent(bits: int, count: int) -> int:
    """A place in a list whose beginning is met more often."""
    first, second = bits % 4096, bits // 4096 % 4096
    return first * second * count // 4096**2


def _foreign(bits: int, kind: int) -> str:
    if kind == INDUSTRIAL:
        return f"{_FOREIGN_FIRMS[bits % len(_FOREIGN_FIRMS)]} (Qinglan) Co., Ltd."
    return f"{_FIRST[bits % len(_FIRST)]} {_LAST[(bits >> 16) % len(_LAST)]}"


def public_name(number: int) -> str:
    """The name of a large public customer: hospital, school, waterworks and so on, by its number among them."""
    town, rank = TOWNS[0], number // len(_PUBLIC)
    return f"{town}市{'' if not rank else f'第{rank + 1}'}{_PUBLIC[number % len(_PUBLIC)]}"


def mobile(person: int, how: int = 0) -> str:
    """The mobile number of a person, eleven digits."""
    return f"{_MOBILE[how % len(_MOBILE)]}{(person * _MULTIPLIER + 20_260_000) % 10**8:08d}"


def landline(person: int) -> str:
    """The seven digits of a person's landline within the area."""
    return f"{2_000_000 + person * _MULTIPLIER % 6_999_999}"


def _phones(person: int, how: int, kind: int) -> str:
    """Most have a mobile, companies a landline, some both, a few none; each writes it in his own way."""
    turn = how >> 8 & 0xFF
    if kind == RESIDENTIAL:
        if turn < 6:
            return ""
        if turn < 24:
            return _written_landline(person, how)
        both = f";{_written_landline(person, how)}" if turn < 36 else ""
        return _written_mobile(person, how) + both
    return (
        f"{_written_landline(person, how)};{_written_mobile(person, how)}"
        if turn < 180
        else _written_mobile(person, how)
    )


def _written_mobile(person: int, how: int) -> str:
    digits = mobile(person, how >> 16)
    match how >> 32 & 0x1F:
        case 0 | 1:
            return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
        case 2:
            return f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"
        case 3:
            return f"+86 {digits[:3]} {digits[3:7]} {digits[7:]}"
        case 4:
            return f"0086{digits}"
        case _:
            return digits


def _written_landline(person: int, how: int) -> str:
    digits = landline(person)
    match how >> 24 & 3:
        case 0:
            return f"({AREA_CODE}) {digits[:3]} {digits[3:]}"
        case 1:
            return f"{AREA_CODE} {digits}"
        case _:
            return f"{AREA_CODE}-{digits}"


def _email(name: str, person: int, how: int, foreign: bool, kind: int) -> str:
    if not foreign and kind != INDUSTRIAL and (how >> 44) % 5:
        return ""
    words = "".join(letter for letter in name.lower().split("(")[0] if letter.isascii() and letter.isalpha())
    return f"{words or 'user'}{person + 1}@{('example.com', 'example.org', 'example.net')[how % 3]}"

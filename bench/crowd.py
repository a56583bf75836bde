"""Customers for benchmarks, as a business system's file tells them: the same for the same size."""

import csv
import io
from collections.abc import Iterator

import numpy as np

HEADER = ("account_no", "name", "kind", "phone", "email", "address", "district", "usage_point", "transformer",
          "service_priority", "rated_kva", "nominal_v", "meter_no", "status", "phases", "place", "lang")  # fmt: skip
PART = 100_000
USAGE_POINTS_A_TRANSFORMER = 17
TRANSFORMERS_A_FEEDER = 50
DISTRICTS = 20
SEED = 20261122

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎单解"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉萍红建国志文斌宇浩凯秀珍雪梅鹏飞子轩雨欣梓涵晨曦思远嘉怡春兰"
_LATIN = (
    "James Miller",
    "Anna Schneider",
    "Sofia Rossi",
    "Elena Novak",
    "Thomas O'Brien",
    "Yuki Tanaka",
    "María García",
)
_TRADES = ("机械制造有限公司", "纺织厂", "食品有限公司", "电子科技有限公司", "建材商行", "便利店", "餐馆")
_STREETS = (
    "朝阳",
    "人民",
    "建设",
    "解放",
    "中山",
    "和平",
    "新华",
    "文化",
    "胜利",
    "长江",
    "黄河",
    "友谊",
    "光明",
    "东风",
)
_KINDS = ("路", "街", "大道", "巷")
_MAILS = ("example.com", "mail.example.cn", "example.org")


def transformer(number: int) -> str:
    """The code of a transformer, and with it of its feeder."""
    return f"F{number // TRANSFORMERS_A_FEEDER + 1:04d}-T{number % TRANSFORMERS_A_FEEDER + 1:03d}"


def transformers(size: int) -> int:
    """How many transformers that many customers have."""
    return -(-size // USAGE_POINTS_A_TRANSFORMER)


def files(size: int) -> Iterator[bytes]:
    """Files of the layout `customers`, of at most `PART` rows each."""
    for first in range(0, size, PART):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(HEADER)
        writer.writerows(_rows(size, first, min(first + PART, size)))
        yield text.getvalue().encode()


def _rows(size: int, first: int, last: int) -> Iterator[tuple[object, ...]]:
    chance = np.random.default_rng((SEED, first))
    count = last - first
    surname = np.minimum(chance.zipf(1.6, count) - 1, len(_SURNAMES) - 1).tolist()
    given = chance.integers(0, len(_GIVEN), (count, 2)).tolist()
    sort = chance.random(count).tolist()
    phones = chance.integers(30_00_000_000 // 100, 99_99_999_999 // 100, count).tolist()
    tails = chance.integers(0, 100, count).tolist()
    streets = chance.integers(0, len(_STREETS) * len(_KINDS), count).tolist()
    flats = chance.integers(1, 40, (count, 3)).tolist()
    for place in range(count):
        number = first + place
        standing = number // USAGE_POINTS_A_TRANSFORMER
        one, two = given[place]
        if sort[place] < 0.92:
            name = _SURNAMES[surname[place]] + _GIVEN[one] + (_GIVEN[two] if two % 4 else "")
            kind = "residential"
        elif sort[place] < 0.94:
            name, kind = _LATIN[one % len(_LATIN)], "residential"
        else:
            name, kind = f"{_GIVEN[one]}{_GIVEN[two]}{_TRADES[one % len(_TRADES)]}", "commercial"
        street = _STREETS[streets[place] // len(_KINDS)] + _KINDS[streets[place] % len(_KINDS)]
        house, floor, flat = flats[place]
        # A compound is built at once: its customers stand behind one another in every list.
        mail = f"user{number:07d}@{_MAILS[one % len(_MAILS)]}" if tails[place] < 30 else ""
        phone = f"1{phones[place] % 100_000_000 + 300_000_000:09d}{tails[place] % 10}"
        district = standing * DISTRICTS // transformers(size) + 1
        compound = f"{_GIVEN[standing // 12 % len(_GIVEN)]}{_GIVEN[standing // 12 // len(_GIVEN) % len(_GIVEN)]}花园"
        address = f"{street}{house}号{compound}{floor}栋{flat:02d}室"
        who = f"{1_000_000_000 + number * 7}", name, kind, phone, mail, address, f"D{district:02d}"
        where = f"UP{number:08d}", transformer(standing), "ordinary", 8, 220, f"M{50_000_000 + number * 3}"
        yield *who, *where, "active", "", f"{compound}{number // 2000}", "zh_CN"

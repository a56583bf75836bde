"""The demo utility's customers, their readings and the interruptions of past months. Pure, the same every time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from cis_power.demo.network import (
    RECLOSER_AT,
    Plan,
    Row,
    district_code,
    feeder_code,
    transformer_code,
)

SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜"
)
GIVEN = tuple(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉萍红建国志文斌宇浩凯秀珍雪梅鹏飞子轩雨欣梓涵晨曦思远嘉怡"
)
STREETS = ("人民路", "解放路", "中山路", "建设路", "和平路", "新华路", "文化路", "胜利路", "青年路", "光明路")
AREAS = ("城东", "城西", "城南", "城北", "江北", "开发区", "高新区", "临港", "东湖", "西山", "南岸", "北站")
TRADES = ("机械", "纺织", "食品", "化工", "电子", "建材")
KINDS = ("residential", "commercial", "industrial", "agricultural", "public")
KIND_SHARES = (0.885, 0.08, 0.015, 0.01, 0.01)
RATED_KVA = {"residential": 8.0, "commercial": 40.0, "industrial": 315.0, "agricultural": 20.0, "public": 100.0}
PRIORITIES = ("ordinary", "life_support", "second", "first", "special", "critical")
PRIORITY_SHARES = (0.979, 0.006, 0.008, 0.003, 0.001, 0.003)
CAUSES = ("tree", "lightning", "equipment", "animal", "vehicle", "overload")


def district_name(district: int) -> str:
    """The name of a district."""
    area, round_ = AREAS[district % len(AREAS)], district // len(AREAS)
    return f"{area}供电所" + (f"{round_ + 1}" if round_ else "")


def districts(plan: Plan) -> Iterator[Row]:
    """Rows of districts.csv."""
    yield "CITY", "示范市供电公司", ""
    for district in range(plan.districts):
        yield district_code(district), district_name(district), "CITY"


def account_no(customer: int) -> str:
    return f"{4_000_000_000 + customer + 1}"


def usage_point(customer: int) -> str:
    return f"UP{customer + 1:07d}"


def meter_no(customer: int) -> str:
    return f"M{customer + 1:08d}"


def transformers_of(plan: Plan) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The transformer of every usage point: neighbours in number share one."""
    return np.arange(plan.customers) * plan.transformers // plan.customers


def kinds_of(plan: Plan, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The kind (place in KINDS) of every customer."""
    return np.random.default_rng([seed, 1]).choice(len(KINDS), plan.customers, p=KIND_SHARES)


def customers(plan: Plan, seed: int) -> Iterator[Row]:
    """Rows of customers.csv."""
    rng = np.random.default_rng([seed, 2])
    count = plan.customers
    kinds = kinds_of(plan, seed)
    priorities = rng.choice(len(PRIORITIES), count, p=PRIORITY_SHARES)
    names = rng.integers(0, [len(SURNAMES), len(GIVEN), len(GIVEN) + 12], (count, 3))
    phones = rng.integers(0, [len("356789"), 10**8], (count, 2))
    places = rng.integers(0, [len(STREETS), 200, 30, 6], (count, 4))
    statuses = rng.choice(("active", "disconnected"), count, p=(0.992, 0.008))
    transformers = transformers_of(plan)
    for i in range(count):
        transformer = int(transformers[i])
        district = plan.district_of(plan.feeder_of(transformer))
        kind = KINDS[kinds[i]]
        street, number, block, floor = places[i]
        place = f"{STREETS[street]}{number + 1}号"
        home = f"{block + 1}栋{floor + 1}0{i % 4 + 1}室" if kind == "residential" else ""
        yield (
            account_no(i),
            _name(kind, names[i], district),
            kind,
            f"1{'356789'[phones[i, 0]]}{phones[i, 1]:09d}",
            f"user{i + 1}@example.com" if i % 5 == 0 else "",
            f"{AREAS[district % len(AREAS)]}{place}{home}",
            district_code(district),
            usage_point(i),
            transformer_code(plan, transformer),
            PRIORITIES[priorities[i]],
            f"{RATED_KVA[kind]:g}",
            "220" if kind == "residential" else "380",
            meter_no(i),
            int(kind == "industrial" and i % 3 == 0),
            statuses[i],
            place,
        )


def _name(kind: str, picks: "np.ndarray[tuple[int], np.dtype[np.int64]]", district: int) -> str:
    surname, first, second = picks
    person = SURNAMES[surname] + GIVEN[first] + (GIVEN[second] if second < len(GIVEN) else "")
    area = AREAS[district % len(AREAS)]
    if kind == "commercial":
        return f"{person}商店"
    if kind == "industrial":
        return f"{area}{person[1:]}{TRADES[first % len(TRADES)]}有限公司"
    if kind == "public":
        return f"{area}第{first + 1}{'医院' if second % 2 else '中学'}"
    return person


def connections(plan: Plan, seed: int) -> Iterator[Row]:
    """Rows of connections.csv: a standby from the neighbouring feeder for one in three larger customers."""
    kinds, transformers = kinds_of(plan, seed), transformers_of(plan)
    for i in np.flatnonzero((kinds == KINDS.index("industrial")) | (kinds == KINDS.index("public")))[::3]:
        feeder, place = divmod(int(transformers[i]), plan.transformers_a_feeder)
        other = feeder + 1 if feeder % 2 == 0 else feeder - 1
        if other < plan.feeders:
            standby = transformer_code(plan, other * plan.transformers_a_feeder + place)
            yield usage_point(int(i)), standby, "standby", "auto" if i % 2 else "manual", "", "", ""


def readings(plan: Plan, seed: int, until: datetime, days: int, meters: int) -> Iterator[Row]:
    """Rows of readings.csv: hourly energy of the first `meters` meters up to `until`, with a few gaps and estimates."""
    meters = min(meters, plan.customers)
    rng = np.random.default_rng([seed, 3])
    kinds = kinds_of(plan, seed)
    hours = np.arange(24)
    home = 0.25 + 0.35 * np.exp(-((hours - 20) ** 2) / 8) + 0.15 * np.exp(-((hours - 7) ** 2) / 4)
    work = 0.15 + 0.6 / (1 + np.exp(-(hours - 8))) - 0.6 / (1 + np.exp(-(hours - 18)))
    begin = until - timedelta(days=days)
    for meter in range(meters):
        kind = KINDS[kinds[meter]]
        shape = home if kind == "residential" else work
        size = RATED_KVA[kind] * (0.1 if kind == "residential" else 0.35)
        values = size * np.tile(shape, days) * rng.gamma(8, 1 / 8, 24 * days)
        fates = rng.random(24 * days)
        for hour in range(24 * days):
            at = (begin + timedelta(hours=hour)).isoformat()
            if fates[hour] < 0.002:
                yield meter_no(meter), "1", at, 3600, "", "kWh", "missing"
            else:
                quality = "estimated" if fates[hour] < 0.01 else "measured"
                yield meter_no(meter), "1", at, 3600, f"{values[hour]:.3f}", "kWh", quality


def meters(plan: Plan, count: int) -> Iterator[Row]:
    """Rows of meters.csv: the channel of the meters that send readings."""
    for meter in range(min(count, plan.customers)):
        yield meter_no(meter), usage_point(meter), "1", "energy", "import", "kWh", "interval", 1


def interruptions(plan: Plan, seed: int, until: datetime, months: int = 12) -> Iterator[Row]:
    """Rows of interruptions.csv: faults of laterals and feeder halves, planned work, before `until`."""
    rng = np.random.default_rng([seed, 4])
    transformers = transformers_of(plan)
    events = max(4, plan.feeders // 2) * months // 2
    seconds = np.sort(rng.integers(30 * 86400, months * 30 * 86400, events))[::-1]
    for event in range(events):
        planned = rng.random() < 0.25
        began = until - timedelta(seconds=int(seconds[event]))
        minutes = float(rng.gamma(2, 60 if planned else 30)) + 1
        transformer = int(rng.integers(plan.transformers))
        out = np.flatnonzero(transformers == transformer)
        code = feeder_code(plan.feeder_of(transformer))
        place = transformer % plan.transformers_a_feeder
        device = f"{code}-FU{place + 1:03d}"
        if event % 7 == 0 and plan.transformers_a_feeder > 1:
            half = plan.transformers_a_feeder * (RECLOSER_AT + 1) // 12
            first = plan.feeder_of(transformer) * plan.transformers_a_feeder
            out = np.flatnonzero((transformers >= first + half) & (transformers < first + plan.transformers_a_feeder))
            device = f"{code}-RC{RECLOSER_AT:02d}"
        for step, part in enumerate(np.array_split(out, 2 if len(out) > 40 else 1), start=1):
            restored = began + timedelta(minutes=minutes * step)
            cause = "planned work" if planned else CAUSES[event % len(CAUSES)]
            for point in part:
                kind = "planned" if planned else "unplanned"
                times = began.isoformat(), restored.isoformat(timespec="seconds")
                yield f"H{event + 1:05d}", step, usage_point(int(point)), *times, kind, cause, device, 1

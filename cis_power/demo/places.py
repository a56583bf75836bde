"""Where people live: streets, compounds, buildings, villages, and the address of every usage point. Pure."""

from dataclasses import dataclass

from cis_power.demo.chance import whole
from cis_power.demo.codes import meter_box_of
from cis_power.demo.names import TOWNS
from cis_power.demo.plan import RESIDENTIAL, RURAL, SUBSTATIONS_A_TOWN, SUBURBAN, URBAN, Plan

_STREETS = ("人民", "解放", "中山", "建设", "和平", "新华")
_RING = ("环城北", "环城南")
_AVENUES = ("工业", "开发")
_GARDENS = (
    "翠湖", "阳光", "锦绣", "金色", "碧水", "丽景", "龙湖", "凤凰", "桂花", "紫荆", "明珠", "世纪", "东方", "滨江",
    "望江",
    "芙蓉", "梧桐", "御景", "荣盛", "福源", "安居", "瑞景", "学府", "星河", "枫林", "银杏", "海棠", "月亮湾",
    "清风", "百合",
)  # fmt: skip
_ESTATES = (
    "花园", "家园", "小区", "新村", "名苑", "华庭", "广场", "公寓", "佳园", "雅居", "豪庭", "新城", "里", "苑",
    "府", "湾", "轩",
    "庄园", "半岛", "春天",
)  # fmt: skip
_TOWNSHIPS = ("石桥", "柳河", "青山", "大王", "白沙", "双塘", "马家", "黄泥", "三河", "红旗")
_VILLAGES = (
    "柳树", "上湾", "下湾", "李家", "张庄", "新屋", "松林", "杨树", "石头", "东岭", "西岭", "南塘", "北塘", "水口",
    "高田", "竹园",
    "枣林", "桃花", "荷塘", "龙井",
)  # fmt: skip
_HOME = 30


@dataclass(frozen=True, slots=True)
class Place:
    """A named place; `parent` is the name of the place it lies in, empty: none. No two have one name."""

    name: str
    kind: str
    parent: str = ""


def town_name(plan: Plan, substation: int) -> str:
    number = substation // SUBSTATIONS_A_TOWN
    round_, place = divmod(number, len(TOWNS))
    return TOWNS[place] + (f"{round_ + 1}" if round_ else "") + "市"


def quarter(substation: int) -> tuple[int, int]:
    """Where a substation stands in its town: (-1 west or 1 east, 1 north or -1 south)."""
    place = substation % SUBSTATIONS_A_TOWN
    return (1 if place % 2 else -1), (-1 if place >= 2 else 1)


def road(plan: Plan, feeder: int) -> str:
    """The road that a feeder follows, without the town; the countryside has the name of the township."""
    place = plan.place_in_substation(feeder)
    substation = int(plan.substation_of_feeder[feeder])
    east, north = quarter(substation)
    match plan.style(feeder):
        case style if style == URBAN:
            street = _STREETS[(0, 1, 0, 2)[place] + (0 if north > 0 else 3)]
            return f"{street}{'东' if east > 0 else '西'}路"
        case style if style == SUBURBAN:
            return f"{_RING[0 if north > 0 else 1]}路" if place == 2 else f"{_AVENUES[0 if north > 0 else 1]}大道"
        case _:
            round_, number = divmod(substation, len(_TOWNSHIPS))
            return _TOWNSHIPS[number] + (f"{round_ + 1}" if round_ else "") + "镇"


def _estate(transformer: int) -> str:
    """The compound a transformer supplies: a name of its own, as 371 and the number of names share no factor."""
    names = len(_GARDENS) * len(_ESTATES)
    rank, number = transformer // names, transformer * 371 % names
    name = _GARDENS[number % len(_GARDENS)] + _ESTATES[number // len(_GARDENS)]
    return name + (f"{rank + 1}期" if rank else "")


def _village(plan: Plan, feeder: int, transformer: int) -> str:
    place = (transformer - int(plan.first_transformer[feeder])) // 3
    round_, number = divmod(place, len(_VILLAGES))
    return f"{road(plan, feeder)}{_VILLAGES[number]}{'' if not round_ else round_ + 1}村"


def compound(plan: Plan, transformer: int) -> Place | None:
    """The place that a transformer's customers live in: a compound, a village; none where it is a customer's own."""
    feeder = int(plan.feeder_of_transformer[transformer])
    if plan.own[transformer]:
        return None
    if plan.style(feeder) == RURAL:
        return Place(_village(plan, feeder, transformer), "village", road(plan, feeder))
    return Place(_estate(transformer), "compound")


def place(plan: Plan, customer: int) -> Place | None:
    """The place of a usage point: a building of its compound, or its village."""
    around = compound(plan, int(plan.transformer_of_customer[customer]))
    box = meter_box_of(plan, customer)
    if around is None or box is None:
        return around
    return Place(f"{around.name}{box + 1}栋", "building", around.name)


def places(plan: Plan) -> list[Place]:
    """Every place, parents before what lies in them."""
    found: dict[str, Place] = {}
    for feeder in range(plan.feeders):
        if plan.style(feeder) == RURAL:
            name = road(plan, feeder)
            found.setdefault(name, Place(name, "township"))
    for transformer in range(plan.transformers):
        around = compound(plan, transformer)
        if around is not None:
            found.setdefault(around.name, around)
            for customer in plan.customers_of(transformer):
                home = place(plan, customer)
                if home is not None:
                    found.setdefault(home.name, home)
    return list(found.values())


def address(plan: Plan, customer: int) -> str:
    """The address of a usage point."""
    transformer = int(plan.transformer_of_customer[customer])
    feeder = int(plan.feeder_of_transformer[transformer])
    town = town_name(plan, int(plan.substation_of_feeder[feeder]))
    here = place(plan, customer)
    number = (transformer - int(plan.first_transformer[feeder])) * 4 + 2
    rank = customer - plan.customers_of(transformer).start
    if plan.style(feeder) == RURAL:
        home = rank + (transformer - int(plan.first_transformer[feeder])) % 3 * 50 + 1
        return f"{town}{here.name if here else road(plan, feeder)}{home if here else number}号"
    if here is None:
        return f"{town}{road(plan, feeder)}{number + 1}号"
    if plan.kind[customer] != RESIDENTIAL:
        return f"{town}{road(plan, feeder)}{number + rank % 2}号{here.parent}底商{rank + 1}号"
    unit, room = rank % 2 + 1, whole(plan.seed, _HOME, customer) % 4 + 1
    return f"{town}{road(plan, feeder)}{number}号{here.name}{unit}单元{rank // 2 + 1}0{room}室"

"""What everything of the demo utility is called: codes as functions of numbers, and where usage points hang. Pure."""

from cis_power.demo.plan import RURAL, ZONES, Plan

COMPANY = "CITY"
USAGE_POINTS_A_METER_BOX = 6
METER_BOXES_A_BRANCH_BOX = 3


def feeder_code(feeder: int) -> str:
    return f"F{feeder + 1:03d}"


def breaker_code(feeder: int) -> str:
    """The breaker at the head of a feeder."""
    return f"{feeder_code(feeder)}-CB"


def substation_code(substation: int) -> str:
    return f"SUB{substation + 1:02d}"


def source_name(substation: int) -> str:
    """The telemetry source (RTU) of a substation."""
    return f"rtu{substation + 1}"


def district_code(district: int) -> str:
    return f"D{district + 1:02d}"


def district_of_substation(plan: Plan, substation: int) -> int:
    """The district a substation stands in: the west of its town, or the east."""
    return substation // 4 * 2 + substation % 2


def sub_district_code(plan: Plan, feeder: int) -> str:
    """The sub-district of a feeder and of its customers: centre (1), suburbs (2) or countryside (3) of a district."""
    district = district_of_substation(plan, int(plan.substation_of_feeder[feeder]))
    return f"{district_code(district)}-{ZONES[plan.style(feeder)]}"


def transformer_code(plan: Plan, transformer: int) -> str:
    feeder = int(plan.feeder_of_transformer[transformer])
    return f"{feeder_code(feeder)}-T{transformer - int(plan.first_transformer[feeder]) + 1:03d}"


def transformer_number(plan: Plan, code: str) -> int:
    """The number of a transformer of this code. Raises ValueError when there is none."""
    feeder, _, place = code.partition("-T")
    number = int(plan.first_transformer[int(feeder[1:]) - 1]) + int(place) - 1
    if transformer_code(plan, number) != code:
        raise ValueError(f"no transformer {code!r}")
    return number


def usage_point(customer: int) -> str:
    return f"UP{customer + 1:07d}"


def customer_number(usage_point_code: str) -> int:
    """The number of the customer at a usage point. Raises ValueError for another kind of code."""
    return int(usage_point_code.removeprefix("UP")) - 1


def meter_no(customer: int) -> str:
    """The meter that is there now."""
    return f"M{customer + 1:08d}"


def former_meter_no(customer: int) -> str:
    """The meter that stood there before it was exchanged, where it was."""
    return f"M9{customer + 1:07d}"


def meter_boxes(plan: Plan, transformer: int) -> int:
    """How many meter boxes there are below a transformer; 0: its customers hang on the transformer itself."""
    if plan.own[transformer] or plan.style(int(plan.feeder_of_transformer[transformer])) == RURAL:
        return 0
    return -(-len(plan.customers_of(transformer)) // USAGE_POINTS_A_METER_BOX)


def branch_boxes(plan: Plan, transformer: int) -> int:
    """How many branch boxes there are between a transformer and its meter boxes."""
    return -(-meter_boxes(plan, transformer) // METER_BOXES_A_BRANCH_BOX)


def meter_box_of(plan: Plan, customer: int) -> int | None:
    """The place (from 0) of a customer's meter box among those of his transformer; None without boxes."""
    transformer = int(plan.transformer_of_customer[customer])
    boxes = meter_boxes(plan, transformer)
    here = plan.customers_of(transformer)
    return (customer - here.start) * boxes // len(here) if boxes else None


def bus_node(code: str) -> str:
    """The low-voltage bus of the transformer of this code."""
    return code.replace("-T", "-B")


def branch_box_node(code: str, box: int) -> str:
    return f"{code.replace('-T', '-X')}-{box + 1}"


def meter_box_node(code: str, box: int) -> str:
    return f"{code.replace('-T', '-M')}-{box + 1}"


def supply_code(plan: Plan, customer: int) -> str:
    """What a usage point hangs on, as the column `transformer` of customers.csv says it: meter box or transformer."""
    code, box = transformer_code(plan, int(plan.transformer_of_customer[customer])), meter_box_of(plan, customer)
    return code if box is None else meter_box_node(code, box)

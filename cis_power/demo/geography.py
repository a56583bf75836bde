"""Where things stand: towns, substations, roads, in degrees of WGS 84; distances are kilometres until the end. Pure.

A town is a grid of streets about its middle, a ring road around it, and the countryside beyond. Urban feeders run along
streets towards the middle and end where those of the other half of the town end; suburban ones follow the ring road and
the avenues; a rural one winds away from the town.
"""

from itertools import pairwise
from math import cos, hypot, pi, radians, sin

from cis_power.demo.chance import whole
from cis_power.demo.places import quarter
from cis_power.demo.plan import RURAL, SUBSTATIONS_A_TOWN, URBAN, Plan

Km = tuple[float, float]

_ORIGIN_LON, _ORIGIN_LAT = 117.32, 30.61  # a plain; the town is invented
_KM_A_DEGREE_LAT = 110.95
_KM_A_DEGREE_LON = 111.32 * cos(radians(_ORIGIN_LAT))
_TOWNS_APART_KM = 60.0
_SUBSTATION = 3.2, 1.9
_STREETS = 0.4, 1.0, 1.6
_RING = 3.3
_AVENUE = 5.4
_MIDDLE = 0.06
_RURAL_STEP_KM = 1.5
_RURAL_STEPS = 15
_BEND = 50


def degrees(x_km: float, y_km: float) -> tuple[float, float]:
    """Longitude and latitude of a place, to about a decimetre."""
    return round(_ORIGIN_LON + x_km / _KM_A_DEGREE_LON, 6), round(_ORIGIN_LAT + y_km / _KM_A_DEGREE_LAT, 6)


def _town(plan: Plan, substation: int) -> Km:
    """The middle of a substation's town: towns lie in rows."""
    number, a_row = substation // SUBSTATIONS_A_TOWN, max(1, round(plan.towns**0.5))
    return number % a_row * _TOWNS_APART_KM, number // a_row * _TOWNS_APART_KM


def substation_at(plan: Plan, substation: int) -> Km:
    (x, y), (east, north) = _town(plan, substation), quarter(substation)
    return x + east * _SUBSTATION[0], y + north * _SUBSTATION[1]


def trunk_way(plan: Plan, feeder: int) -> list[Km]:
    """The corners of a feeder's way, from its substation to its end."""
    substation, place = int(plan.substation_of_feeder[feeder]), plan.place_in_substation(feeder)
    (x, y), (east, north) = _town(plan, substation), quarter(substation)
    side, height = _SUBSTATION
    style = plan.style(feeder)
    if style == URBAN:
        rank = (0, 1, 1, 2)[place]
        street = _STREETS[rank]
        corners = [(side, height), (side - 0.04 * (rank + 1), height), (side - 0.04 * (rank + 1), street)]
        corners.append((_MIDDLE, street))
    elif style == RURAL:
        corners = [(side, height), *_winding(plan, feeder, (side + 0.4, height + 0.4))]
    elif place == 2:
        corners = [(side, height), (side, _RING), (_MIDDLE, _RING)]
    else:
        corners = [(side, height), (_AVENUE, height), (_AVENUE, _MIDDLE)]
    return [(x + east * across, y + north * up) for across, up in corners]


def _winding(plan: Plan, feeder: int, begin: Km) -> list[Km]:
    """A country road: mostly away from the town, bending a little every time."""
    way = [begin]
    for step in range(_RURAL_STEPS):
        bend = whole(plan.seed, _BEND, feeder * 1000 + step) % 1000 / 1000 - 0.5
        heading = pi / 4 + bend * 1.3
        x, y = way[-1]
        way.append((x + _RURAL_STEP_KM * cos(heading), y + _RURAL_STEP_KM * sin(heading)))
    return way


def spread(way: list[Km], count: int) -> tuple[list[Km], list[Km]]:
    """`count` places evenly along a way, and the direction (of length 1) of the way at each."""
    lengths = [hypot(end[0] - begin[0], end[1] - begin[1]) for begin, end in pairwise(way)]
    places, directions = [], []
    leg, before = 0, 0.0
    for number in range(count):
        distance = sum(lengths) * number / max(1, count - 1)
        while leg < len(lengths) - 1 and distance > before + lengths[leg] + 1e-9:
            before += lengths[leg]
            leg += 1
        (x, y), (to_x, to_y) = way[leg], way[leg + 1]
        along = (to_x - x) / lengths[leg], (to_y - y) / lengths[leg]
        places.append((x + along[0] * (distance - before), y + along[1] * (distance - before)))
        directions.append(along)
    return places, directions

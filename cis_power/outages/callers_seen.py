"""What a caller's words find for a viewer who is no call-taker: his territory, and nothing that tells of the rest."""

from datetime import datetime

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.customers.reads import read_usage_points
from cis_power.outages.callers import CallAbout, Found, not_found, points_of_place, points_of_transformer
from cis_power.outages.knowledge import Moment


def within_territory(session: Session, viewer: Viewer, found: Found, about: CallAbout, now: datetime) -> Found:
    """Return what was found as the viewer may know it: a foreign thing is answered like a missing one.

    A transformer or place is his when one of its usage points is. Call-takers see the whole utility.
    """
    if viewer.districts is None or viewer.may("customers:place:find"):
        return found
    points = {point for _account, point in found.spots}
    if found.element_id is not None:
        points.update(points_of_transformer(session, found.element_id, Moment.of(now)))
    if found.place_id is not None:
        points.update(points_of_place(session, found.place_id))
    inside = {point.id for point in read_usage_points(session, viewer, sorted(points), now) if point.inside}
    if inside:
        found.spots = [(account, point) for account, point in found.spots if point in inside]
        return found
    if any(problem.code == "unclear_place" for problem in found.problems) or not _is_something(found):
        return found
    (name, given), *_ = about.given.items()
    return Found(caller_phone=found.caller_phone, problems=[not_found(name, given)])


def _is_something(found: Found) -> bool:
    return bool(found.spots) or any((found.given_account_id, found.element_id, found.place_id))

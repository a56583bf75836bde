"""Taking a trouble call, from the form and from the API alike."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from cis_power.outages.callers import CallAbout
from cis_power.outages.calls import CallAnswer, NewCall, add_call
from web.shell import acting, audit_subject, now, shell, viewer
from web.speech import spoken_answer
from web.values import AccountNo, Input, Phone, Place, Text, Transformer, UsagePoint


class CallBody(Input):
    """A call: what it is about, by one of account, usage point, transformer, place or phone; and what is wrong.

    A phone beside one of the others is the caller's number.
    """

    account_no: Annotated[AccountNo | None, Field(validation_alias=AliasChoices("account_no", "account"))] = None
    usage_point: UsagePoint | None = None
    transformer: Transformer | None = None
    place: Place | None = None
    phone: Phone | None = None
    caller_phone: Phone | None = None
    trouble_code: Annotated[
        Text | None, Field(max_length=60, validation_alias=AliasChoices("trouble_code", "code"))
    ] = None
    text: Text | None = None
    channel: Annotated[Text, Field(max_length=20)] = "phone"
    key: Annotated[Text | None, Field(max_length=200, description="as the header Idempotency-Key")] = None

    def about(self) -> CallAbout:
        """The one thing that says what the call is about; a phone only if there is nothing else."""
        others = (self.account_no, self.usage_point, self.transformer, self.place)
        return CallAbout(
            account=self.account_no,
            usage_point=self.usage_point,
            transformer=self.transformer,
            place=self.place,
            phone=None if any(others) else self.phone,
        )


def take_call(body: CallBody, idempotency_key: str | None) -> CallAnswer:
    """Record a call and answer it; the same key again is the same call."""
    about = body.about()
    call = NewCall(
        about=about,
        trouble_code=body.trouble_code,
        text=body.text,
        caller_phone=body.caller_phone or (body.phone if about.phone is None else None),
        channel=body.channel,
        idempotency_key=idempotency_key,
    )
    with acting("outages:call:take") as session:
        answer = add_call(session, viewer(), now(), call, shell().settings.region)
        audit_subject("trouble_call", answer.id)
    return answer


@dataclass(frozen=True, slots=True)
class Spoken:
    """What to say about one usage point of a call."""

    point: Any
    spoken: str


def spoken_points(answer: CallAnswer) -> list[Spoken]:
    """The answer for each usage point with the words for the caller."""
    return [Spoken(point, spoken_answer(point, now())) for point in answer.supply]

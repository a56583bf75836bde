"""Whatever bytes come: judging never fails, and an answer always belongs to its request."""

from hypothesis import given
from hypothesis import strategies as st

from scada_bridge import frames

REQUESTS = {
    1: bytes.fromhex("000500000006010100000013"),
    3: bytes.fromhex("000500000006010300000002"),
    43: bytes.fromhex("000500000005012b0e0100"),
}
RIGHT = {
    1: bytes.fromhex("000500000006010103cd6b05"),
    3: bytes.fromhex("000500000007010304aabbccdd"),
    43: bytes.fromhex("00050000000d012b0e010100000102") + b"\x00\x03abc"[1:],
}


def fits(request, answer):
    return answer.frame[:2] == request[:2] and answer.frame[6] == request[6] and answer.frame[7] & 0x7F == request[7]


@given(st.sampled_from(sorted(REQUESTS)), st.binary(max_size=300))
def test_any_bytes(function, received):
    found = frames.judge(REQUESTS[function], received, range(2, 5))
    assert isinstance(found, frames.Waiting | frames.Wrong | frames.Answer)
    assert not isinstance(found, frames.Answer) or fits(REQUESTS[function], found)


@given(st.sampled_from(sorted(REQUESTS)), st.data())
def test_right_answers_with_bytes_changed_cut_and_added(function, data):
    frame = bytearray(RIGHT[function])
    for _ in range(data.draw(st.integers(0, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    received = bytes(frame[: data.draw(st.integers(0, len(frame)))]) + data.draw(st.binary(max_size=4))
    found = frames.judge(REQUESTS[function], received)
    if isinstance(found, frames.Answer):
        assert fits(REQUESTS[function], found)
        if found.exception is None and function in (1, 3):
            expected = 3 if function == 1 else 4
            assert found.frame[8] == expected
            assert len(found.frame) == 9 + expected


@given(st.sampled_from((1, 3)), st.integers(0, 11))
def test_an_answer_in_two_pieces_is_waited_for(function, cut):
    assert isinstance(frames.judge(REQUESTS[function], RIGHT[function][:cut]), frames.Waiting)
    assert frames.judge(REQUESTS[function], RIGHT[function]) == frames.Answer(RIGHT[function])


def test_copies_of_earlier_answers_are_passed_over_and_never_taken():
    copy = bytes.fromhex("000400000007010304eeeeeeee")
    found = frames.judge(REQUESTS[3], copy + RIGHT[3], range(1, 5))
    assert found == frames.Answer(RIGHT[3])
    assert frames.judge(REQUESTS[3], copy, range(1, 5)) == frames.Waiting("no answer")
    assert isinstance(frames.judge(REQUESTS[3], copy, ()), frames.Wrong)

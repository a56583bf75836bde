"""The words of an OpenDSS script: comments, quoted and bracketed values, named and positional properties, RPN."""

import math
import operator
from collections.abc import Callable, Iterator

BRACKETS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}
Parameter = tuple[str | None, str, bool]  # name or None, text, whether it stood in quotes or brackets


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Physical line number and text of every line that says something, without comments of any kind."""
    in_block = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if in_block or line.startswith("/*"):
            in_block = "*/" not in line
            continue
        line = strip_comment(line)
        if line:
            yield number, line


def strip_comment(line: str) -> str:
    """Without what follows `!` or `//` outside of quotes and brackets."""
    closing = ""
    for place, sign in enumerate(line):
        if closing:
            closing = "" if sign == closing else closing
        elif sign == "!" or line.startswith("//", place):
            return line[:place].rstrip()
        elif sign in BRACKETS and BRACKETS[sign] in line[place + 1 :]:
            closing = BRACKETS[sign]
    return line


def split_words(line: str) -> list[Parameter]:
    """Parameters of a command line in order: `name=value` or a value alone."""
    found: list[Parameter] = []
    place = 0
    while True:
        place = _skip(line, place, " \t,")
        if place >= len(line):
            return found
        word, quoted, place = _word(line, place)
        behind = _skip(line, place, " \t")
        if not quoted and behind < len(line) and line[behind] == "=":
            value, quoted, place = _word(line, _skip(line, behind + 1, " \t"))
            found.append((word, value, quoted))
        else:
            found.append((None, word, quoted))


def _skip(line: str, place: int, signs: str) -> int:
    while place < len(line) and line[place] in signs:
        place += 1
    return place


def _word(line: str, place: int) -> tuple[str, bool, int]:
    if place < len(line) and line[place] in BRACKETS:
        end = line.find(BRACKETS[line[place]], place + 1)
        if end < 0:
            return line[place + 1 :], True, len(line)
        return line[place + 1 : end], True, end + 1
    end = place
    while end < len(line) and line[end] not in " \t,=":
        end += 1
    if end == place:  # a stray `=`
        return "", False, place + 1
    return line[place:end], False, end


def split_array(text: str) -> list[str]:
    """Elements of an array's text, parted by blanks or commas; an element may be quoted itself."""
    return [value if name is None else f"{name}={value}" for name, value, _ in split_words(text.replace("|", " "))]


def is_yes(text: str) -> bool:
    """OpenDSS reads a truth by its first letter: y or t."""
    return text.strip()[:1].casefold() in {"y", "t"}


def number(text: str) -> float:
    """A finite number, or an inline calculation in reverse Polish such as `.5 1000 /`. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        value = _rpn(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


_TWO: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "atan2": lambda y, x: math.degrees(math.atan2(y, x)),
}
_ONE: dict[str, Callable[[float], float]] = {
    "sqr": lambda x: x * x,
    "sqrt": math.sqrt,
    "inv": lambda x: 1.0 / x,
    "ln": math.log,
    "exp": math.exp,
    "log10": math.log10,
    "sin": lambda x: math.sin(math.radians(x)),
    "cos": lambda x: math.cos(math.radians(x)),
    "tan": lambda x: math.tan(math.radians(x)),
    "asin": lambda x: math.degrees(math.asin(x)),
    "acos": lambda x: math.degrees(math.acos(x)),
    "atan": lambda x: math.degrees(math.atan(x)),
}


def _rpn(text: str) -> float:
    stack: list[float] = []
    try:
        for word in text.replace(",", " ").casefold().split():
            if word in _TWO:
                right, left = stack.pop(), stack.pop()
                stack.append(float(_TWO[word](left, right)))
            elif word in _ONE:
                stack.append(float(_ONE[word](stack.pop())))
            elif word == "pi":
                stack.append(math.pi)
            else:
                stack.append(float(word))
    except (IndexError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise ValueError(f"{text!r} cannot be calculated") from error
    if not stack:
        raise ValueError("a number is missing")
    return stack[-1]

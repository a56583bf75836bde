"""`python -m bench [NAME] [--size small|full|N] [--database sqlite|postgresql|both]`: without NAME the list."""

import argparse
import importlib
import json
import sys

BENCHMARKS = {
    "spine": "a change in the field → the answer over HTTP: p50 and p95 beyond the poll period; size: usage points",
    "poll": "points a second against the bare pymodbus client on the same blocks; size: points",
    "pages": "the pages that people keep open, over HTTP: time and weight; size: customers",
    "energization": "a feeder breaker moves → affected usage points, against rustworkx and a full trace; size: users",
    "prediction": "devices named from calls, exactly and by the roll-up rule, against drawn faults; size: customers",
    "demo": "the demo utility built, by stage; its bills against pandas and the driver; size: usage points",
    "load-history": "interval values a second in and out against a row a value; size: values",
    "search": "the search box by kind of term, and every answer against a plain scan; size: customers",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*BENCHMARKS, "all"], help="which; none: list them")
    parser.add_argument("--size", default="full", help="small, full (default) or a number")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    asked = parser.parse_args()
    if asked.name is None:
        for name, words in BENCHMARKS.items():
            print(f"{name:14} {words}")
        return 0
    for name in BENCHMARKS if asked.name == "all" else (asked.name,):
        module = importlib.import_module(f"bench.{name.replace('-', '_')}")
        size = module.SIZES.get(asked.size) or _number(parser, asked.size)
        print(json.dumps(module.run(size, asked.database).as_dict(), ensure_ascii=False), flush=True)
    return 0


def _number(parser: argparse.ArgumentParser, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        parser.error(f"--size {text!r} is neither small, full nor a number")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

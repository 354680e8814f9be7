"""What OpenAPI cannot say: parameters that exclude each other, names whose limits are bytes of
UTF-8 in a normal form, and deadlines that are over before anybody can keep them."""

import re
import unicodedata

import schemathesis

# Of two that exclude each other, the first is left out.
EXCLUSIVE = [("prefix", "glob"), ("name", "glob")]
# Where a path or a body has a name; in a query all of them are.
NAMED_PATHS = ("/api/v1/datapoints/{name}", "/api/v1/variables/{name}")
QUERY_NAMES = ("after", "name", "prefix")
# What is over sooner than a busy machine answers is expired by right, and a 504.
DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(ms|s|min|h)")
MILLIS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
SOON = 2000


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def is_name(text):
    """Whether a text that has the pattern of a name also has its bytes and its normal form."""
    sizes = [len(segment.encode("utf-8", "replace")) for segment in text.split(".")]
    # What may be composed with the character before it is refused without a closer look.
    composes = any(unicodedata.category(c)[0] == "M" or "\u1161" <= c <= "\u11c2" for c in text)
    is_short = max(sizes) <= 64 and sum(sizes) + len(sizes) - 1 <= 255
    return is_short and not composes and unicodedata.is_normalized("NFC", text)


def names(case):
    path = case.operation.path
    if path in NAMED_PATHS:
        yield (case.path_parameters or {}).get("name")
    for name in QUERY_NAMES:
        yield (case.query or {}).get(name)
    if path == "/api/v1/events" and isinstance(case.body, dict):
        yield case.body.get("kind")


@schemathesis.hook
def filter_case(context, case):
    if not is_positive(case):
        return True
    return all(is_name(text) for text in names(case) if isinstance(text, str))


@schemathesis.hook
def before_call(context, case, kwargs):
    if is_positive(case):
        for one, other in EXCLUSIVE:
            if case.query and one in case.query and other in case.query:
                del case.query[one]
    if not isinstance(case.body, dict):
        return
    # One that is right is exchanged for another that is right: what is tested stays the same.
    text = case.body.get("deadline")
    found = DURATION.fullmatch(text) if isinstance(text, str) else None
    if found and 0 < float(found[1]) * MILLIS[found[2]] < SOON:
        case.body["deadline"] = "5s"
    millis = case.body.get("deadline_ms")
    is_number = isinstance(millis, (int, float)) and not isinstance(millis, bool)
    if is_number and 1 <= millis < SOON and millis == int(millis):
        case.body["deadline_ms"] = 5000

"""What OpenAPI cannot say of two parameters: `prefix` and `glob` exclude each other."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    query = case.query or {}
    both = "prefix" in query and "glob" in query
    return not both or case.meta is None or case.meta.generation.mode.is_negative

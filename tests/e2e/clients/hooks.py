"""What schemathesis is told beside the description of the interface: names that exist, and that a token of one
tenant shows and changes nothing of another. OWN, OTHER and HIDDEN come from the environment."""

import os
import zlib

import schemathesis

OWN = os.environ["OWN"]
OTHER = os.environ["OTHER"]
HIDDEN = os.environ["HIDDEN"].split(",")


def one_of(names, made):
    """The same for the same, so that a run can be repeated; sometimes what was made up stays."""
    place = zlib.crc32(str(made).encode("utf-8", "surrogatepass")) % (len(names) + 1)
    return names[place] if place < len(names) else made


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters:
        if "tenant" in path_parameters:
            path_parameters["tenant"] = one_of([OWN, OWN, OTHER], path_parameters["tenant"])
        if "pipeline" in path_parameters:
            path_parameters["pipeline"] = one_of(["stockouts", "stockouts"], path_parameters["pipeline"])
        if "number" in path_parameters:
            path_parameters["number"] = one_of(HIDDEN[:1], path_parameters["number"])
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    # JSON in a text, which no schema of a parameter describes.
    if case.query and "after" in case.query and case.meta and case.meta.generation.mode.is_positive:
        case.query["after"] = '["stockouts", "1", ""]'


@schemathesis.check
def own_tenant_only(ctx, response, case):
    tenant = (case.path_parameters or {}).get("tenant")
    if tenant == OTHER:
        assert response.status_code in (400, 401, 403, 405, 429), f"{response.status_code} for another tenant"
    for hidden in HIDDEN[1:]:
        assert hidden not in response.text, "something of another tenant is shown"

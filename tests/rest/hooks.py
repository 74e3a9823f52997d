"""Half of the requests for a call or a patient name one that is there, and none names whoever asks."""

import os
import zlib

import schemathesis

KNOWN = {"/v1/calls/{id}": os.environ["AURICLE_CALL"], "/v1/patients/{id}": os.environ["AURICLE_PATIENT"]}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    generated = (path_parameters or {}).get("id")
    for prefix, there in KNOWN.items():
        # By the name that was made up, so that the same run is the same again.
        if generated is not None and context.operation.path.startswith(prefix) and zlib.crc32(str(generated).encode()) % 2:
            path_parameters["id"] = there
    return path_parameters


# What is learnt from answers is asked for too: the user and the sign-in of whoever asks, who would then be nobody any more.
OWN = set(os.environ["AURICLE_OWN"].split(","))


@schemathesis.hook
def before_call(context, case, kwargs):
    for name, value in (case.path_parameters or {}).items():
        if value in OWN:
            case.path_parameters[name] = value.partition("_")[0] + "_" + 26 * "0"

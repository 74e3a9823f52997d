"""Half of the requests for a call or a patient name one that is there."""

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

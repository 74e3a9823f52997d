"""Validates what a gateway sent to its agent against the `openai` package: check_messages.py RECEIVED.jsonl

Each line is what the simulator's --log-received writes. A message must be a client event of the Realtime API with no
key that the package does not know, at any level. Prints how many there were of each type.
"""

import base64
import collections
import json
import sys

from openai.types.realtime import RealtimeClientEvent
from pydantic import BaseModel, TypeAdapter, ValidationError


def unknown_keys(value, path=""):
    """Every key that pydantic kept without knowing it."""
    if isinstance(value, BaseModel):
        found = [f"{path}.{key}" for key in (value.model_extra or {})]
        return found + [key for name in type(value).model_fields for key in unknown_keys(getattr(value, name), f"{path}.{name}")]
    if isinstance(value, (list, tuple)):
        return [key for item in value for key in unknown_keys(item, f"{path}[]")]
    return []


def main():
    adapter = TypeAdapter(RealtimeClientEvent)
    counts, faults = collections.Counter(), []
    with open(sys.argv[1], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            message = json.loads(line)["message"]
            kind = message.get("type")
            counts[kind] += 1
            if kind == "input_audio_buffer.append":
                # The log holds the length in place of the sound.
                message["audio"] = base64.b64encode(bytes(message["audio"]["len_bytes"])).decode()
            try:
                # A union takes the first member that fits, known or not: the member must be the one of the type.
                event = adapter.validate_python(message, strict=True)
            except ValidationError as error:
                faults.append(f"line {number}, {kind}: {error}")
                continue
            if event.type != kind:
                faults.append(f"line {number}: {kind} was read as {event.type}")
            faults += [f"line {number}, {kind}: unknown key {key}" for key in unknown_keys(event)]
    print(json.dumps(counts))
    if faults:
        sys.exit("\n".join(faults[:20]))


main()

"""Checks messages against the types of the PyPI package `openai`.

usage: validate_openai.py client|server FILE     (one JSON message a line)

The types accept keys they do not know and collect them; here every model at every level must have collected none.
"""

import json
import sys

from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError


# The service sends these; the types, made for what clients send, do not have them.
SENT_BUT_NOT_TYPED = {
    f"session.{event}.session.{key}" for event in ("created", "updated") for key in ("id", "object", "expires_at")
}


def unknown_keys(value, path):
    """Yields the path of every key that no type knows."""
    if isinstance(value, BaseModel):
        for key in value.model_extra or {}:
            if f"{path}.{key}" not in SENT_BUT_NOT_TYPED:
                yield f"{path}.{key}"
        for name in type(value).model_fields:
            yield from unknown_keys(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for place, element in enumerate(value):
            yield from unknown_keys(element, f"{path}[{place}]")
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from unknown_keys(element, f"{path}.{key}")


def main():
    direction, file = sys.argv[1:]
    adapter = TypeAdapter({"client": RealtimeClientEvent, "server": RealtimeServerEvent}[direction])
    failures = 0
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            message = json.loads(line)
            try:
                faults = list(unknown_keys(adapter.validate_python(message), message.get("type", "?")))
            except ValidationError as error:
                faults = [f"{message.get('type', '?')}: {error}"]
            for fault in faults:
                print(f"line {number}: {fault}", file=sys.stderr)
            failures += bool(faults)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

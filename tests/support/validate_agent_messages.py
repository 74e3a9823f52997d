"""Checks messages against the types that the vendors publish on PyPI.

usage: validate_agent_messages.py openai-client|openai-server|openai-live|voicelive|deepgram|gemini|twilio|
       ultravox|ultravox-call FILE     (one JSON message a line)

Some types accept keys they do not know and collect them; here every model at every level must have collected none. Where a vendor's package
is not installed it ends with 3.
"""

import json
import sys

NO_TYPES = 3

try:
    from pydantic import BaseModel, TypeAdapter, ValidationError
except ModuleNotFoundError as missing:
    print(missing, file=sys.stderr)
    sys.exit(NO_TYPES)

# OpenAI's service sends these; its types, made for what clients send, do not have them.
SENT_BUT_NOT_TYPED = {
    f"session.{event}.session.{key}" for event in ("created", "updated") for key in ("id", "object", "expires_at")
}


def openai(direction):
    if direction == "client":
        from openai.types.realtime.realtime_client_event import RealtimeClientEvent as Event
    else:
        from openai.types.realtime.realtime_server_event import RealtimeServerEvent as Event
    return TypeAdapter(Event).validate_python


def openai_live():
    from openai.types.live.client_event import ClientEvent

    return TypeAdapter(ClientEvent).validate_python


def voicelive():
    """The vendor's models take any key and any value: each is held against what its class declares."""
    from azure.ai.voicelive import models

    classes = {
        "session.update": models.ClientEventSessionUpdate,
        "input_audio_buffer.append": models.ClientEventInputAudioBufferAppend,
        "input_audio_buffer.commit": models.ClientEventInputAudioBufferCommit,
        "conversation.item.create": models.ClientEventConversationItemCreate,
        "conversation.item.truncate": models.ClientEventConversationItemTruncate,
        "response.create": models.ClientEventResponseCreate,
        "response.cancel": models.ClientEventResponseCancel,
    }

    def check(message):
        event = classes[message["type"]](message)
        declared(event, message["type"])
        if message["type"] == "session.update":
            session = message["session"]
            models.InputAudioFormat(session["input_audio_format"])
            models.OutputAudioFormat(session["output_audio_format"])
        return None

    def declared(model, path):
        names = {field._rest_name for field in type(model)._attr_to_rest_field.values()}
        for key, value in dict(model).items():
            if key not in names:
                raise KeyError(f"{path}.{key} is unknown to {type(model).__name__}")
            typed = getattr(model, key, None)
            for one in typed if isinstance(typed, list) else [typed]:
                if hasattr(type(one), "_attr_to_rest_field"):
                    declared(one, f"{path}.{key}")

    return check


def deepgram():
    import deepgram.agent.v1.types as types

    models = {
        "Settings": types.AgentV1Settings,
        "KeepAlive": types.AgentV1KeepAlive,
        "ForceEndTurn": types.AgentV1ForceEndTurn,
        "InjectUserMessage": types.AgentV1InjectUserMessage,
        "UpdatePrompt": types.AgentV1UpdatePrompt,
        "FunctionCallResponse": types.AgentV1SendFunctionCallResponse,
    }
    return lambda message: models[message["type"]].model_validate(message)


def gemini():
    from google.genai import types

    def check(message):
        # The package puts this one key into the setup by hand; it has a type of its own.
        turns = message.get("setup", {}).pop("realtimeInputConfig", None)
        if turns is not None:
            types.RealtimeInputConfig.model_validate(turns)
        return types.LiveClientMessage.model_validate(message)

    return check


def twilio():
    import os

    from twilio.request_validator import RequestValidator

    validator = RequestValidator(os.environ["PATH"])

    def check(message):
        if not validator.validate(message["url"], {}, message["signature"]):
            raise KeyError(f"not what the vendor's library computes for {message['url']}")

    return check


def ultravox():
    """Ultravox publishes no types for Python; LiveKit's plugin for it does. Its package wants all of LiveKit, this one file of it nothing."""
    import importlib.util
    import pathlib
    import sysconfig

    file = pathlib.Path(sysconfig.get_path("purelib"), "livekit/plugins/ultravox/realtime/events.py")
    if not file.is_file():
        raise ModuleNotFoundError("No module named 'livekit.plugins.ultravox'")
    spec = importlib.util.spec_from_file_location("ultravox_events", file)
    events = importlib.util.module_from_spec(spec)
    sys.modules["ultravox_events"] = events
    spec.loader.exec_module(events)
    by_type = {
        model.model_fields["type"].default: model
        for model in vars(events).values()
        if isinstance(model, type) and issubclass(model, events.UltravoxEvent) and model is not events.UltravoxEvent
    }

    def check(message):
        model = by_type[message["type"]]
        known = {field.alias or name for name, field in model.model_fields.items()}
        for key in message.keys() - known:
            raise KeyError(f"{key} is unknown to {model.__name__}")
        return model.model_validate(message)

    return check


def ultravox_call():
    import pathlib

    import jsonschema_rs

    schema = json.loads(pathlib.Path(__file__).with_name("ultravox_call.schema.json").read_text())
    validator = jsonschema_rs.validator_for(schema)

    def check(message):
        for error in validator.iter_errors(message):
            raise KeyError(f"{'/'.join(map(str, error.instance_path))}: {error.message}")

    return check


CHECKS = {
    "openai-client": lambda: openai("client"),
    "openai-server": lambda: openai("server"),
    "openai-live": openai_live,
    "voicelive": voicelive,
    "deepgram": deepgram,
    "gemini": gemini,
    "twilio": twilio,
    "ultravox": ultravox,
    "ultravox-call": ultravox_call,
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
    vendor, file = sys.argv[1:]
    try:
        check = CHECKS[vendor]()
    except ModuleNotFoundError as missing:
        print(missing, file=sys.stderr)
        return NO_TYPES
    failures = 0
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            message = json.loads(line)
            name = message.get("type") or next(iter(message), "?")
            try:
                faults = list(unknown_keys(check(message), name))
            except (ValidationError, KeyError) as error:
                faults = [f"{name}: {error}"]
            for fault in faults:
                print(f"line {number}: {fault}", file=sys.stderr)
            failures += bool(faults)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""Bots of Pipecat behind its serializers of Twilio, Telnyx, Plivo, Exotel and Vonage and behind its own frames (protobuf).

usage: pipecat_bot.py PORT REST-URL     serves ws://127.0.0.1:PORT/{twilio,telnyx,plivo,exotel,vonage,protobuf}

Each says back what it hears. Key 5: it hands over 10 s of a tone at once, and says nothing back any more; key 9: it interrupts itself; key #: it ends, by Twilio's REST interface at REST-URL where it is behind Twilio's protocol, else by closing. What happens
is told in lines of JSON on standard output, with the time of day.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import os
import struct
import sys
import time

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import EndFrame, InputAudioRawFrame, InputDTMFFrame, InterruptionFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.exotel import ExotelFrameSerializer
from pipecat.serializers.plivo import PlivoFrameSerializer
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.serializers.telnyx import TelnyxFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.serializers.vonage import VonageFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

app = FastAPI()
RATES = {"vonage": 16000, "protobuf": 16000}


def tell(kind, event, **more):
    print(json.dumps({"kind": kind, "event": event, "at": time.time(), **more}), flush=True)


class Bot(FrameProcessor):
    """Says back what it hears, and does as the keys say."""

    def __init__(self, kind, rate, serializer, websocket):
        super().__init__()
        self._kind, self._rate, self._serializer, self._websocket = kind, rate, serializer, websocket
        self._speaking = None
        self.worker = None

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            if self._speaking is None:
                await self.push_frame(OutputAudioRawFrame(frame.audio, frame.sample_rate, frame.num_channels))
        elif isinstance(frame, InputDTMFFrame):
            key = frame.button.value
            tell(self._kind, "key", key=key)
            if key == "5":
                self._speaking = self.create_task(self._speak())
            elif key == "9":
                await self.cancel_task(self._speaking)
                await self.push_frame(InterruptionFrame())
            elif key == "#":
                await self.worker.queue_frame(EndFrame())
        else:
            await self.push_frame(frame, direction)

    async def _speak(self):
        """Past the transport, which would hand it over at the pace at which it is heard."""
        step = self._rate // 25
        for start in range(0, 10 * self._rate, step):
            tone = (int(12000 * math.sin(math.tau * 440 * n / self._rate)) for n in range(start, start + step))
            audio = await self._serializer.serialize(OutputAudioRawFrame(struct.pack(f"<{step}h", *tone), self._rate, 1))
            if isinstance(audio, bytes):
                await self._websocket.send_bytes(audio)
            elif audio:
                await self._websocket.send_text(audio)
        tell(self._kind, "spoken")


def serializer_of(kind, data):
    """The serializer, by what Pipecat itself found out about the call."""
    if kind == "twilio":
        rest, token = sys.argv[2], os.environ["PATH"]
        return TwilioFrameSerializer(data["stream_id"], data["call_id"], data["account"], token, base_url=rest)
    if kind == "telnyx":
        params = TelnyxFrameSerializer.InputParams(auto_hang_up=False)
        return TelnyxFrameSerializer(data["stream_id"], data["outbound_encoding"], "PCMU", data["call_id"], params=params)
    if kind == "plivo":
        return PlivoFrameSerializer(data["stream_id"], data["call_id"], params=PlivoFrameSerializer.InputParams(auto_hang_up=False))
    if kind == "exotel":
        return ExotelFrameSerializer(data["stream_id"], data["call_id"])
    if kind == "vonage":
        return VonageFrameSerializer()
    return ProtobufFrameSerializer()


async def introduced(kind, websocket):
    """What the first messages say of the call; those without any are not read."""
    if kind in ("vonage", "protobuf"):
        return {}
    first = []
    receive = websocket.receive_text

    async def noting():
        text = await receive()
        first.append(json.loads(text))
        return text

    websocket.receive_text = noting
    found, data = await parse_telephony_websocket(websocket)
    websocket.receive_text = receive
    start = next(message for message in first if message["event"] == "start")
    tell(kind, "start", found=found, numbers=[data.from_number, data.to_number], start=start)
    return {**data.model_dump(), "account": start["start"].get("accountSid")}


def signature(websocket):
    """Whether the request bears what Twilio's own library would ask for."""
    url = str(websocket.url)
    code = hmac.new(os.environ["PATH"].encode(), url.encode(), hashlib.sha1).digest()
    return websocket.headers.get("x-twilio-signature") == base64.b64encode(code).decode()


@app.websocket("/{kind}")
async def talk(websocket: WebSocket, kind: str):
    await websocket.accept()
    tell(kind, "connected", signed=signature(websocket))
    data = await introduced(kind, websocket)
    rate = RATES.get(kind, 8000)
    note_clears(kind, websocket)
    serializer = serializer_of(kind, data)
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    transport = FastAPIWebsocketTransport(websocket, params)
    bot = Bot(kind, rate, serializer, websocket)
    settings = PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=rate)
    bot.worker = PipelineWorker(Pipeline([transport.input(), bot, transport.output()]), params=settings, idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(bot.worker)

    @transport.event_handler("on_client_disconnected")
    async def gone(_transport, _websocket):
        tell(kind, "gone")
        await bot.worker.cancel()

    await runner.run()
    tell(kind, "over")


def note_clears(kind, websocket):
    """Tells when a message that clears has been handed to the system."""
    text, octets = websocket.send_text, websocket.send_bytes

    async def send_text(message):
        await text(message)
        if '"clear' in message:
            tell(kind, "cleared")

    async def send_bytes(message):
        await octets(message)
        # Field 5 of Pipecat's frame.
        if message[:1] == b"\x2a":
            tell(kind, "cleared")

    websocket.send_text, websocket.send_bytes = send_text, send_bytes


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")

"""A web page without a browser: PyPI aiortc as a WHIP client (RFC 9725), several calls at once.

    page.py URL SECRET '{"calls": 1, "codec": "opus", "seconds": 4, …}'

Each call sends a tone of its own and listens for the same tone from the echoing agent. One JSON object is printed: what each call
saw. The page decides nothing; what it saw is judged by the test.
"""

import asyncio
import fractions
import json
import os
import random
import re
import sys
import time
import urllib.error
import urllib.request

import numpy
from aioice import ice
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

RATE = 48_000
FRAME = RATE // 50


class Network:
    """Between the pages and the gateway; nothing passes while it is down."""

    down = False
    # Where the page is.
    host = "127.0.0.1"
    # Mutated copies of each datagram that go out beside it, and how many did so far.
    noise = 0
    mutated = 0
    # Calls that stand.
    standing = 0

    @classmethod
    def install(cls):
        # The page and the gateway are on one host, which aioice would not think of.
        ice.get_host_addresses = lambda use_ipv4, use_ipv6: [cls.host]
        protocol = ice.StunProtocol
        receive, send, send_stun = protocol.datagram_received, protocol.send_data, protocol.send_stun
        protocol.datagram_received = lambda self, *rest: None if cls.down else receive(self, *rest)
        protocol.send_stun = lambda self, *rest: None if cls.down else send_stun(self, *rest)

        async def send_data(self, octets, address):
            if not cls.down:
                await send(self, octets, address)
                for _ in range(cls.noise):
                    await send(self, mutated(octets), address)
                    cls.mutated += 1

        protocol.send_data = send_data


def mutated(octets):
    """The octets with up to four of them altered, or cut, or with others behind them."""
    octets = bytearray(octets)
    for _ in range(random.randint(1, 4)):
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
    if random.random() < 0.1:
        octets = octets[: random.randrange(1, len(octets))]
    elif random.random() < 0.1:
        octets += random.randbytes(random.randrange(1, 40))
    return bytes(octets)


class Tone(MediaStreamTrack):
    """A sine, 20 ms at a time, at the pace of the clock."""

    kind = "audio"

    def __init__(self, hz):
        super().__init__()
        self.hz, self.at, self.begun = hz, 0, None

    async def recv(self):
        if self.begun is None:
            self.begun = time.monotonic()
        wait = self.begun + self.at / RATE - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        n = numpy.arange(self.at, self.at + FRAME)
        samples = (8_000 * numpy.sin(2 * numpy.pi * self.hz * n / RATE)).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at, fractions.Fraction(1, RATE)
        self.at += FRAME
        return frame


async def listen(track, heard, first):
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if not first.done():
            first.set_result(time.monotonic())
        for part in resampler.resample(frame):
            heard.append(part.to_ndarray().reshape(-1))


def request(method, url, bearer, body=None, headers=None):
    """Status, headers and text of the answer, whatever it is."""
    asked = urllib.request.Request(url, data=body, method=method)
    asked.add_header("Authorization", f"Bearer {bearer}")
    for name, value in (headers or {}).items():
        asked.add_header(name, value)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def strongest(samples):
    """The strongest frequency in the cleanest second, and by how many dB it stands above all that is not around it there."""
    if len(samples) < RATE:
        return None, None
    found = []
    for at in range(0, len(samples) - RATE + 1, RATE // 4):
        spectrum = numpy.abs(numpy.fft.rfft(samples[at : at + RATE] * numpy.hanning(RATE))) ** 2
        spectrum[:50] = 0
        peak = int(numpy.argmax(spectrum))
        around = slice(max(0, peak - 8), peak + 9)
        rest = spectrum.sum() - spectrum[around].sum()
        # Silence has no frequency.
        if rest > 0:
            found.append((float(10 * numpy.log10(spectrum[around].sum() / rest)), peak))
    clean, peak = max(found, default=(None, None))
    return peak, clean


def altered(sdp, how):
    """The offer, with what a test wants wrong about it."""
    lines = sdp.split("\r\n")
    if how == "fingerprint":
        lines = [
            line[:-2] + ("00" if line[-2:] != "00" else "11") if line.startswith("a=fingerprint:") else line
            for line in lines
        ]
    if how == "no-candidates":
        lines = [line for line in lines if not line.startswith("a=candidate:")]
    if how == "elsewhere":
        # As behind a translator: what the page knows of itself leads nowhere (RFC 5737).
        lines = [re.sub(r"^(a=candidate:\S+ \S+ \S+ \S+) \S+", r"\1 192.0.2.1", line) for line in lines]
    return "\r\n".join(lines)


async def call(number, base, secret, wish):
    loop = asyncio.get_running_loop()
    saw = {"number": number}
    bearer = secret
    if wish.get("token", True):
        body = json.dumps({"agent": wish["agent"], "caller": f"page {number}"}).encode()
        status, _, text = await loop.run_in_executor(
            None, request, "POST", f"{base}/v1/whip_tokens", secret, body, {"Content-Type": "application/json"}
        )
        saw["token_status"] = status
        bearer = json.loads(text).get("token", secret)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    hz = wish.get("hz", 400) + 37 * (number % 40)
    saw["hz"] = hz
    heard, first, connected = [], loop.create_future(), loop.create_future()
    tasks = []

    @connection.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(listen(track, heard, first)))

    @connection.on("connectionstatechange")
    def on_state():
        saw.setdefault("states", []).append(connection.connectionState)
        if connection.connectionState in ("connected", "failed", "closed") and not connected.done():
            connected.set_result(time.monotonic())

    said, messages = [], []
    channel = None
    if wish.get("channel"):
        channel = connection.createDataChannel("auricle")
        channel.on("message", lambda text: messages.append(json.loads(text)))

        @channel.on("open")
        def on_open():
            for message in wish.get("say", []):
                channel.send(json.dumps(message))

    sender = connection.addTrack(Tone(hz))
    transceiver = next(one for one in connection.getTransceivers() if one.sender == sender)
    wanted = {"opus": "audio/opus", "pcmu": "audio/PCMU", "pcma": "audio/PCMA"}[wish.get("codec", "opus")]
    codecs = [one for one in RTCRtpSender.getCapabilities("audio").codecs if one.mimeType == wanted]
    transceiver.setCodecPreferences(codecs)
    await connection.setLocalDescription(await connection.createOffer())
    offer = altered(connection.localDescription.sdp, wish.get("alter"))
    begun = time.monotonic()
    status, headers, answer = await loop.run_in_executor(
        None, request, "POST", f"{base}/v1/whip/{wish['agent']}", bearer, offer.encode(), {"Content-Type": "application/sdp"}
    )
    headers = {name.lower(): value for name, value in headers.items()}
    saw["status"], saw["answered_ms"] = status, (time.monotonic() - begun) * 1_000
    saw["location"], saw["etag"], saw["link"] = headers.get("location"), headers.get("etag"), headers.get("link")
    if status != 201:
        saw["error"] = answer
        await connection.close()
        return saw
    try:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        saw["answer"] = answer
        at = await asyncio.wait_for(connected, wish.get("patience", 20))
        saw["connected"] = connection.connectionState == "connected"
        saw["connected_ms"] = (at - begun) * 1_000
        if saw["connected"]:
            Network.standing += 1
            # Only calls that stand are shaken: what it takes to stand is another test's.
            while wish.get("noise") and Network.standing < wish.get("calls", 1):
                await asyncio.sleep(0.05)
            Network.noise = wish.get("noise", 0)
            await asyncio.sleep(wish["seconds"])
            limit = time.monotonic() + 60
            while Network.mutated < wish.get("at_least", 0) and time.monotonic() < limit:
                await asyncio.sleep(0.1)
            Network.noise = 0
        if wish.get("outage_s"):
            Network.down = True
            await asyncio.sleep(wish["outage_s"])
            heard.clear()
            Network.down = False
            await asyncio.sleep(wish["seconds"])
    except asyncio.TimeoutError:
        saw["connected"] = False
    if wish.get("listen"):
        saw["listener"] = await listen_in(base, secret, headers["location"].rsplit("/", 1)[1], wish)
    if wish.get("goodbye"):
        # The goodbye of DTLS is all that the gateway is told.
        await connection.close()
        await asyncio.sleep(1)
    if not wish.get("stay"):
        status, _, _ = await loop.run_in_executor(None, request, "DELETE", base + headers["location"], bearer)
        saw["deleted"] = status
    samples = numpy.concatenate(heard) if heard else numpy.zeros(0, numpy.int16)
    saw["heard_ms"] = len(samples) * 1_000 // RATE
    # Other calls go on meanwhile.
    saw["heard_hz"], saw["heard_snr_db"] = await loop.run_in_executor(None, strongest, samples)
    if first.done():
        saw["first_audio_ms"] = (first.result() - begun) * 1_000
    saw["messages"] = messages
    await connection.close()
    for task in tasks:
        task.cancel()
    return saw


async def listen_in(base, secret, call_id, wish):
    """What a supervisor hears of the call (WHEP)."""
    loop, connection = asyncio.get_running_loop(), RTCPeerConnection(RTCConfiguration(iceServers=[]))
    heard, first, tasks = [], asyncio.get_running_loop().create_future(), []
    connection.on("track", lambda track: tasks.append(asyncio.ensure_future(listen(track, heard, first))))
    connection.addTransceiver("audio", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer, url = connection.localDescription.sdp.encode(), f"{base}/v1/calls/{call_id}/whep"
    headers = {"Content-Type": "application/sdp"}
    status, headers, answer = await loop.run_in_executor(None, request, "POST", url, secret, offer, headers)
    headers = {name.lower(): value for name, value in headers.items()}
    saw = {"status": status, "answer": answer, "location": headers.get("location")}
    if status == 201:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await asyncio.sleep(wish["seconds"])
        ended = await loop.run_in_executor(None, request, "DELETE", base + headers["location"], secret)
        saw["deleted"] = ended[0]
    samples = numpy.concatenate(heard) if heard else numpy.zeros(0, numpy.int16)
    saw["heard_ms"] = len(samples) * 1_000 // RATE
    # Other calls go on meanwhile.
    saw["heard_hz"], saw["heard_snr_db"] = await loop.run_in_executor(None, strongest, samples)
    await connection.close()
    for task in tasks:
        task.cancel()
    return saw


async def main():
    base, secret, wish = sys.argv[1].rstrip("/"), sys.argv[2], json.loads(sys.argv[3])
    wish.setdefault("agent", "1000")
    Network.host = wish.get("host", Network.host)
    wish.setdefault("seconds", 3)
    calls, at_once = wish.get("calls", 1), wish.get("at_once", wish.get("calls", 1))
    saw, number = [], 0
    while number < calls:
        batch = range(number, min(calls, number + at_once))
        spread = wish.get("spread_ms", 20) / 1_000

        async def later(index):
            await asyncio.sleep((index - batch.start) * spread)
            return await call(index, base, secret, wish)

        saw += await asyncio.gather(*(later(index) for index in batch))
        number = batch.stop
    for one in saw:
        one["mutated"] = Network.mutated
    print(json.dumps({"calls": saw}))


Network.install()
random.seed(int(os.environ.get("SEED", "1")))
asyncio.run(main())

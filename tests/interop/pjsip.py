"""A telephone over PJSIP that is told what to do: a line of JSON on standard input is a wish, one on standard output something that happened.

pjsip.py NAME PORT MEDIA_PORT FOLDER TONE_HZ: takes every call, speaks its tone, records what it hears in each call to FOLDER/NAME-CALL.wav, and does
what a REFER asks of it. Wishes: {"do": "call", "call": "x", "to": URI}, {"do": "hang_up", "call": "x"}, {"do": "join", "call": "x",
"with": "y"} (attended transfer: the far end of x is sent to that of y), {"do": "end"}.
"""

import json
import os
import selectors
import sys

import pjsua2 as pj

NAME, PORT, MEDIA_PORT, FOLDER, TONE_HZ = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
calls: dict[str, "Call"] = {}


def tell(**what):
    print(json.dumps(what), flush=True)


class Call(pj.Call):
    def __init__(self, account, name, number=pj.PJSUA_INVALID_ID):
        super().__init__(account, number)
        self.account, self.name, self.recorder = account, name, None
        calls[name] = self

    def onCallState(self, _):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            tell(happened="up", call=self.name, remote=info.remoteUri)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            tell(happened="over", call=self.name, status=info.lastStatusCode)

    def onCallMediaState(self, _):
        # Kept: what it holds goes with it.
        info = self.getInfo()
        for medium in info.media:
            if medium.type == pj.PJMEDIA_TYPE_AUDIO and medium.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(medium.index)
                tone.startTransmit(sound)
                if self.recorder is None:
                    self.recorder = pj.AudioMediaRecorder()
                    self.recorder.createRecorder(f"{FOLDER}/{NAME}-{self.name}.wav")
                sound.startTransmit(self.recorder)

    def onCallTransferRequest(self, request):
        tell(happened="referred", call=self.name, to=request.dstUri)
        request.newCall = Call(self.account, f"{self.name}-elsewhere")

    def onCallTransferStatus(self, news):
        tell(happened="transfer", call=self.name, status=news.statusCode, last=news.finalNotify)

    def onCallReplaceRequest(self, request):
        tell(happened="replaced", call=self.name)
        request.newCall = Call(self.account, f"{self.name}-instead")


class Account(pj.Account):
    def onIncomingCall(self, incoming):
        call = Call(self, f"in{sum(name.startswith('in') for name in calls) + 1}", incoming.callId)
        tell(happened="called", call=call.name, remote=call.getInfo().remoteUri)
        call.answer(answer(200))


def answer(status):
    parameters = pj.CallOpParam(True)
    parameters.statusCode = status
    return parameters


def obey(wish):
    match wish["do"]:
        case "call":
            Call(account, wish["call"]).makeCall(wish["to"], pj.CallOpParam(True))
        case "hang_up":
            calls[wish["call"]].hangup(answer(200))
        case "join":
            calls[wish["call"]].xferReplaces(calls[wish["with"]], pj.CallOpParam(True))
        case "end":
            raise EOFError


endpoint = pj.Endpoint()
endpoint.libCreate()
settings = pj.EpConfig()
settings.logConfig.level = 4
settings.logConfig.consoleLevel = 0
settings.logConfig.filename = f"{FOLDER}/{NAME}.log"
settings.uaConfig.threadCnt = 0
settings.uaConfig.mainThreadOnly = True
endpoint.libInit(settings)
transport = pj.TransportConfig()
transport.port, transport.boundAddress, transport.publicAddress = PORT, "127.0.0.1", "127.0.0.1"
endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
endpoint.libStart()
endpoint.audDevManager().setNullDev()
for codec in endpoint.codecEnum2():
    endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU") else 0)
tone = pj.ToneGenerator()
tone.createToneGenerator(8000, 1)
sound = pj.ToneDesc()
sound.freq1, sound.on_msec, sound.off_msec = TONE_HZ, 1000, 0
tone.play(pj.ToneDescVector([sound]), True)
whose = pj.AccountConfig()
whose.idUri = f"sip:{NAME}@127.0.0.1:{PORT}"
whose.mediaConfig.transportConfig.port = MEDIA_PORT
whose.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
whose.mediaConfig.transportConfig.publicAddress = "127.0.0.1"
account = Account()
account.create(whose)
tell(happened="ready")
wishes = selectors.DefaultSelector()
wishes.register(sys.stdin, selectors.EVENT_READ)
try:
    while True:
        endpoint.libHandleEvents(10)
        if wishes.select(0):
            line = sys.stdin.readline()
            if not line:
                break
            obey(json.loads(line))
except EOFError:
    pass
endpoint.hangupAllCalls()
# A recording is finished a while after nobody holds it any more. PJSIP itself is not taken apart: it falls over calls that are held here.
for call in calls.values():
    call.recorder = None
for _ in range(30):
    endpoint.libHandleEvents(10)
tell(happened="ended")
os._exit(0)

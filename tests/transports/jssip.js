// A browser's SIP client without the browser: JsSIP over secure WebSocket, with media that exist on paper only.
// node jssip.js wss://HOST:PORT/ SIP-URI -> prints what happened, one word a line; exit 0 after a whole call.
'use strict';

const WebSocket = require('ws');

// RTP on paper: an offer that the gateway can answer, and no packet ever.
class PeerConnection {
  constructor() { this.iceGatheringState = 'complete'; this.signalingState = 'stable'; this.iceConnectionState = 'connected'; }
  async createOffer() {
    const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=audio ${process.argv[4]} RTP/AVP 0`,
      'a=rtpmap:0 PCMU/8000', 'a=sendrecv', ''].join('\r\n');
    return { type: 'offer', sdp };
  }
  async setLocalDescription(description) { this.localDescription = description; }
  async setRemoteDescription(description) { this.remoteDescription = description; }
  addEventListener() {}
  removeEventListener() {}
  addTrack() {}
  getSenders() { return []; }
  getReceivers() { return []; }
  getLocalStreams() { return []; }
  getRemoteStreams() { return []; }
  close() { this.signalingState = 'closed'; }
}

global.window = global;
global.WebSocket = WebSocket;
global.RTCPeerConnection = PeerConnection;
global.RTCSessionDescription = class { constructor(description) { Object.assign(this, description); } };

const JsSIP = require('jssip');
const [, , url, target] = process.argv;
const say = (word) => console.log(word);
const fail = (word) => { say(word); process.exit(1); };

const agent = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(url)],
  uri: 'sip:browser@localhost',
  register: false,
  session_timers: false,
});
agent.on('disconnected', () => fail('disconnected'));
agent.on('connected', () => {
  say('connected');
  agent.call(target, {
    mediaStream: { getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] },
    eventHandlers: {
      progress: () => say('progress'),
      accepted: (event) => say(`accepted ${event.response.status_code}`),
      failed: (event) => fail(`failed ${event.cause}`),
      confirmed: () => { say('confirmed'); setTimeout(() => agent.terminateSessions(), 500); },
      ended: (event) => {
        say(`ended ${event.originator}`);
        agent.sendOptions(target, undefined, {
          eventHandlers: { succeeded: () => { say('options'); process.exit(0); }, failed: () => fail('options refused') },
        });
      },
    },
  });
});
setTimeout(() => fail('took too long'), 15000);
agent.start();

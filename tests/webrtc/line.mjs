// What lies between a page and the gateway: a page of its own with the SDK, the gateway's interface behind the same origin, and a
// network whose UDP and TCP a test can take away, or let come from somewhere else.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";

/** Where the network ends; the gateway tells pages this address (`webrtc.advertised`). */
const OUTSIDE = "127.0.0.2";
const GATEWAY = "127.0.0.1";

const PAGE = `<!doctype html><meta charset="utf-8"><title>a page</title><script type="module" src="/page.js"></script>`;
const FILES = {
    "/": ["text/html", () => PAGE],
    "/page.js": ["text/javascript", () => readFileSync("tests/webrtc/page.js")],
    "/recorder.js": ["text/javascript", () => readFileSync("tests/webrtc/recorder.js")],
    "/auricle.js": ["text/javascript", () => readFileSync("console/sdk/dist/auricle.js")],
};

/** Serves the page; everything else is the gateway's. `asked` has every request that went there. */
export async function serve(gateway) {
    const asked = [];
    const server = http.createServer((request, response) => {
        const file = FILES[request.url];
        if (file) return response.writeHead(200, { "content-type": file[0], "cache-control": "no-store" }).end(file[1]());
        const { hostname, port } = new URL(gateway);
        const onward = http.request({ hostname, port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
            asked.push({ method: request.method, path: request.url, status: answer.statusCode, etag: answer.headers.etag, match: request.headers["if-match"] });
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.on("error", () => response.destroy());
        request.pipe(onward);
    });
    await new Promise((ready) => server.listen(0, GATEWAY, ready));
    return { url: `http://${GATEWAY}:${server.address().port}`, asked, close: () => server.close() };
}

/** A network to the gateway's media ports. */
export class Line {
    /** Whether nothing passes. */
    down = false;
    /** Datagrams that were swallowed. */
    swallowed = 0;
    #udp;
    #outward = new Map();
    #open = [];

    /** `udp`: whether datagrams pass at all. */
    static async to(ports, udp) {
        const line = new Line();
        line.#udp = udp;
        for (const port of ports) await line.#carry(port);
        return line;
    }

    /** From now on everybody comes from another address, as behind another translator; nothing gets to the old ones. */
    move() {
        for (const socket of this.#outward.values()) socket.close();
        this.#outward.clear();
    }

    close() {
        this.move();
        for (const one of this.#open) one.close();
    }

    async #carry(port) {
        const inward = createSocket("udp4");
        inward.on("message", (datagram, from) => {
            if (this.down || !this.#udp) return void (this.swallowed += 1);
            this.#out(inward, port, from).send(datagram, port, GATEWAY);
        });
        await new Promise((ready) => inward.bind(port, OUTSIDE, ready));
        const listener = net.createServer((stream) => {
            const onward = net.connect(port, GATEWAY);
            for (const [one, other] of [[stream, onward], [onward, stream]]) {
                one.setNoDelay(true);
                one.on("data", (octets) => void (this.down || other.write(octets)));
                one.on("error", () => other.destroy());
                one.on("close", () => other.destroy());
            }
        });
        await new Promise((ready) => listener.listen(port, OUTSIDE, ready));
        this.#open.push(inward, listener);
    }

    #out(inward, port, from) {
        const name = `${from.address} ${from.port} ${port}`;
        const known = this.#outward.get(name);
        if (known) return known;
        const socket = createSocket("udp4");
        socket.on("message", (datagram) => void (this.down || inward.send(datagram, from.port, from.address)));
        this.#outward.set(name, socket);
        return socket;
    }
}

/** A token for one call, and the servers that the gateway tells of. */
export async function token(gateway, secret, agent) {
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
    const answer = await fetch(`${gateway}/v1/whip_tokens`, { method: "POST", headers, body: JSON.stringify({ agent, caller: "a page" }) });
    return answer.json();
}

// SDP fragments (RFC 8840): what travels between the two ends of a call while candidates are found and ICE starts anew.

/** The credentials of one ICE session. */
export interface Credentials {
    ufrag: string;
    pwd: string;
}

/** The credentials that a description or a fragment names, session level first. */
export function credentials(sdp: string): Credentials | null {
    const ufrag = value(sdp, "ice-ufrag");
    const pwd = value(sdp, "ice-pwd");
    return ufrag === null || pwd === null ? null : { ufrag, pwd };
}

/** A fragment with candidates of the first media section; `last` says that there are no more. */
export function fragment(local: string, candidates: readonly string[], last: boolean): string {
    const own = credentials(local);
    const media = /^m=.*$/m.exec(local)?.[0] ?? "m=audio 9 UDP/TLS/RTP/SAVPF 0";
    const lines = own === null ? [] : [`a=ice-ufrag:${own.ufrag}`, `a=ice-pwd:${own.pwd}`];
    lines.push(media, `a=mid:${value(local, "mid") ?? "0"}`, ...candidates.map((candidate) => `a=${candidate.replace(/^a=/, "")}`));
    if (last) lines.push("a=end-of-candidates");
    return `${lines.join("\r\n")}\r\n`;
}

/** The description `answer` with the credentials and candidates of `answered` in place of its own: what ICE restarts to. */
export function restarted(answer: string, answered: string): string {
    const fresh = credentials(answered);
    if (fresh === null) return answer;
    const candidates = answered.split(/\r?\n/).filter((line) => line.startsWith("a=candidate:") || line === "a=end-of-candidates");
    const lines: string[] = [];
    let section = 0;
    const endSection = (): void => {
        if (section === 1) lines.push(...candidates);
    };
    for (const line of answer.split(/\r?\n/)) {
        if (line === "" || line.startsWith("a=candidate:") || line === "a=end-of-candidates") continue;
        if (line.startsWith("m=")) {
            endSection();
            section += 1;
        }
        if (line.startsWith("a=ice-ufrag:")) lines.push(`a=ice-ufrag:${fresh.ufrag}`);
        else if (line.startsWith("a=ice-pwd:")) lines.push(`a=ice-pwd:${fresh.pwd}`);
        else lines.push(line);
    }
    endSection();
    return `${lines.join("\r\n")}\r\n`;
}

function value(sdp: string, attribute: string): string | null {
    return new RegExp(`^a=${attribute}:(\\S+)`, "m").exec(sdp)?.[1] ?? null;
}

// The microphone of the page.

export class MicrophoneError extends Error {
    constructor(override readonly cause: unknown) {
        super("no microphone");
    }
}

/** Asks the browser for one. */
export async function microphone(audio: MediaTrackConstraints): Promise<MediaStream> {
    try {
        if (!navigator.mediaDevices) throw new Error("a page without TLS is given none");
        const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...audio };
        return await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (cause) {
        throw new MicrophoneError(cause);
    }
}

export function stop(stream: MediaStream): void {
    for (const track of stream.getTracks()) track.stop();
}

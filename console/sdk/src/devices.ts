/** What can be heard with and spoken into. Names are empty until the page was allowed a microphone once. */
export interface Devices {
    microphones: MediaDeviceInfo[];
    speakers: MediaDeviceInfo[];
}

export async function devices(): Promise<Devices> {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const of = (kind: MediaDeviceKind): MediaDeviceInfo[] => found.filter((device) => device.kind === kind && device.deviceId !== "");
    return { microphones: of("audioinput"), speakers: of("audiooutput") };
}

/** Told when one is plugged in or out; what comes back ends it. */
export function onDevices(listener: () => void): () => void {
    const source = navigator.mediaDevices;
    source?.addEventListener("devicechange", listener);
    return () => source?.removeEventListener("devicechange", listener);
}

/** How loud a stream is, 0 to 1: the peak of the last 40 ms or so. */
export class Meter {
    #context: AudioContext;
    #analyser: AnalyserNode;
    #source: MediaStreamAudioSourceNode | null = null;
    #samples: Float32Array<ArrayBuffer>;

    constructor(context: AudioContext) {
        this.#context = context;
        this.#analyser = context.createAnalyser();
        this.#analyser.fftSize = 2_048;
        this.#samples = new Float32Array(this.#analyser.fftSize);
    }

    watch(stream: MediaStream): void {
        this.#source?.disconnect();
        this.#source = this.#context.createMediaStreamSource(stream);
        this.#source.connect(this.#analyser);
    }

    read(): number {
        this.#analyser.getFloatTimeDomainData(this.#samples);
        let peak = 0;
        for (const sample of this.#samples) peak = Math.max(peak, Math.abs(sample));
        return Math.min(1, peak);
    }
}

// Hands on what comes in, all inputs of the same moment together.
registerProcessor(
    "recorder",
    class extends AudioWorkletProcessor {
        process(inputs) {
            this.port.postMessage(inputs.map(([channel]) => (channel ? channel.slice() : new Float32Array(128))));
            return true;
        }
    },
);

"""Prints the narrow-band PESQ (ITU-T P.862) of a recording against what was played: pesq_score.py PLAYED.wav RECORDED.wav

Both are mono at 8 kHz. The recording is aligned first and cut to the length of what was played.
"""

import sys

import numpy as np
from pesq import pesq
from scipy.io import wavfile
from scipy.signal import correlate


def read(path):
    rate, samples = wavfile.read(path)
    if rate != 8000 or samples.ndim != 1:
        sys.exit(f"{path}: mono at 8 kHz is wanted")
    return samples


def main():
    played, recorded = read(sys.argv[1]), read(sys.argv[2])
    found = correlate(recorded.astype(float), played.astype(float), mode="full", method="fft")
    delay = int(np.argmax(found)) - (len(played) - 1)
    heard = recorded[max(delay, 0) :][: len(played)]
    print(f"{pesq(8000, played[: len(heard)], heard, 'nb'):.3f}")


main()

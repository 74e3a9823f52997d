"""What a voice has become on its way: sound.py FOLDER, with microphone.raw, direct.raw and gateway.raw of the same moments (48 kHz).

Prints JSON: wide-band PESQ (ITU-T P.862.2) of pieces of eight seconds against the microphone, through the gateway and directly, and how
much later each half second of speech comes through the gateway than directly.
"""

import json
import sys

import numpy as np
from pesq import pesq
from scipy.signal import correlate, resample_poly

RATE = 16_000
PIECE, WINDOW, LATEST = 8 * RATE, RATE // 2, RATE


def read(name):
    samples = np.fromfile(f"{sys.argv[1]}/{name}.raw", "<i2").astype(float)
    return resample_poly(samples, 1, 3)


def delay(said, heard, at, length):
    """By how many samples `heard` is behind a piece of `said`; and how much alike the two are."""
    piece = said[at : at + length]
    around = heard[at : at + length + LATEST]
    found = correlate(around, piece, mode="valid", method="fft")
    place = int(np.argmax(found))
    alike = found[place] / (np.linalg.norm(piece) * np.linalg.norm(around[place : place + length]) + 1e-9)
    return place, float(alike)


def scores(said, heard):
    found = []
    # The first seconds are those in which buffers find their length.
    for at in range(4 * RATE, len(said) - PIECE - LATEST, PIECE):
        place, _ = delay(said, heard, at, PIECE)
        clip = lambda samples: np.clip(samples, -32768, 32767).astype(np.int16)
        found.append(pesq(RATE, clip(said[at : at + PIECE]), clip(heard[at + place : at + place + PIECE]), "wb"))
    return found


def main():
    microphone, direct, gateway = read("microphone"), read("direct"), read("gateway")
    loud = np.sqrt(np.mean(microphone**2)) / 2
    added, through, around = [], [], []
    for at in range(4 * RATE, len(microphone) - WINDOW - LATEST, WINDOW // 2):
        if np.sqrt(np.mean(microphone[at : at + WINDOW] ** 2)) < loud:
            continue
        (late, alike), (own, own_alike) = delay(microphone, gateway, at, WINDOW), delay(microphone, direct, at, WINDOW)
        if min(alike, own_alike) < 0.6:
            continue
        through.append(late * 1_000 / RATE)
        around.append(own * 1_000 / RATE)
        added.append((late - own) * 1_000 / RATE)
    print(
        json.dumps(
            {
                "pesq": scores(microphone, gateway),
                "pesq_direct": scores(microphone, direct),
                "windows": len(added),
                "added_p50_ms": float(np.percentile(added, 50)) if added else None,
                "added_p95_ms": float(np.percentile(added, 95)) if added else None,
                "through_p50_ms": float(np.percentile(through, 50)) if added else None,
                "direct_p50_ms": float(np.percentile(around, 50)) if added else None,
            }
        )
    )


main()

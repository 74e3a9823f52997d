"""Prints one PESQ score a line: pesq_scores.py LIST

A line of LIST is: rate TAB what was said TAB what was heard; raw files of 16 bits, little endian. At 8,000 Hz the score is
that of narrow band (ITU-T P.862.1), at 16,000 Hz that of wide band (P.862.2). Two run at a time.
"""

import sys
from multiprocessing import Pool

import numpy as np
from pesq import pesq


def score(line):
    rate, said, heard = line.rstrip("\n").split("\t")
    said, heard = np.fromfile(said, "<i2"), np.fromfile(heard, "<i2")
    length = min(len(said), len(heard))
    return pesq(int(rate), said[:length], heard[:length], "nb" if int(rate) == 8000 else "wb")


if __name__ == "__main__":
    lines = open(sys.argv[1]).readlines()
    with Pool(2) as pool:
        for value in pool.imap(score, lines, chunksize=2):
            print(f"{value:.4f}", flush=True)

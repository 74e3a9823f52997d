"""Draws what `make quality` measured: plot.py FIGURES FOLDER

quality-loss.png: PESQ against loss, each voice and seed a dot, the median a line, the gates above which it must be.
quality-jitter.png: how long a gap was waited for, through jitter of ±100 ms and the calm after it.
"""

import json
import pathlib
import sys

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit(print("skipped: no plots, matplotlib is not installed (make quality does it)", file=sys.stderr))

CODECS = [("g711", "G.711, narrow band", "#1f6f8b"), ("g722", "G.722, wide band", "#99603d"), ("opus", "Opus 24 kbit/s, wide band", "#4c7a34")]
LOSSES = ["clean", "loss_5", "loss_10", "loss_20", "bursts_10"]
LABELS = ["0 %", "5 %", "10 %", "20 %", "10 % in\nbursts of 3"]


def loss(cells, path):
    figure, axes = plt.subplots(1, len(CODECS), figsize=(10, 3.4), sharey=True, layout="constrained")
    for axis, (codec, title, colour) in zip(axes, CODECS):
        found = [(x, cells[f"{codec}_{name}"]) for x, name in enumerate(LOSSES) if f"{codec}_{name}" in cells]
        for x, cell in found:
            axis.plot([x] * len(cell["scores"]), cell["scores"], "o", color=colour, alpha=0.25, markersize=3)
            if cell["gate"]:
                axis.plot([x - 0.3, x + 0.3], [cell["gate"]] * 2, color="#b03030", linewidth=1.2)
        in_order = [(x, cell["median"]) for x, cell in found if x < 4]
        axis.plot(*zip(*in_order), color=colour, linewidth=1.5)
        axis.plot(*zip(*[(x, cell["median"]) for x, cell in found]), "D", color=colour, markersize=5)
        axis.set_title(title, fontsize=10)
        axis.set_xticks(range(len(LOSSES)), LABELS, fontsize=8)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("PESQ (median of voices and seeds; red: gate)", fontsize=8)
    figure.supxlabel("packets of 20 ms lost", fontsize=9)
    figure.savefig(path, dpi=90)


def jitter(waits, path):
    figure, axis = plt.subplots(figsize=(10, 2.6), layout="constrained")
    seconds, millis = zip(*waits)
    end = max(seconds) * 2 / 3
    axis.axvspan(0, end, color="#b03030", alpha=0.08)
    axis.text(end / 2, 8, "jitter of ±100 ms, every packet by itself", ha="center", fontsize=8)
    axis.axhline(60, color="#b03030", linewidth=1)
    axis.plot(seconds, millis, color="#1f6f8b", linewidth=1.2, drawstyle="steps-post")
    axis.set_ylim(0, 170)
    axis.set_ylabel("gap wait, ms", fontsize=9)
    axis.set_xlabel("seconds", fontsize=9)
    axis.grid(alpha=0.3)
    figure.savefig(path, dpi=90)


def main():
    plotted, folder = json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])
    loss({cell["name"]: cell for cell in plotted["cells"]}, folder / "quality-loss.png")
    jitter(plotted["waits"], folder / "quality-jitter.png")


main()

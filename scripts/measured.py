#!/usr/bin/env python3
"""Writes docs/measured.md from the figures that the last measurements saved in target/measured/*.json.

A file holds: title, command, date, machine, commit, figures [{what, value, gate?, passed?, at_least?}].
A gate is an upper limit unless `at_least` is true. Nothing is written by hand. A section of the page whose measurement was not repeated
here stays as it was, under the date and the machine of its own.
"""

import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "measured.md"
# What every run of the fuzz targets did so far.
FUZZED = ROOT / "docs" / "fuzzed.json"


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def row(figure):
    gate, passed = figure.get("gate"), figure.get("passed")
    limit = "" if gate is None else f"{'≥' if figure.get('at_least') else '≤'} {shown(gate)}"
    verdict = {True: "reached", False: "**short**", None: "recorded"}[passed]
    return f"| {figure['what']} | {shown(figure['value'])} | {limit} | {verdict} |"


def section(path):
    saved = json.loads(path.read_text())
    lines = [
        f"## {saved['title']}",
        "",
        f"`{saved['command']}` on {saved['date']}, commit {saved['commit'] or 'unknown'}: {saved['machine']}.",
        "",
        "| figure | measured | gate | verdict |",
        "| --- | ---: | ---: | --- |",
    ]
    return lines + [row(figure) for figure in saved["figures"]] + [""] + plots(path)


def kept():
    """The sections that the page has, by their title lines."""
    parts = PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []
    titled = (part.partition("\n") for part in parts)
    return {f"## {title}": text.strip() for title, _, text in titled}


def plots(path):
    """The plots that were drawn beside the figures, copied beside the page."""
    found = sorted(path.parent.glob(f"{path.stem}-*.png"))
    for plot in found:
        shutil.copy(plot, PAGE.parent / plot.name)
    return [f"![{plot.stem.replace('-', ' ')}]({plot.name})\n" for plot in found]


def result(name):
    """The one line that a measurement ends with, for one that runs as a test and cannot print it last."""
    figures = json.loads((ROOT / "target" / "measured" / f"{name}.json").read_text())["figures"]
    print(f"RESULT {name}", *(f"{figure['name']}={figure['value']:.5g}" for figure in figures))


def fuzz(name, runs, seconds, cpu_seconds=None):
    """Adds what fuzzing did with a target to what it did before. It comes here only without a finding.

    On a busy machine the CPU's seconds are fewer than those that went by, and the rate is of the CPU's."""
    name, totals = name.removeprefix("./"), fuzzed()
    total = totals.setdefault(name, {"executions": 0, "seconds": 0})
    total["executions"] += int(runs)
    total["seconds"] += int(seconds)
    total.pop("a_second_last", None)
    if cpu_seconds:
        total["cpu_seconds"] = total.get("cpu_seconds", 0) + int(cpu_seconds)
        total["a_cpu_second_last"] = round(int(runs) / max(int(cpu_seconds), 1))
    else:
        total["a_second_last"] = round(int(runs) / int(seconds))
    FUZZED.write_text(json.dumps(dict(sorted(totals.items())), indent=2) + "\n")
    figures = []
    for name, total in sorted(totals.items()):
        last = f"; {shown(total['a_second_last'])} a second the last time" if "a_second_last" in total else ""
        if "a_cpu_second_last" in total:
            last = f"; {shown(total['a_cpu_second_last'])} a second of CPU the last time"
        what = f"`{name}`, executions without a finding in {shown(total['seconds'] / 60)} min{last}"
        figures.append({"name": name.replace("/", "_"), "what": what, "value": total["executions"]})
    save("fuzz", "Fuzzing, all runs of the project together", "make fuzz", figures)


def fuzzed():
    """What every run of each target did so far, by its name."""
    return json.loads(FUZZED.read_text()) if FUZZED.exists() else {}


def dtmf(log):
    """Saves what the tests of keys printed: under loss, and in speech."""
    said = {}
    for line in pathlib.Path(log).read_text().splitlines():
        if "RESULT dtmf_" in line:
            words = line[line.index("RESULT") :].replace(" of=", " of_keys=").split()[1:]
            said.update(word.split("=", 1) for word in words)
    once, keys = int(said["dtmf_keys_once_and_only_once"]), int(said["of_keys"])
    full = "dtmf_talk_off_varied_keys" in said
    false_keys = int(said["dtmf_talk_off_varied_keys" if full else "dtmf_talk_off_keys"])
    minutes = float(said["of_minutes"])
    percent = 100 * once / keys
    figures = [
        {"name": "dtmf_once_percent", "what": f"Keys told once and only once under 20 % loss, of {keys:,}, in per cent", "value": percent, "gate": 99.9, "at_least": True, "passed": percent >= 99.9},
        {"name": "dtmf_false_keys", "what": "Keys heard in speech", "value": false_keys, "gate": 0, "passed": false_keys == 0},
        {"name": "dtmf_speech_min", "what": "Minutes of speech that were listened to", "value": minutes, "gate": 30, "at_least": True, "passed": minutes >= 30},
    ]
    save("dtmf", "Keys", "make dtmf", figures)
    result("dtmf")


def histories(log):
    """Saves what the random histories printed, which stand in the log only when all of them kept to their invariants."""
    figures = []
    for line in pathlib.Path(log).read_text().splitlines():
        if "RESULT histories_" in line:
            name, *said = line[line.index("RESULT") :].split()[1:]
            said = dict(word.split("=", 1) for word in said)
            name = name.removeprefix("histories_")
            what = HISTORIES[name] + (f" ({said['seconds']} s)" if "seconds" in said else "")
            figures.append({"name": name, "what": what, "value": int(said["count"])})
    if len(figures) < len(HISTORIES):
        sys.exit("histories: not all of them ended well")
    save("histories", "Random histories, none with a finding", "make histories", figures)
    result("histories")


# What is drawn at random, by the name under which its test tells it.
HISTORIES = {
    "ingress": "Packet histories in which the books of ingress balance and its timeline keeps to RTP's",
    "egress": "Egress histories in which every sample is a model's",
    "egress_resampled": "Egress histories with resampling in which every sample is accounted for",
    "playout": "Playout histories in which books, bounds and clock hold",
    "ordered": "Packets in order that went on at once and byte for byte",
    "replayed": "Replayed SRTP packets refused",
}


def save(name, title, command, figures):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    saved = {
        "title": title,
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}",
        "commit": commit,
        "figures": figures,
    }
    folder = ROOT / "target" / "measured"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(saved, indent=2) + "\n")


def main():
    files = sorted((ROOT / "target" / "measured").glob("*.json"))
    if not files:
        sys.exit("measured: nothing saved yet; run make bench-call, bench-pacer or quality first")
    lines = [
        "# Measured",
        "",
        "Made by `make measured` from what the measurements saved; each section names its command. CPU is user and system time",
        "of the gateway's process alone, per second of one call, both directions; the load has its own process on the same cores.",
        "",
    ]
    sections = kept()
    for path in files:
        title, *rest = section(path)
        sections[title] = "\n".join(rest).strip()
    for title, text in sorted(sections.items()):
        lines += [title, "", text, ""]
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
    print(f"measured: {PAGE.relative_to(ROOT)} from {len(files)} file(s)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--result"]:
        result(sys.argv[2])
    elif sys.argv[1:2] == ["--fuzz"]:
        fuzz(*sys.argv[2:6])
    elif sys.argv[1:2] == ["--fuzzed"]:
        print(fuzzed().get(sys.argv[2].removeprefix("./"), {}).get("seconds", 0))
    elif sys.argv[1:2] == ["--histories"]:
        histories(sys.argv[2])
    elif sys.argv[1:2] == ["--dtmf"]:
        dtmf(sys.argv[2])
    else:
        main()

#!/usr/bin/env python3
"""Changes the code that decides who may do what in 100 places, one at a time, and counts whether a test notices.

All changes are compiled into one test program, each behind `AURICLE_MUTANT=number`, so that they cost one build. A change
is what such a mistake would look like: a comparison turned round, `and` for `or`, a `not` forgotten, a condition of a match
that always or never holds, a function that does nothing and says that all is well.

Works on a copy of the tree in target/mutants. What is known of a change is kept in target/mutants/outcomes.json until the file
that it is in changes, so that a run goes on where the last one ended: `make mutants MINUTES=20`, again and again, comes to the
same as one long run. A program that was built is used again while nothing has changed. Writes target/measured/mutants.json, and
target/mutants/missed.txt with the place of each that no test noticed.
Usage: mutants.py [--sample N] [--seed N] [--minutes N] [--fresh]
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import tree_sitter_rust
from tree_sitter import Language, Parser

import measured

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target" / "mutants"
COPY = FOLDER / "tree"
OUTCOMES = FOLDER / "outcomes.json"
PROGRAM = FOLDER / "program.json"
# Authentication, permission and the tenant wall.
MUTATED = [
    "src/api/auth", "src/api/shell/gate.rs", "src/domain/access.rs", "src/identity", "src/store/api_keys.rs", "src/store/calls.rs",
    "src/store/credentials.rs", "src/store/documents.rs", "src/store/logins.rs", "src/store/one_time_codes.rs",
    "src/store/organisations.rs", "src/store/patients.rs", "src/store/sealed", "src/store/sessions.rs", "src/store/sqlite/statement.rs",
    "src/store/users.rs", "src/store/versioned.rs",
]
TESTS = ["identity::", "api::", "store::", "domain::", "audit::"]
# What takes long and looks at nothing of this.
SKIPPED = ["store::mongo", "store::timed", "hundred_thousand", "injection", "ends_anywhere",
           # What it compares holds the version, which is another here.
           "the_document_in_the_repository"]
SWITCH = """
/// Whether the mutant of this number is asked for.
pub(crate) fn mutated(number: u32) -> bool {
    static ASKED: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ASKED.get_or_init(|| std::env::var("AURICLE_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)) == number
}
"""
OPERATORS = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "&&": "||", "||": "&&"}
RESULTS = {
    "bool": ["true", "false"],
    "": ["()"],
    "usize": ["0", "1"], "u64": ["0", "1"], "u32": ["0", "1"],
    "String": ["String::new()"],
}


class Mutant:
    def __init__(self, path, node, what, edits):
        self.path, self.what, self.edits = path, what, edits
        self.line, self.start, self.end = node.start_point[0] + 1, node.start_byte, node.end_byte

    def key(self):
        """Names it until its file changes."""
        text = hashlib.sha256((ROOT / self.path).read_bytes()).hexdigest()[:12]
        return f"{self.path}@{text}:{self.line}:{self.start}: {self.what}"

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


def results_of(kind):
    """What a function of this type might say without doing anything."""
    kind = re.sub(r"\s+", " ", kind)
    if kind in RESULTS:
        return RESULTS[kind]
    if kind.startswith("Option<"):
        return ["None"]
    if kind.startswith("Vec<"):
        return ["Vec::new()"]
    found = re.fullmatch(r"Result<(.*), [^,<>]+>", kind)
    if found:
        inner = found.group(1)
        return [f"Ok({result})" for result in (["()"] if inner == "()" else results_of(inner) if inner else [])]
    return []


def mutants_of(path, source):
    tree = Parser(Language(tree_sitter_rust.language())).parse(source)
    found = []
    text = lambda node: source[node.start_byte:node.end_byte].decode()

    def wrapped(node, changed):
        return [(node.start_byte, node.end_byte, lambda number, node=node, changed=changed:
                 f"(if crate::mutated({number}) {{ {changed} }} else {{ {text(node)} }})")]

    def visit(node, within_test):
        if node.type == "const_item" or node.type == "static_item" or node.type == "macro_definition":
            return
        if node.type == "mod_item" and text(node).startswith(("mod tests", "mod test")):
            return
        if node.type == "function_item":
            modifiers = next((text(child) for child in node.children if child.type == "function_modifiers"), "")
            if "const" in modifiers:
                return
            kind = node.child_by_field_name("return_type")
            body, name = node.child_by_field_name("body"), text(node.child_by_field_name("name"))
            for result in results_of(text(kind) if kind else ""):
                at = body.start_byte + 1
                edit = (at, at, lambda number, result=result: f" if crate::mutated({number}) {{ return {result}; }} ")
                found.append(Mutant(path, node, f"{name} says {result}", [edit]))
        if node.type == "binary_expression" and not any("let_" in child.type for child in node.children):
            operator = text(node.child_by_field_name("operator"))
            left, right = text(node.child_by_field_name("left")), text(node.child_by_field_name("right"))
            if operator in OPERATORS and "let " not in left + right and "?" not in left + right and "await" not in left + right:
                changed = f"{left} {OPERATORS[operator]} {right}"
                found.append(Mutant(path, node, f"{OPERATORS[operator]} for {operator} in `{text(node)[:60]}`", wrapped(node, changed)))
        if node.type == "unary_expression" and text(node).startswith("!") and "await" not in text(node) and "?" not in text(node):
            found.append(Mutant(path, node, f"no `!` in `{text(node)[:60]}`", wrapped(node, text(node)[1:])))
        if node.type == "match_pattern" and node.child_by_field_name("condition") is not None:
            guard = node.child_by_field_name("condition")
            if "let" not in guard.type:
                for value in ("true", "false"):
                    found.append(Mutant(path, guard, f"{value} for the guard `{text(guard)[:60]}`", wrapped(guard, value)))
        for child in node.children:
            visit(child, within_test)

    visit(tree.root_node, False)
    return found


def woven(source, mutants):
    edits = [(start, end, change(number)) for number, mutant in mutants for start, end, change in mutant.edits]
    for start, end, change in sorted(edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
        source = source[:start] + change.encode() + source[end:]
    return source


def sample(count, seed):
    every = []
    for place in MUTATED:
        files = [ROOT / place] if place.endswith(".rs") else sorted((ROOT / place).rglob("*.rs"))
        for file in files:
            if "tests" not in file.relative_to(ROOT).parts and file.name != "tests.rs":
                every += mutants_of(str(file.relative_to(ROOT)), file.read_bytes())
    random.Random(seed).shuffle(every)
    chosen = []
    for mutant in every:
        spans = [(start, end) for start, end, _ in mutant.edits]
        clash = any(other.path == mutant.path and start < other_end and other_start < end and end > start
                    for other in chosen for other_start, other_end, _ in other.edits for start, end in spans)
        if not clash:
            chosen.append(mutant)
    return chosen, len(every), count


def cargo(*arguments):
    # The same folder for what is built, so that only our own packages are built anew.
    environment = dict(os.environ, CARGO_TARGET_DIR=str(ROOT / "target"))
    return subprocess.run(["cargo", *arguments, "--lib", "--message-format", "json"], cwd=COPY, env=environment, capture_output=True, text=True)


def built(chosen, wanted, kept):
    """The mutants in the program by their numbers, and the program: the one that was built last, where it still is of this tree."""
    state = tree_state() + "".join(mutant.key() for mutant in chosen[:wanted * 2])
    state = hashlib.sha256(state.encode()).hexdigest()
    last = json.loads(PROGRAM.read_text()) if PROGRAM.is_file() else {}
    if last.get("state") == state and last.get("wanted") == wanted and pathlib.Path(last["program"]).is_file():
        by_key = {mutant.key(): mutant for mutant in chosen}
        return [(number, by_key[key]) for number, key in last["numbered"]], last["program"]
    numbered, program = build(chosen, wanted, kept)
    numbers = [(number, mutant.key()) for number, mutant in numbered]
    # The program of the next build takes the same name.
    own = FOLDER / "program"
    shutil.copy2(program, own)
    PROGRAM.write_text(json.dumps({"state": state, "wanted": wanted, "program": str(own), "numbered": numbers}))
    return numbered, str(own)


def tree_state():
    """Changes when anything does that the program is built of."""
    names = subprocess.run(["git", "ls-files", "src", "sip", "media", "Cargo.toml", "Cargo.lock"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = (ROOT / name for name in names.stdout.splitlines())
    return "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file())


def build(chosen, wanted, kept):
    """Weaves as many as are wanted; those that do not compile are replaced by the next, now and in later runs."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    # Another version, or what is built of the copy would be taken for fresh where the tree itself is built next.
    manifest = COPY / "Cargo.toml"
    manifest.write_text(re.sub(r'^version = "([^"+]+)"', r'version = "\1+mutants"', manifest.read_text(), count=1, flags=re.M))
    library = COPY / "src" / "lib.rs"
    library.write_text(library.read_text() + SWITCH)
    bad = {mutant for mutant in chosen if kept.get(mutant.key(), {}).get("outcome") == "does not compile"}
    while True:
        numbered = list(enumerate((mutant for mutant in chosen if mutant not in bad), 1))[:wanted]
        for path in {mutant.path for mutant in chosen}:
            own = [(number, mutant) for number, mutant in numbered if mutant.path == path]
            (COPY / path).write_bytes(woven((ROOT / path).read_bytes(), own))
        run = cargo("check", "--tests")
        if run.returncode == 0:
            break
        messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        errors = [message["message"] for message in messages if message.get("reason") == "compiler-message" and message["message"]["level"] == "error"]
        before = len(bad)
        for error in errors:
            for span in error["spans"]:
                lines = (COPY / span["file_name"]).read_text().splitlines() if (COPY / span["file_name"]).is_file() else []
                near = "\n".join(lines[max(0, span["line_start"] - 1):span["line_end"]])
                numbers = {int(number) for number in re.findall(r"mutated\((\d+)\)", near)}
                bad |= {mutant for number, mutant in numbered if number in numbers}
        if len(bad) == before:
            raise SystemExit("\n".join(error["rendered"] for error in errors) or run.stderr)
        keep(kept, {mutant.key(): {"outcome": "does not compile"} for mutant in bad})
        print(f"{len(bad)} do not compile", flush=True)
    run = cargo("test", "--no-run")
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    messages = (json.loads(line) for line in run.stdout.splitlines() if line.startswith("{"))
    program = next(message["executable"] for message in messages if message.get("executable") and message.get("profile", {}).get("test"))
    return numbered, program


def keep(kept, new):
    """Writes down what is known, whole or not at all."""
    kept.update(new)
    fresh = OUTCOMES.with_suffix(".new")
    fresh.write_text(json.dumps(kept, indent=1, sort_keys=True))
    fresh.replace(OUTCOMES)


def notices(program, number, filters, limit):
    """The first test that fails; none when all pass."""
    skipped = [word for skip in SKIPPED for word in ("--skip", skip)]
    environment = dict(os.environ, AURICLE_MUTANT=str(number), RUST_BACKTRACE="0")
    try:
        command = [program, "--test-threads", "2", *filters, *skipped]
        run = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, errors="replace", timeout=limit)
    except subprocess.TimeoutExpired:
        return "(no end)"
    if run.returncode == 0:
        return None
    failed = re.search(r"^test (\S+) .*FAILED$", run.stdout, re.MULTILINE)
    return failed.group(1) if failed else f"(status {run.returncode})"


def judge(program, number, mutant, limit):
    own = next((name for name in TESTS if mutant.path.startswith("src/" + name.removesuffix("::"))), TESTS[0])
    return notices(program, number, [own], limit) or notices(program, number, [name for name in TESTS if name != own], limit)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sample", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--minutes", type=float, default=60, help="how long changes are tried; the build comes before")
    arguments.add_argument("--fresh", action="store_true", help="forgets what earlier runs found")
    options = arguments.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.fresh:
        OUTCOMES.unlink(missing_ok=True)
    kept = json.loads(OUTCOMES.read_text()) if OUTCOMES.is_file() else {}
    chosen, every, count = sample(options.sample, options.seed)
    numbered, program = built(chosen, count, kept)
    # What no test noticed is tried again once there are other tests.
    tree = hashlib.sha256(tree_state().encode()).hexdigest()[:12]
    known = lambda found: found.get("outcome") == "noticed" or (found.get("outcome"), found.get("tree")) == ("missed", tree)
    left = [(number, mutant) for number, mutant in numbered if not known(kept.get(mutant.key(), {}))]
    print(f"{len(numbered)} changes of {every} that there could be; {len(left)} are to be tried", flush=True)
    begun = time.monotonic()
    if left:
        failed = notices(program, 0, TESTS, 900)
        if failed:
            raise SystemExit(f"the tests fail without any change: {failed}")
    limit = 60 + 5 * (time.monotonic() - begun)
    for number, mutant in left:
        if time.monotonic() - begun > options.minutes * 60:
            print("the time is over; the next run goes on from here", flush=True)
            break
        by = judge(program, number, mutant, limit)
        keep(kept, {mutant.key(): {"outcome": "noticed" if by else "missed", "by": by, "tree": tree}})
        print("noticed" if by else "MISSED ", mutant, f"({by})" if by else "", flush=True)
    raise SystemExit(report(kept, numbered, every, options.sample))


def report(kept, numbered, every, wanted):
    """Figures of all runs together; 0 when they are as they should be."""
    outcomes = [(kept.get(mutant.key(), {}).get("outcome"), mutant) for _, mutant in numbered]
    missed = [str(mutant) for outcome, mutant in outcomes if outcome == "missed"]
    noticed = sum(outcome == "noticed" for outcome, _ in outcomes)
    tried = noticed + len(missed)
    (FOLDER / "missed.txt").write_text("".join(f"{place}\n" for place in missed))
    share = noticed * 100 / max(1, tried)
    figures = [
        {"name": "tried", "what": f"changes tried, of {every} that there could be", "value": tried, "gate": wanted, "at_least": True, "passed": tried >= wanted},
        {"name": "noticed_percent", "what": "noticed by a test, %", "value": share, "gate": 85, "at_least": True, "passed": share >= 85},
    ]
    measured.save("mutants", "Mistakes that tests notice: authentication and tenancy", "make mutants", figures)
    print(f"RESULT mutants tried={tried} noticed={noticed} noticed_percent={share:.1f}")
    return 0 if all(figure["passed"] for figure in figures) else 1


if __name__ == "__main__":
    main()

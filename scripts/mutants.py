#!/usr/bin/env python3
"""Changes the code that decides who may do what in 100 places, one at a time, and counts whether a test notices.

All changes are compiled into one test program, each behind `AURICLE_MUTANT=number`, so that they cost one build. A change
is what such a mistake would look like: a comparison turned round, `and` for `or`, a `not` forgotten, a condition of a match
that always or never holds, a function that does nothing and says that all is well.

Works on a copy of the tree in target/mutants. Writes target/measured/mutants.json, and target/mutants/outcomes.txt with the
place of each that no test noticed. Usage: mutants.py [--sample N] [--seed N] [--minutes N]
"""

import argparse
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
COPY = ROOT / "target" / "mutants" / "tree"
# Authentication, permission and the tenant wall.
MUTATED = [
    "src/api/auth", "src/api/shell/gate.rs", "src/domain/access.rs", "src/identity", "src/store/api_keys.rs", "src/store/calls.rs",
    "src/store/credentials.rs", "src/store/documents.rs", "src/store/logins.rs", "src/store/one_time_codes.rs",
    "src/store/organisations.rs", "src/store/patients.rs", "src/store/sealed", "src/store/sessions.rs", "src/store/sqlite/statement.rs",
    "src/store/users.rs", "src/store/versioned.rs",
]
TESTS = ["identity::", "api::", "store::", "domain::", "audit::"]
# What takes long and looks at nothing of this.
SKIPPED = ["store::mongo", "store::timed", "hundred_thousand", "injection", "ends_anywhere"]
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


def build(chosen, wanted):
    """Weaves as many as are wanted; those that do not compile are replaced by the next."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    library = COPY / "src" / "lib.rs"
    library.write_text(library.read_text() + SWITCH)
    bad = set()
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
        print(f"{len(bad)} do not compile", flush=True)
    run = cargo("test", "--no-run")
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    messages = (json.loads(line) for line in run.stdout.splitlines() if line.startswith("{"))
    program = next(message["executable"] for message in messages if message.get("executable") and message.get("profile", {}).get("test"))
    return numbered, program


def notices(program, number, filters, limit):
    skipped = [word for skip in SKIPPED for word in ("--skip", skip)]
    environment = dict(os.environ, AURICLE_MUTANT=str(number), RUST_BACKTRACE="0")
    try:
        run = subprocess.run([program, "--test-threads", "2", *filters, *skipped], cwd=COPY, env=environment, capture_output=True, timeout=limit)
        return run.returncode != 0
    except subprocess.TimeoutExpired:
        return True


def judge(program, number, mutant, limit):
    own = next((name for name in TESTS if mutant.path.startswith("src/" + name.removesuffix("::"))), TESTS[0])
    return notices(program, number, [own], limit) or notices(program, number, [name for name in TESTS if name != own], limit)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sample", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--minutes", type=float, default=60)
    options = arguments.parse_args()
    chosen, every, count = sample(options.sample, options.seed)
    numbered, program = build(chosen, count)
    begun = time.monotonic()
    if notices(program, 0, TESTS, 600):
        raise SystemExit("the tests fail without any change")
    limit = 60 + 5 * (time.monotonic() - begun)
    outcomes = []
    for number, mutant in numbered:
        if time.monotonic() - begun > options.minutes * 60:
            break
        noticed = judge(program, number, mutant, limit)
        outcomes.append((noticed, mutant))
        print("noticed" if noticed else "MISSED ", mutant, flush=True)
    missed = [str(mutant) for noticed, mutant in outcomes if not noticed]
    (ROOT / "target" / "mutants" / "outcomes.txt").write_text("\n".join(missed) + "\n")
    noticed = len(outcomes) - len(missed)
    share = noticed * 100 / max(1, len(outcomes))
    figures = [
        {"name": "tried", "what": f"changes tried, of {every} that there could be", "value": len(outcomes), "gate": options.sample, "at_least": True, "passed": len(outcomes) >= options.sample},
        {"name": "noticed_percent", "what": "noticed by a test, %", "value": share, "gate": 85, "at_least": True, "passed": share >= 85},
    ]
    measured.save("mutants", "Mistakes that tests notice: authentication and tenancy", "make mutants", figures)
    print(f"RESULT mutants tried={len(outcomes)} noticed={noticed} noticed_percent={share:.1f}")
    raise SystemExit(0 if all(figure["passed"] for figure in figures) else 1)


if __name__ == "__main__":
    main()

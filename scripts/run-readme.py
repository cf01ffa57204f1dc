#!/usr/bin/python3
"""run-readme.py [FILE ... [--tree DIR]] - run everything the documents show, in order, as a reader would.

Without a FILE: README.md, then docs/*.md.  The blocks run in a fresh copy of the tree (what git would
clone plus files not yet committed; without git, everything but what the build makes), each from the
copy's root.  Files share the copy, so what the first one built is there for the next, but not sessions:

  sh       by bash -e
  sql      by the sqlite3 shell.  Blocks with the same db=FILE share one session, kept open to the end;
           without db= the session is one on a database in memory.  Nothing is loaded that the README
           does not load.
  c        compiled against include/ and libbarsvt.a, then run
  python   by /usr/bin/python3
  text     what the runnable block above it must print, compared after trimming; a line ... stands for
           any lines.  Without such a block, only failing counts.  It must stand directly below.
  any language with file=NAME   written to NAME, not run; a later sh, sql, c or python block must name it
  no language                   a drawing; runs nothing, so it may not look like a command

Attributes stand on the fence line after the language: db=FILE, file=NAME, skip-if=COMMAND (the block and
its text are skipped when the command succeeds).  There is no attribute for "do not run".  One exception:
a line that is exactly `scripts/test.sh` or `make test` is not run, because it is what runs this program.

Ends with "total: P passed, F failed, S skipped", one test per block run.
"""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

LIMIT = 900  # seconds for one block
RUNNABLE = ("sh", "sql", "c", "python")
BUILT = {"build", "quickstart", ".git", "libbarsvt.so", "libbarsvt.a", "backtest"}
SELF_LINES = {"scripts/test.sh", "make test"}
SHELL_ERROR = re.compile(r"^(Parse error|Runtime error|Error)\b", re.M)
END_MARK = "--- end of block ---"


class BadReadme(Exception):
    """A document's form breaks the rules above."""


class Block:
    def __init__(self, line, language, attributes):
        self.line, self.language, self.attributes = line, language, attributes
        self.body = ""
        self.expected = None


def read_attributes(words, line):
    attributes = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in ("db", "file", "skip-if"):
            raise BadReadme(f"line {line}: unknown fence attribute {word!r}")
        attributes[key] = value
    return attributes


def read_blocks(text):
    """The runnable and file blocks, each with its expected text."""
    blocks, current, adjacent, above = [], None, None, ""
    for number, line in enumerate(text.splitlines(), 1):
        if current is None:
            if line.startswith("```"):
                words = shlex.split(line[3:])
                language = words[0] if words else ""
                current = Block(number, language, read_attributes(words[1:], number))
                lines = []
            elif line.lstrip().startswith(("```", "~~~")) or (line.startswith("    ") and not above.strip()):
                raise BadReadme(f"line {number}: code that is not run: use a fence of ``` at the line's start")
            elif line.strip():
                adjacent = None
            above = line
        elif line.strip() == "```":
            current.body = "\n".join(lines) + "\n"
            adjacent = place(current, blocks, adjacent)
            current, above = None, ""
        else:
            lines.append(line)
    if current is not None:
        raise BadReadme(f"line {current.line}: block is not closed")
    check_files_used(blocks)
    return blocks


def place(block, blocks, adjacent):
    """Put a finished block where it belongs; returns the block that a following text belongs to."""
    if "file" in block.attributes:
        blocks.append(block)
        return None
    if block.language in RUNNABLE:
        last = block.body.rstrip().splitlines()[-1:] or [""]
        if block.language == "sql" and not re.search(r"(^\.)|;\s*(--.*)?$", last[0]):
            raise BadReadme(f"line {block.line}: the last statement lacks its semicolon")
        blocks.append(block)
        return block
    if block.language == "text":
        if adjacent is None:
            raise BadReadme(f"line {block.line}: a text block must stand directly below what prints it")
        adjacent.expected = block.body
        return None
    if block.language == "":
        if re.search(r"^\s*(\$ |#!|\.load|SELECT |make |scripts/|\./)", block.body, re.M):
            raise BadReadme(f"line {block.line}: looks like a command: give it its language")
        return None
    raise BadReadme(f"line {block.line}: a {block.language} block is neither run nor written to a file")


def check_files_used(blocks):
    for at, block in enumerate(blocks):
        name = block.attributes.get("file")
        if name and not any(name in later.body for later in blocks[at + 1 :]):
            raise BadReadme(f"line {block.line}: nothing below uses {name}")


def comparable(text):
    """Trimmed lines; the line of a session at which the shell met an error means nothing to a reader."""
    return [re.sub(r"^(Parse|Runtime) error near line \d+:", r"\1 error:", line.strip())
            for line in text.strip().splitlines()]


def matches(expected, actual):
    """Equal line by line after trimming; an expected line ... takes any number of lines."""
    want, got = comparable(expected), comparable(actual)
    reachable = {0}  # how many lines of got the lines of want so far can have taken
    for line in want:
        if line == "...":
            reachable = set(range(min(reachable), len(got) + 1)) if reachable else set()
        else:
            reachable = {n + 1 for n in reachable if n < len(got) and got[n] == line}
    return len(got) in reachable


def copy_tree(source, target):
    listed = subprocess.run(
        ["git", "-C", source, "ls-files", "-z", "-co", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
    ) if shutil.which("git") else None
    os.mkdir(target)
    if listed is None or listed.returncode != 0:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True,
                        ignore=lambda where, names: BUILT.intersection(names) if where == source else [])
        return
    for name in listed.stdout.decode().split("\0"):
        path = os.path.join(source, name)
        if name and os.path.isfile(path):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(path, os.path.join(target, name))


class Session:
    """One sqlite3 shell that stays open."""

    def __init__(self, database, where):
        self.process = subprocess.Popen(
            ["sqlite3", "-batch", "-init", os.devnull, database], cwd=where, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, text):
        """What the statements print; ok is False after an error or when the shell is gone."""
        try:
            self.process.stdin.write(f"{text.rstrip()}\n.print\n.print {END_MARK}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False, "the sqlite3 shell has ended"
        watchdog = threading.Timer(LIMIT, self.process.kill)
        watchdog.start()
        try:
            return self.read_block()
        finally:
            watchdog.cancel()

    def read_block(self):
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == END_MARK:
                output = "".join(lines)
                return SHELL_ERROR.search(output) is None, output
            lines.append(line)
        return False, "".join(lines) + f"(the shell ended with status {self.process.wait()})"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait()


class Runner:
    def __init__(self, where):
        self.where = where
        self.sessions = {}
        self.scratch = tempfile.mkdtemp(prefix="readme-c-")

    def command(self, words, stdin=None):
        done = subprocess.run(words, cwd=self.where, input=stdin, text=True, timeout=LIMIT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        status = "" if done.returncode == 0 else f"\n(exit status {done.returncode})"
        return done.returncode == 0, done.stdout + status

    def run(self, block):
        """(went well, output)"""
        if "file" in block.attributes:
            with open(os.path.join(self.where, block.attributes["file"]), "w", encoding="utf-8") as out:
                out.write(block.body)
            return True, ""
        return getattr(self, "run_" + block.language)(block)

    def run_sh(self, block):
        lines = [":" if line.strip() in SELF_LINES else line for line in block.body.splitlines()]
        path = os.path.join(self.scratch, "block.sh")
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        return self.command(["bash", "-e", path])

    def run_sql(self, block):
        database = block.attributes.get("db", ":memory:")
        if database not in self.sessions:
            self.sessions[database] = Session(database, self.where)
        ok, output = self.sessions[database].run(block.body)
        # An error message that the README shows is what was wanted.
        return ok or (block.expected is not None and SHELL_ERROR.search(block.expected) is not None), output

    def run_c(self, block):
        source = os.path.join(self.scratch, "block.c")
        with open(source, "w", encoding="utf-8") as out:
            out.write(block.body)
        program = os.path.join(self.scratch, "block")
        ok, output = self.command(
            ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-o", program, source,
             "libbarsvt.a", "-lsqlite3", "-lzstd", "-lz", "-lm", "-pthread"])
        return self.command([program]) if ok else (ok, output)

    def run_python(self, block):
        return self.command(["/usr/bin/python3", "-"], stdin=block.body)

    def close(self):
        for session in self.sessions.values():
            session.close()
        shutil.rmtree(self.scratch)


def skipped(block, where):
    condition = block.attributes.get("skip-if")
    return condition is not None and subprocess.run(
        ["bash", "-c", condition], cwd=where, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def indent(text):
    return "".join(f"      {line}\n" for line in text.splitlines())


def run_blocks(blocks, where, prefix):
    """Run all; print a line each; returns (passed, failed, skipped)."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    runner = Runner(where)
    for block in blocks:
        name = f"{prefix}line {block.line} ({block.language})"
        verdict, detail = "ok", ""
        if skipped(block, where):
            verdict = "skip"
        else:
            try:
                ok, output = runner.run(block)
            except subprocess.TimeoutExpired:
                ok, output = False, f"(over {LIMIT} s)"
            if not ok:
                verdict, detail = "FAIL", indent(output)
            elif block.expected is not None and not matches(block.expected, output):
                verdict = "FAIL"
                detail = "    expected\n" + indent(block.expected) + "    printed\n" + indent(output)
        counts[verdict] += 1
        print(f"{verdict:<5} {name}\n{detail}", end="", flush=True)
    runner.close()
    return counts["ok"], counts["FAIL"], counts["skip"]


def read_document(path):
    with open(path, encoding="utf-8") as text:
        blocks = read_blocks(text.read())
    if not any(block.language in RUNNABLE for block in blocks):
        raise BadReadme("shows no command")
    return blocks


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files, tree = sys.argv[1:], root
    if "--tree" in files:
        at = files.index("--tree")
        tree = files[at + 1]
        del files[at : at + 2]
    if not files:
        files = [os.path.join(root, "README.md"), *sorted(glob.glob(os.path.join(root, "docs", "*.md")))]
    os.environ["MAKEFLAGS"] = "-j2"
    passed = failed = skip = 0
    with tempfile.TemporaryDirectory(prefix="readme-") as directory:
        copy = os.path.join(directory, "libbarsvt")
        copy_tree(tree, copy)
        for file in files:
            shown = os.path.relpath(file, root) if os.path.isabs(file) else file
            try:
                counts = run_blocks(read_document(file), copy, f"{shown} " if len(files) > 1 else "")
            except (BadReadme, OSError) as problem:
                print(f"FAIL  {shown}: {problem}", flush=True)
                counts = 0, 1, 0
            passed, failed, skip = passed + counts[0], failed + counts[1], skip + counts[2]
    print(f"total: {passed} passed, {failed} failed, {skip} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

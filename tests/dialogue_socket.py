#!/usr/bin/python3
"""Plays tests/dialogues/*.dialogue against the program itself.

    tests/dialogue_socket.py [-j N] [PROGRAM] [FILE.dialogue ...]

For each file a scripted server listens on a loopback port, sendling submits
the file's message to it, and what it sends is compared octet by octet with
what the file says; so are its exit status and its words on stderr. Files
about a connection without TLS are played again over implicit TLS, and some of
them with the server writing single octets. TAP on stdout.

What the files can say is explained in tests/dialogues/README.
"""

import argparse
import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness
from smtpd import Server

MESSAGE = [
    "From: alice@example.com",
    "To: bob@example.org",
    "Date: Sun, 22 Nov 2026 12:00:00 +0000",
    "Message-ID: <1@example.com>",
    "Subject: hello",
    "",
    "Hello.",
]
OPTIONS = {"body": ["-B"], "notify": ["-N"], "ret": ["-R"], "envid": ["-V"],
           "wish": ["-O"], "all-or-none": ["--all-or-none"]}
SCHEMES = {"plain": "smtp+plain", "starttls": "smtp", "tls": "smtps",
           "lmtp": "lmtp"}
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\", "0": b"\0"}


class Fault(Exception):
    """The client did something else than the file says."""


def unescape(text):
    """The text with its escapes, as octets."""
    def octet(match):
        code = match[1].decode()
        return ESCAPES.get(code) or bytes([int(code[1:], 16)])
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\])", octet, text.encode())


class Dialogue:
    """One file: set-up, a list of acts, and the outcome.

    An act is ("say", [bytes, ...]), ("hear", bytes), or one of "TLS", "close",
    "silence" and "end" with None. Neighbours of one kind are joined: what the
    server says at once leaves in one segment, in TLS records of its own where
    there are several items."""

    def __init__(self, path):
        self.name = path.stem
        self.path = path.resolve()
        self.mails = 1
        self.security = "plain"
        self.config = []
        self.reverse_path = "alice@example.com"
        self.recipients = []
        self.options = []
        self.memory_only = self.plain_only = self.whole = False
        self.lines = []
        self.acts = []
        self.status = self.error = None
        self.fill = 0
        self.says = []
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate(text.split("\n"), 1):
            if line and not line.startswith("#"):
                self.read(line, f"{path}:{number}")
        self.complete()

    def read(self, line, where):
        word, _, rest = line.partition(" ")
        reader = self.READERS.get(word)
        if reader is None:
            raise SystemExit(f"{where}: what is {word!r}?")
        reader(self, rest)

    def read_option(self, rest):
        word, _, value = rest.partition(" ")
        self.options += OPTIONS[word] + ([value] if value else [])

    def read_fresh(self, rest):
        """What gives the token, and then another one."""
        word, token = self.config.pop(next(
            i for i, line in enumerate(self.config)
            if line.startswith("password "))).split(" ", 1)
        self.config.append(f"{word}-command if test $SENDLING_TOKEN_REFUSED; "
                           f"then echo {rest}; else echo {token}; fi")

    def add(self, kind, content=None):
        if content is not None and self.acts and self.acts[-1][0] == kind:
            content = self.acts.pop()[1] + content
        self.acts.append((kind, content))

    def say(self, content, apart=False, whole=False):
        """What the server says with what it said just before, in a record of
        its own where it is to be apart; in both cases not octet by octet."""
        self.whole |= whole or apart
        if self.acts and self.acts[-1][0] == "say" and not apart:
            self.acts[-1][1][-1] += content
        else:
            self.add("say", [content])

    READERS = {
        "security": lambda d, v: setattr(d, "security", v),
        "config": lambda d, v: d.config.append(v),
        "from": lambda d, v: setattr(d, "reverse_path", v),
        "to": lambda d, v: d.recipients.append(v),
        "mail": lambda d, v: setattr(d, "mails", d.mails + 1),
        "option": read_option,
        "memory-only": lambda d, v: setattr(d, "memory_only", True),
        "plain-only": lambda d, v: setattr(d, "plain_only", True),
        "|": lambda d, v: d.lines.append(v),
        "fill": lambda d, v: setattr(d, "fill", int(v)),
        "S:": lambda d, v: d.say(v.encode() + b"\r\n"),
        "S=": lambda d, v: d.say(unescape(v)),
        "S+": lambda d, v: d.say(v.encode() + b"\r\n", whole=True),
        "S+=": lambda d, v: d.say(unescape(v), whole=True),
        "S+~": lambda d, v: d.say(v.encode() + b"\r\n", True, True),
        "S~": lambda d, v: d.say(v.encode() + b"\r\n", apart=True),
        "S~=": lambda d, v: d.say(unescape(v), apart=True),
        "C:": lambda d, v: d.add("hear", v.encode() + b"\r\n"),
        "fresh": read_fresh,
        "TLS": lambda d, v: d.add("TLS"),
        "close": lambda d, v: d.add("close"),
        "silence": lambda d, v: d.add("silence"),
        "end": lambda d, v: d.add("end"),
        "status": lambda d, v: setattr(d, "status", int(v)),
        "error": lambda d, v: setattr(d, "error", v),
        "says": lambda d, v: d.says.append(v),
        "stderr": lambda d, v: d.says.append(v),
        "verdict": lambda d, v: None,
        "waits": lambda d, v: None,
        "far": lambda d, v: None,
        "S!": lambda d, v: None,
    }

    def complete(self):
        """Defaults, and what {size} and {data} stand for."""
        self.recipients = self.recipients or ["bob@example.org"]
        lines = [line.encode() for line in self.lines or MESSAGE]
        lines += [b"x" * 62] * self.fill
        self.message = b"".join(line + b"\r\n" for line in lines)
        stuffed = b"".join((b"." if line.startswith(b".") else b"")
                           + line + b"\r\n" for line in lines) + b".\r\n"
        size = str(len(self.message)).encode()
        part = re.compile(rb"\{message (\d+) (\d+)\}\r\n")
        for i, (kind, content) in enumerate(self.acts):
            if kind == "hear":
                content = content.replace(b"{size}", size)
                content = content.replace(b"{data}\r\n", stuffed)
                content = content.replace(b"{message}\r\n", self.message)
                content = part.sub(lambda m: self.message[
                    int(m.group(1)):int(m.group(2))], content)
                self.acts[i] = kind, content
        if self.acts[-1][0] not in ("close", "silence", "end"):
            self.acts.append(("end", None))
        self.silent = self.acts[-1][0] == "silence"


class Part:
    """The server's part in one play: for one connection."""

    def __init__(self, dialogue, implicit, single):
        self.dialogue = dialogue
        self.implicit = implicit
        self.single = single
        self.quit = False
        self.faults = ["it did not connect"]

    def play(self, server, sock):
        # Who loses this connection gets no other.
        server.stop_listening()
        self.server, self.sock = server, sock
        self.faults = []
        try:
            if self.implicit:
                self.secure()
            for kind, content in self.dialogue.acts:
                {"say": self.say, "hear": self.hear, "TLS": self.secure,
                 "close": self.close, "silence": self.end,
                 "end": self.end}[kind](content)
        except Fault as fault:
            self.faults += fault.args
        except OSError as error:
            self.faults.append(f"the server's connection failed: {error}")
        self.close()

    def close(self, _=None):
        self.sock.close()

    def secure(self, _=None):
        self.sock = self.server.context.wrap_socket(self.sock,
                                                    server_side=True)

    def say(self, content):
        if self.quit:
            # Nobody waits for this: the client may be gone.
            with contextlib.suppress(OSError):
                self.sock.sendall(b"".join(content))
            return
        if self.is_talking():
            raise Fault("it did not wait for the reply, but sent:",
                        *shown(self.receive()))
        # A client that is right to close may do so before the last octet.
        with contextlib.suppress(ConnectionError):
            for octet in b"".join(content) if self.single else ():
                self.sock.send(bytes([octet]))
            # Held back until all records are made.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            for record in content if not self.single else ():
                self.sock.sendall(record)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def is_talking(self):
        return getattr(self.sock, "pending", lambda: 0)() > 0 or \
            bool(select.select([self.sock], [], [], 0)[0])

    def receive(self):
        """What comes next; nothing at all when the client has closed."""
        try:
            return self.sock.recv(65536)
        except TimeoutError:
            raise Fault("it says nothing and does not close") from None
        except ConnectionResetError:
            return b""

    def hear(self, content):
        heard = b""
        while heard != content:
            chunk = self.receive()
            heard += chunk
            if not chunk or not content.startswith(heard):
                raise Fault(*difference(content, heard))
        self.quit = content.endswith(b"QUIT\r\n")

    def end(self, _=None):
        rest = self.receive()
        if rest:
            raise Fault("it should have closed, but sent:", *shown(rest))


def shown(content):
    """Lines for people, line ends visible where they are odd."""
    return [line[:-2].decode("utf-8", "backslashreplace")
            if line.endswith(b"\r\n") and line.isascii() else repr(line)
            for line in content.splitlines(keepends=True)]


def difference(wanted, heard):
    """The first lines in which the two differ."""
    wanted, heard = shown(wanted), shown(heard)
    same = 0
    while same < min(len(wanted), len(heard)) and \
            wanted[same] == heard[same]:
        same += 1
    return ([f"line {same + 1} of its turn should be:"] + wanted[same:][:3]
            + ["but is:"] + (heard[same:][:3] or ["(it closed)"]))


class Play:
    """One file, played once over one kind of connection."""

    def __init__(self, dialogue, security, single=False):
        self.dialogue = dialogue
        self.security = security
        self.single = single
        self.title = f"{dialogue.name} ({security}" + (
            ", single octets)" if single else ")")

    def config(self, server):
        return "\n".join([
            "smarthost " + server.url(SCHEMES[self.security], "localhost"),
            "family ipv4", "helo client.example", "from-header no",
            f"tls-trust {server.trust}", "log off",
            *self.dialogue.config, ""])

    def command(self, program, server, folder, limit):
        d = self.dialogue
        if d.mails > 1:
            # Several mails at a time: the player takes the client's part.
            player = Path(program).parent / "tests" / "dialogue"
            url = server.url(SCHEMES[self.security], "localhost")
            return [player, "--connect", url, server.trust, d.path]
        config = harness.write_config(folder, self.config(server))
        deadline = ["--set", f"deadline={limit}s"] if d.silent else []
        return [program, "-C", config, "-f", d.reverse_path, *deadline,
                *d.options, "--", *d.recipients]

    def run(self, program, certificate):
        """Plays it; returns what is wrong, as lines."""
        for limit in harness.LIMITS if self.dialogue.silent else (None,):
            if not (faults := self.run_once(program, certificate, limit)):
                break
        return faults

    def run_once(self, program, certificate, limit):
        part = Part(self.dialogue, self.security == "tls", self.single)
        with tempfile.TemporaryDirectory() as folder, \
                Server(certificate, play=part.play) as server:
            command = self.command(program, server, folder, limit)
            return self.run_in(folder, server, part, command)

    def run_in(self, folder, server, part, command):
        message = Path(folder) / "message"
        message.write_bytes(self.dialogue.message)
        with open(message) as stdin, tempfile.TemporaryFile() as stdout, \
                tempfile.TemporaryFile() as stderr:
            client = subprocess.Popen(
                command, cwd=folder, env=ENVIRONMENT, stdin=stdin,
                stdout=stdout, stderr=stderr)
            try:
                client.wait(harness.WAIT)
            except subprocess.TimeoutExpired:
                part.faults.append("it does not end")
                client.kill()
                client.wait()
            server.settle()
            stdout.seek(0)
            stderr.seek(0)
            return self.judge(part.faults, client.returncode, stdout.read(),
                              stderr.read().decode("utf-8", "replace"))

    def judge(self, faults, status, stdout, stderr):
        d = self.dialogue
        if d.mails > 1:
            # The player has judged the outcome.
            if status != 0 or stderr:
                faults.append(f"the player: {status} {stderr}")
            return faults
        if status != d.status:
            faults.append(f"status {status} instead of {d.status}")
        if stdout or (d.status == 0 and stderr):
            faults.append("it should have been quiet")
        faults += [f"it does not say {words!r}" for words in d.says
                   if words not in stderr]
        if faults and stderr:
            faults += ["stderr:", *stderr.splitlines()]
        if faults and stdout:
            faults += ["stdout:", *shown(stdout)]
        return faults


# Nothing of ours reaches the program but what makes sanitizers speak up.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}


def plays(dialogues):
    """What is played: all over the connection they are about, those without
    TLS over implicit TLS too, and a third of those whose outcome does not
    hang on what one segment holds octet by octet."""
    for number, d in enumerate(dialogues):
        if d.memory_only:
            continue
        yield Play(d, d.security)
        if d.security == "plain" and not d.plain_only:
            yield Play(d, "tls")
        if d.error != "protocol" and not d.whole and number % 3 == 0:
            yield Play(d, d.security, single=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-j", type=int, default=8, metavar="N",
                        help="plays at a time")
    parser.add_argument("files", nargs="*", metavar="PROGRAM | FILE.dialogue")
    options = parser.parse_args()
    paths = [Path(f) for f in options.files if f.endswith(".dialogue")]
    programs = [f for f in options.files if not f.endswith(".dialogue")]
    program = os.path.abspath((programs or [harness.SENDLING])[0])
    if not os.access(program, os.X_OK):
        raise SystemExit(f"{program} is not there: run `make'")
    paths = paths or sorted((harness.TESTS / "dialogues").glob("*.dialogue"))
    dialogues = [Dialogue(path) for path in paths]
    tap = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        certificate = harness.make_certificates(folder)
        todo = list(plays(dialogues))
        with ThreadPoolExecutor(options.j) as pool:
            results = pool.map(lambda p: p.run(program, certificate), todo)
            for play, faults in zip(todo, results):
                tap.ok(not faults, play.title, *faults)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())

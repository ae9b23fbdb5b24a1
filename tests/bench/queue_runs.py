"""Queues side by side: how long a run over the mails that wait takes, for
sendling -qf, nullmailer's send run and msmtpq's flush.

All spools are on one ext4 of their own, where root may mount one; else in the
folder of the benchmark, on whatever is there."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import peers

PATIENCE = 300 # seconds, for those who take theirs
USER, PASSWORD, SENDER = peers.USER, peers.PASSWORD, peers.SENDER


@contextlib.contextmanager
def disk(folder):
    """A file system of its own to put spools on, and whether it is one."""
    place, image = folder / "spools", folder / "spools.img"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    mounted = False
    if os.geteuid() == 0 and shutil.which("mkfs.ext4"):
        with open(image, "wb") as file:
            file.truncate(1 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        mounted = subprocess.run(["mount", "-o", "loop", image, place],
                                 stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield place, mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", place], check=True)
        image.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)


class Arrivals:
    """Counts what a sink takes, connection by connection, while others run."""

    def __init__(self, sink, wanted):
        self.mails = 0
        self.wanted = wanted
        self.done = threading.Event()
        self.begin = self.end = 0
        self.sink = sink
        self.thread = threading.Thread(target=self.count, daemon=True)

    def count(self):
        while self.mails < self.wanted:
            line = self.sink.process.stdout.readline()
            if not line:
                return
            self.mails += json.loads(line)["mails"]
        self.end = time.monotonic()
        self.done.set()

    def measure(self, start):
        """Seconds until all mails have come, from the moment that start() gives
        what sends them; None where they do not come."""
        self.begin = time.monotonic()
        self.thread.start()
        process = start()
        came = self.done.wait(PATIENCE)
        if process.poll() is None:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not came:
            self.sink.close()
            self.sink.open()
            self.thread.join()
            return None
        return self.end - self.begin


class Sendling:
    def __init__(self, bench, place, sink, spool=None):
        self.program = bench.programs["sendling"]
        self.folder = place
        (self.folder / "xdg/sendling").mkdir(parents=True, exist_ok=True)
        config = self.folder / "xdg/sendling/config"
        text = f"""\
smarthost smtps://{peers.HOST}:{sink.ports["smtps"]}
user {USER}
password {PASSWORD}
from {SENDER}
tls-trust {bench.trust}
log off
{spool or f"spool {place}/spool"}
"""
        config.write_text(text)
        config.chmod(0o600)
        self.environment = {**os.environ, "LC_ALL": "C",
                            "XDG_CONFIG_HOME": str(self.folder / "xdg")}

    def run(self, *argv, under=(), **more):
        return subprocess.run([*under, self.program, *argv], check=True,
                              env=self.environment, **more)

    def fill(self, message, count):
        for _ in range(count):
            with open(message.lf) as stdin:
                self.run("--queue-only", "bob@example.org", stdin=stdin)

    def syncs(self, message):
        """How many fsync-like calls one enqueue makes."""
        trace = self.folder / "trace"
        with open(message.lf) as stdin:
            self.run("--queue-only", "bob@example.org", stdin=stdin,
                     under=("strace", "-f", "-o", trace, "-e",
                            "trace=fsync,fdatasync,sync,syncfs,sync_file_range"
                            ))
        return len(re.findall(r"sync\w*\(", trace.read_text()))

    def cpu(self, bench, sink):
        """Microseconds of CPU that one mail takes."""
        with open(bench.small.lf) as stdin:
            done = self.run("bob@example.org", stdin=stdin, text=True,
                            under=(bench.folder / "measure",),
                            stdout=subprocess.PIPE)
        sink.line()
        return int(done.stdout.split()[1])

    def start(self):
        return subprocess.Popen([self.program, "-qf"], env=self.environment,
                                stdin=subprocess.DEVNULL)


class Msmtpq:
    """Debian's script, which runs msmtp for each mail."""

    def __init__(self, bench, place, sink):
        root = bench.folder / "peers"
        self.folder = place
        self.queue = self.folder / "queue"
        self.queue.mkdir(parents=True, exist_ok=True)
        job = peers.Job(self.folder, sink.ports["smtps"], "smtps", bench.trust,
                        bench.small, ["bob@example.org"])
        self.config = peers.msmtp(bench.programs["msmtp"], job).argv[2]
        self.script = next(
            (p for p in (Path("/usr/libexec/msmtp/msmtpq/msmtpq"),
                         root / "usr/libexec/msmtp/msmtpq/msmtpq")
             if p.exists()), None)
        self.environment = {
            **os.environ, **bench.environment.get("msmtp", {}),
            "HOME": str(self.folder), "MSMTPQ_Q": str(self.queue),
            "Q": str(self.queue), "MSMTPQ_LOG": "", "LOG": "",
            "MSMTP": bench.programs["msmtp"],
            "EMAIL_CONN_NOTEST": "y", "EMAIL_CONN_TEST": "x",
            "MSMTPQ_NO_CONN_TEST": "1"}

    def fill(self, message, count):
        text = Path(message.lf).read_text()
        for number in range(count):
            name = self.queue / f"2026-11-27-10.{number // 60:02d}." \
                f"{number % 60:02d}-{number}"
            Path(f"{name}.mail").write_text(text)
            Path(f"{name}.msmtp").write_text(
                f"-C {self.config} -- bob@example.org\n")

    def start(self):
        return subprocess.Popen(
            ["bash", self.script, "--q-mgmt", "-r"], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)


class Nullmailer:
    """Its folders are fixed: a mount namespace has them where ours are."""

    MOUNTS = """
mount -t overlay none -o lowerdir="$1/lib":/usr/lib /usr/lib
mount -t overlay none -o lowerdir="$1/etc":/etc /etc
mount -t overlay none -o lowerdir="$1/var":/var/spool /var/spool
mount --bind "$1/queue" /var/spool/nullmailer
exec "$2"
"""

    def __init__(self, bench, place, sink):
        root = bench.folder / "peers"
        self.folder = place
        self.program = root / "usr/sbin/nullmailer-send"
        self.environment = {**os.environ,
                            **bench.environment.get("nullmailer", {})}
        for name in ("etc/nullmailer", "var/nullmailer", "queue/queue",
                     "queue/tmp", "queue/failed", "lib"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copytree(root / "usr/lib/nullmailer",
                        self.folder / "lib/nullmailer", dirs_exist_ok=True)
        (self.folder / "etc/nullmailer/remotes").write_text(
            f"{peers.HOST} smtp --port={sink.ports['smtps']} --ssl "
            f"--x509cafile={bench.trust} --user={USER} --pass={PASSWORD}\n")
        os.mkfifo(self.folder / "queue/trigger")

    def fill(self, message, count):
        text = Path(message.lf).read_text()
        for number in range(count):
            (self.folder / f"queue/queue/{1700000000 + number}.{number}"
             ).write_text(f"{SENDER}\nbob@example.org\n\n{text}")

    def start(self):
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-ec", self.MOUNTS, "sh", self.folder,
             self.program], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return Unending(process)


class Unending:
    """One that would wait for more mails: it is ended as soon as all came."""

    def __init__(self, process):
        self.process = process

    def poll(self):
        self.process.kill()
        return self.process.wait()


def flush(queue, sink, message, mails):
    """Seconds that a run over so many mails takes, or None."""
    queue.fill(message, mails)
    return Arrivals(sink, mails).measure(queue.start)

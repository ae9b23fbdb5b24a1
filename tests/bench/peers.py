"""The programs that are measured: where they come from, and the command line
that makes each of them send one message."""

import os
import shutil
import subprocess
from pathlib import Path

HOST = "localhost"
USER, PASSWORD = "bench", "wonderland"
SENDER = "alice@example.com"

# Each with the Debian packages it needs, as far as they may be missing.
PACKAGES = {
    "msmtp": ("msmtp", "libgsasl18", "libidn12", "libntlm0", "libgssglue1",
              "libsecret-1-0", "libglib2.0-0"),
    "curl": ("curl", "libcurl4"),
    "ssmtp": ("ssmtp", "libgnutls-openssl27"),
    "nullmailer": ("nullmailer",),
    "swaks": ("swaks", "libnet-ssleay-perl"),
}
PROGRAMS = {
    "msmtp": "usr/bin/msmtp",
    "curl": "usr/bin/curl",
    "ssmtp": "usr/sbin/ssmtp",
    "nullmailer": "usr/lib/nullmailer/smtp",
    "swaks": "usr/bin/swaks",
}

SMTPLIB = """
import smtplib, ssl, sys
host, port, mode, trust, sender, recipients = sys.argv[1:]
context = ssl.create_default_context(cafile=trust or None)
if mode == "smtps":
    server = smtplib.SMTP_SSL(host, int(port), context=context)
else:
    server = smtplib.SMTP(host, int(port))
    server.starttls(context=context)
server.login("bench", "wonderland")
server.sendmail(sender, open(recipients).read().split(), sys.stdin.read())
server.quit()
"""


class Job:
    """One message to send: to which port of which mode (smtps, starttls), the
    file of trusted certificates ("" is the system's), the message's files and
    the recipients. Configurations go into the folder."""

    def __init__(self, folder, port, mode, trust, message, recipients):
        self.folder = Path(folder)
        self.port = port
        self.mode = mode
        self.trust = trust
        self.message = message
        self.recipients = recipients

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)


class Command:
    """What to run; `input` is its standard input, `mail` its descriptor 3."""

    def __init__(self, *argv, input=None, mail=None):
        self.argv = [str(word) for word in argv]
        self.input = input
        self.mail = mail


def sendling(program, job):
    scheme = "smtps" if job.mode == "smtps" else "smtp"
    config = job.write("sendling.conf", f"""\
smarthost {scheme}://{HOST}:{job.port}
user {USER}
password {PASSWORD}
from {SENDER}
log off
""" + (f"tls-trust {job.trust}\n" if job.trust else ""))
    return Command(program, "-C", config, *job.recipients,
                   input=job.message.lf)


def sendling_from_field(program, job):
    """With the recipients from the header section."""
    command = sendling(program, job)
    command.argv[3:] = ["-t"]
    return command


def floor(program, job):
    """It knows no system's trust, and gets the one certificate it needs."""
    return Command(program, job.port, job.trust or job.folder / "certs/ca.pem",
                   input=job.message.crlf)


def msmtp(program, job):
    config = job.write("msmtp.conf", f"""\
account default
host {HOST}
port {job.port}
tls on
tls_starttls {"off" if job.mode == "smtps" else "on"}
tls_trust_file {job.trust or "system"}
auth on
user {USER}
password {PASSWORD}
from {SENDER}
""")
    return Command(program, "-C", config, "--", *job.recipients,
                   input=job.message.lf)


def msmtp_from_field(program, job):
    command = msmtp(program, job)
    command.argv[3:] = ["-t"]
    return command


def curl(program, job):
    scheme = "smtps" if job.mode == "smtps" else "smtp"
    config = job.write("curl.conf", "".join(
        f'mail-rcpt = "{one}"\n' for one in job.recipients))
    trust = ["--cacert", job.trust] if job.trust else []
    return Command(program, "-q", "-s", "-S", "--ssl-reqd", "--sasl-ir",
                   *trust, "--user", f"{USER}:{PASSWORD}", "--mail-from",
                   SENDER, "-K", config, "-T", job.message.crlf,
                   f"{scheme}://{HOST}:{job.port}")


def ssmtp(program, job):
    config = job.write("ssmtp.conf", f"""\
mailhub={HOST}:{job.port}
hostname=example.com
UseTLS=YES
UseSTARTTLS={"NO" if job.mode == "smtps" else "YES"}
TLS_CA_File={job.trust}
AuthUser={USER}
AuthPass={PASSWORD}
FromLineOverride=YES
""")
    return Command(program, f"-C{config}", f"-f{SENDER}", *job.recipients,
                   input=job.message.lf)


def nullmailer(program, job):
    options = job.write("nullmailer.options", f"""\
host={HOST}
port={job.port}
user={USER}
pass={PASSWORD}
{"tls" if job.mode == "smtps" else "starttls"}
x509cafile={job.trust}
""")
    mail = job.write("nullmailer.mail", "\n".join(
        (SENDER, *job.recipients, "", "")) + Path(job.message.lf).read_text())
    return Command(program, input=options, mail=mail)


def swaks(program, job):
    config = job.write("swaks.conf", f"""\
server {HOST}
port {job.port}
{"tls-on-connect" if job.mode == "smtps" else "tls"}
tls-verify
tls-ca-path {job.trust}
auth PLAIN
auth-user {USER}
auth-password {PASSWORD}
from {SENDER}
to {",".join(job.recipients)}
data -
pipeline
silent
""")
    # It ends the last line itself, and would add an empty one.
    mail = job.write("swaks.mail", Path(job.message.lf).read_text()[:-1])
    return Command(program, "--config", config, input=mail)


def smtplib(program, job):
    recipients = job.write("smtplib.to", "\n".join(job.recipients))
    return Command(program, "-I", "-c", SMTPLIB, HOST, job.port, job.mode,
                   job.trust, SENDER, recipients, input=job.message.lf)


COMMANDS = {"sendling": sendling, "floor": floor, "pump": floor,
            "msmtp": msmtp, "curl": curl, "ssmtp": ssmtp,
            "nullmailer": nullmailer, "swaks": swaks, "smtplib": smtplib}


def quietly(*argv, cwd=None, env=None):
    """The output of a command, or None when it cannot be run."""
    try:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def fetch(package, root):
    """Downloads a package of Debian and unpacks it below root; nothing is
    installed, so the system's sendmail stays what it is."""
    store = root.parent / "packages"
    store.mkdir(parents=True, exist_ok=True)
    if not any(store.glob(package + "_*")):
        quietly("apt-get", "download", package, cwd=store)
    for file in store.glob(package + "_*"):
        quietly("dpkg", "-x", str(file), str(root))
    # What has set-id bits nobody may trace, and no copy of ours needs them.
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o777)


def environment(program, root):
    """What a program needs to find its name, libraries and modules."""
    variables = {"HELOHOST": "example.com"} if "nullmailer" in program else {}
    if not program.startswith(str(root)):
        return variables
    if program.endswith("swaks"):
        folders = [str(p.parent) for p in root.rglob("Net") if p.is_dir()]
        variables["PERL5LIB"] = ":".join(folders)
    elif "not found" in (quietly("ldd", program) or ""):
        folders = {str(p.parent) for p in root.rglob("*.so.*")}
        variables["LD_LIBRARY_PATH"] = ":".join(sorted(folders))
    return variables


def is_complete(program, root):
    variables = environment(program, root)
    if program.endswith("swaks"):
        return quietly("perl", "-MNet::SSLeay", "-e1",
                       env=variables) is not None
    return "not found" not in (quietly("ldd", program, env=variables) or "")


def find(name, root):
    """The installed program, or the one from Debian's packages, or None."""
    for program in (Path("/", PROGRAMS[name]), root / PROGRAMS[name]):
        if program.exists() and is_complete(str(program), root):
            return str(program)
    if not shutil.which("apt-get"):
        return None
    for package in PACKAGES[name]:
        fetch(package, root)
        if program.exists() and is_complete(str(program), root):
            return str(program)
    return None


def version(name, program, root):
    """The version of the package that a program belongs to."""
    for file in (root.parent / "packages").glob(name + "_*"):
        return file.name.split("_")[1].replace("%3a", ":")
    said = quietly("dpkg-query", "-W", "-f", "${Version}", name)
    return said or (quietly(program, "--version") or "?").split("\n")[0]

"""What the tests that run the program share: TAP, and one run of sendling with
a configuration of its own."""

import os
import pathlib
import subprocess

TESTS = pathlib.Path(__file__).resolve().parent
SENDLING = os.environ.get('SENDLING', str(TESTS.parent / 'build/sendling'))
WAIT = 300  # seconds, which nothing takes that does not hang
# Seconds of a time limit that is to be reached: where the machine was too slow
# for what comes before, once more with the next.
LIMITS = (1, 10, 100)


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, sentence, *more):
        """One test; `more` is shown where it fails."""
        self.count += 1
        self.failed += not good
        print('%sok %d - %s' % ('' if good else 'not ', self.count, sentence),
              flush=True)
        if not good:
            self.note(*more)
        return good

    def note(self, *more):
        for line in '\n'.join(map(str, more)).splitlines():
            print('#', line, flush=True)

    def skip(self, sentence, why):
        self.count += 1
        print('ok %d - %s # SKIP %s' % (self.count, sentence, why), flush=True)

    def end(self):
        print('1..%d' % self.count)
        return 1 if self.failed else 0


def skip_all(why):
    print('1..0 # SKIP', why)
    raise SystemExit(0)


def make_certificates(folder, *more):
    """Those of certs.sh, and with 'more' all of them; the path of the good
    one."""
    subprocess.run([TESTS / 'certs.sh', folder, *more], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f'{folder}/good.pem'


def write_config(folder, text):
    """A configuration that nobody else may read; its path."""
    path = pathlib.Path(folder) / 'config'
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding='utf-8')
    return path


class Run:
    """status, err and out of sendling with these arguments and this stdin, by
    another user where one is given, after the function `prepare'."""

    def __init__(self, folder, config, *argv, message=b'', program=SENDLING,
                 user=None, prepare=None):
        path = write_config(folder, config)
        more = {'preexec_fn': prepare}
        if user is not None:
            os.chown(path, user, user)
            more |= {'user': user, 'group': user, 'extra_groups': []}
        # No setting of the caller's environment may leak in.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('SENDLING')}
        try:
            done = subprocess.run([program, '-C', path, *argv], input=message,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=WAIT,
                                  env=environment, **more)
        except subprocess.TimeoutExpired as hung:
            self.status, self.out = None, ''
            self.err = 'still runs after %d s\n%s' % (
                WAIT, (hung.stderr or b'').decode(errors='replace'))
            return
        self.status = done.returncode
        self.err = done.stderr.decode(errors='replace')
        self.out = done.stdout.decode(errors='replace')

    def words(self):
        return 'status %s\n%s%s' % (self.status, self.err, self.out)

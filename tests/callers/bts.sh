# shellcheck shell=sh
# bts of devscripts: a command to a bug tracker, -t without -i.
. /tests/callers/lib.sh

DEBEMAIL='Full Name <sender@example.com>' \
    bts --offline --no-interactive close 1234
look 1 <<END
from sender@example.com
to control@bugs.debian.org
field From: Full Name <sender@example.com>
field Subject: closing 1234
line thanks
END

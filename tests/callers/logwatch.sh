# shellcheck shell=sh
# logwatch: umask 0177, and it dies if its pipe is not read.
. /tests/callers/lib.sh

mkdir -p /var/cache/logwatch
echo 'Jan  1 00:00:00 box sshd[1]: Accepted publickey for root' \
    >/var/log/auth.log
logwatch --output mail --mailto rcpt@example.org --range all \
    --service sshd --format text
look 1 <<END
from root@example.org
to rcpt@example.org
field Subject: Logwatch for box.example.net (Linux)
field To: rcpt@example.org
holds Accepted publickey for root
END

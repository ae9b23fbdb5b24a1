# shellcheck shell=sh
# mdadm --monitor: the test alert for an array.
. /tests/callers/lib.sh

echo 'Personalities : [raid1]' >/run/mdstat
mount --bind /run/mdstat /proc/mdstat 2>/dev/null || :
mdadm --monitor --test --oneshot --mail rcpt@example.org /dev/md0
look 1 <<END
from root@box.example.net
to rcpt@example.org
field To: rcpt@example.org
field Subject: TestMessage event on /dev/md0:box.example.net
END

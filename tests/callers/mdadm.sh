# shellcheck shell=sh
# mdadm --monitor: the test alert for an array.
. /tests/callers/lib.sh

mdadm --monitor --test --oneshot --mail rcpt@example.org /dev/md0
look 1 <<END
from root@box.example.net
to rcpt@example.org
field To: rcpt@example.org
field Subject: TestMessage event on /dev/md0:box.example.net
holds A TestMessage event had been detected on md device /dev/md0
END

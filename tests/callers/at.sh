# shellcheck shell=sh
# at: no From, no Date, as the user with the group daemon.
. /tests/callers/lib.sh

echo 'cat /run/text' | at now
atd -f &
look 1 <<END
from root@example.org
to root@example.org
like Subject: Output from your job +1
field To: root@example.org
text
END

# shellcheck shell=sh
# neomutt: an unlinked file on stdin, recipients behind `--'.
. /tests/callers/lib.sh

neomutt -e 'set send_charset=utf-8' -s 'Grüße' -c cc@example.org \
    -b bcc@example.org rcpt@example.org </run/text
look 1 <<END
from root@box.example.net
to rcpt@example.org cc@example.org bcc@example.org
field Subject: Grüße
field To: rcpt@example.org
text
END

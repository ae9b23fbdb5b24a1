# shellcheck shell=sh
# mutt with delivery status notifications, 8-bit text and an envelope sender.
. /tests/callers/lib.sh

mutt -e 'set dsn_notify=failure,delay dsn_return=hdrs use_envelope_from' \
    -e 'set envelope_from_address=sender@example.com allow_8bit' \
    -e 'set use_8bitmime from=other@example.com' \
    -s 'To you' rcpt@example.org </run/text
look 1 <<END
from sender@example.com
to rcpt@example.org
parameter BODY=8BITMIME
parameter RET=HDRS
rcpt-parameter NOTIFY=FAILURE,DELAY
field From: root <other@example.com>
text
END

# shellcheck shell=sh
# neomutt with delivery status notifications, 8-bit text and an envelope sender.
. /tests/callers/lib.sh

cat >muttrc <<END
set dsn_notify=failure,delay
set dsn_return=hdrs
set use_envelope_from
set envelope_from_address=sender@example.com
set from=other@example.com
set allow_8bit
set use_8bitmime
set send_charset=utf-8
END
neomutt -F muttrc -s 'To you' rcpt@example.org </run/text
look 1 <<END
from sender@example.com
to rcpt@example.org
parameter BODY=8BITMIME
parameter RET=HDRS
rcpt-parameter NOTIFY=FAILURE,DELAY
field From: root <other@example.com>
text
END

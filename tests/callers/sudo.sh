# shellcheck shell=sh
# sudo: tells about someone who is not in sudoers.
. /tests/callers/lib.sh

printf '%s\n' 'Defaults mailto = "rcpt@example.org"' \
    'Defaults mailsub = "SECURITY %h"' >/etc/sudoers
as_user hank sudo true && fail 'sudo let hank in'
look 1 <<END
from hank@example.org
to rcpt@example.org
field To: rcpt@example.org
field From: hank@example.org
field Subject: SECURITY box.example.net
holds hank : user NOT in sudoers
END

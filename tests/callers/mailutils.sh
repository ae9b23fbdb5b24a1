# shellcheck shell=sh
# GNU mail: starts sendmail with descriptors 1 and 2 closed. It ends its own
# input at a lone dot, which the text therefore does without.
. /tests/callers/lib.sh

grep -vx '[.]' /run/text >/run/undotted
mv /run/undotted /run/text
mail.mailutils -s 'To you' rcpt@example.org </run/text
look 1 <<END
from root@box.example.net
to rcpt@example.org
field Subject: To you
text
END

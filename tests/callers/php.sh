# shellcheck shell=sh
# PHP's mail(): CRLF in the header, LF in the body, Bcc left to sendmail.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
exit(mail("rcpt@example.org", "Grüße", file_get_contents("/run/text"),
    ["From" => "Sender <sender@example.com>", "Cc" => "cc@example.org",
    "Bcc" => "bcc@example.org"]) ? 0 : 1);
END
php send.php
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field From: Sender <sender@example.com>
field Subject: Grüße
text
END

# shellcheck shell=sh
# PHP's mail(): CRLF in the header, LF in the body, Bcc left to sendmail.
. /tests/callers/lib.sh

php8.2 -r '
$headers = ["From" => "Sender <sender@example.com>", "Cc" => "cc@example.org",
    "Bcc" => "bcc@example.org"];
if (!mail("rcpt@example.org", "Grüße", file_get_contents("/run/text"),
    $headers))
	exit(1);'
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field From: Sender <sender@example.com>
field Subject: Grüße
text
END

# shellcheck shell=sh
# PEAR Mail with its sendmail driver.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
require "Mail.php";
$sent = Mail::factory("sendmail")->send(["rcpt@example.org",
    "bcc@example.org"], ["From" => "sender@example.com",
    "To" => "rcpt@example.org", "Subject" => "To you"],
    file_get_contents("/run/text"));
exit($sent === true ? 0 : 1);
END
php -d error_reporting=0 send.php
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field Subject: To you
text
END

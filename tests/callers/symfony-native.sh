# shellcheck shell=sh
# Symfony Mailer, native://default: PHP's sendmail_path without its -t.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
require "Symfony/Component/Mailer/autoload.php";
use Symfony\Component\Mailer\{Mailer, Transport};
use Symfony\Component\Mime\Email;
$mailer = new Mailer(Transport::fromDsn("native://default"));
$mailer->send((new Email())->from("Sender <sender@example.com>")
    ->to("rcpt@example.org")->bcc("bcc@example.org")->subject("Grüße")
    ->text(file_get_contents("/run/text")));
END
php send.php
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field Subject: Grüße
text
END

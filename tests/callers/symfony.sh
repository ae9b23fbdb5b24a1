# shellcheck shell=sh
# Symfony Mailer, sendmail://default: two messages in one dialogue with -bs.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
require "Symfony/Component/Mailer/autoload.php";
use Symfony\Component\Mailer\{Mailer, Transport};
use Symfony\Component\Mime\Email;
$mailer = new Mailer(Transport::fromDsn("sendmail://default"));
foreach (["Grüße", "The second"] as $subject)
	$mailer->send((new Email())->from("Sender <sender@example.com>")
	    ->to("rcpt@example.org")->cc("cc@example.org")
	    ->bcc("bcc@example.org")->subject($subject)
	    ->text(file_get_contents("/run/text")));
END
php send.php
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field Subject: Grüße
text
END
look 2 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field Subject: The second
text
END

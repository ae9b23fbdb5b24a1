# shellcheck shell=sh
# PHPMailer, isSendmail().
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
require "libphp-phpmailer/autoload.php";
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSendmail();
$mail->CharSet = "utf-8";
$mail->Encoding = "8bit";
$mail->setFrom("sender@example.com", "Sender");
$mail->addAddress("rcpt@example.org");
$mail->addCC("cc@example.org");
$mail->addBCC("bcc@example.org");
$mail->Subject = "Grüße";
$mail->Body = file_get_contents("/run/text");
$mail->send();
END
php send.php
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field From: Sender <sender@example.com>
field Subject: Grüße
text
END

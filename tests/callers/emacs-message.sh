# shellcheck shell=sh
# Emacs, message.el: any word of output is a failure; Bcc left to sendmail.
. /tests/callers/lib.sh

cat >send.el <<'END'
(require 'message)
(setq user-mail-address "sender@example.com" user-full-name "Sender"
      message-send-mail-function 'message-send-mail-with-sendmail
      mail-specify-envelope-from t message-interactive t)
(message-mail "rcpt@example.org" "Grüße" '(("Bcc" . "bcc@example.org")))
(message-goto-body)
(insert-file-contents "/run/text")
(message-send)
END
emacs-nox -Q --batch -l send.el
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field Subject: Grüße
text
END

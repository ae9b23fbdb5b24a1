# shellcheck shell=sh
# Emacs, sendmail.el: -oep -odi, and any word of output is a failure.
. /tests/callers/lib.sh

cat >send.el <<'END'
(setq user-mail-address "sender@example.com" user-full-name "Sender"
      send-mail-function 'sendmail-send-it mail-interactive t
      mail-default-headers nil)
(mail nil "rcpt@example.org" "To you")
(goto-char (point-max))
(insert-file-contents "/run/text")
(mail-send)
END
emacs-nox -Q --batch -l send.el
look 1 <<END
from sender@example.com
to rcpt@example.org
field Subject: To you
text
END

#!/bin/sh
# tests/mutants.sh [WORD]: breaks the program in one place at a time, in a copy
# of the tree, and expects that a test sees it; only where the title holds WORD.
# With --places it sees only whether there still is what is to be broken.
# TAP on stdout. `make mutants` runs it; it is not part of the check.

set -u
cd "$(dirname "$0")/.." || exit 1
B=${B-build}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM
cp -a Makefile src cmd tests man README config.example "$copy" || exit 1
test ! -d "$B" || test "${1-}" = --places || cp -a "$B" "$copy/build"
cd "$copy" || exit 1
export SENDLING="$copy/build/sendling" PYTHONDONTWRITEBYTECODE=1
n=0 failed=0

# What sees it.
see() {
	case $1 in
	dialogues) program=build/tests/dialogue ;;
	unit) program=build/tests/unit/$2 ;;
	threats) program=all ;;
	esac
	make -s "$program" || return
	case $1 in
	dialogues) "$program" tests/dialogues/*.dialogue ;;
	unit) "$program" ;;
	threats) tests/threats.t "$2" ;;
	esac
}

verdict() {
	n=$((n + 1))
	case $1 in
	ok) echo "ok $n - $2" ;;
	*)
		failed=1
		echo "not ok $n - $2: $1"
		;;
	esac
}

# mutant TITLE FILE SED-PROGRAM WHAT-SEES-IT...: red, but not since it does not
# compile, nor since the place to break is not there any more.
mutant() {
	title=$1 file=$2 program=$3
	shift 3
	case $title in
	*"${word#--places}"*) ;;
	*) return ;;
	esac
	cp "$file" whole
	sed -i "$program" "$file"
	if cmp -s "$file" whole; then
		verdict 'the place is not there any more' "$title"
	elif test "$word" = --places; then
		verdict ok "$title"
	elif ! make -s all >said 2>&1; then
		verdict 'it does not compile' "$title"
		sed 's/^/# /' said
	elif see "$@" >said 2>&1; then
		verdict "nothing was seen by $*" "$title"
	else
		verdict ok "$title"
	fi
	cp whole "$file"
}

word=${1-}

# Or red would say nothing.
whole() {
	test "$word" != --places || return
	if see "$@" >said 2>&1; then
		verdict ok "whole: $*"
	else
		verdict 'it is red' "whole: $*"
		sed 's/^/# /' said
	fi
}
whole dialogues
whole unit message/recode
whole threats canary_in_memory
whole threats canary_in_session
whole threats forgotten
mutant 'a refused BDAT counts as the end of its transaction' \
    src/smtp/transaction.c \
    '/A BDAT that was refused/{n;s/reply_accepts(a->reply)/true/}' dialogues
mutant 'a reply to BDAT counts before the chunk is out' \
    src/smtp/transaction.c \
    '/^answer_bdat/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'a reply to the end of the data counts before it is out' \
    src/smtp/transaction.c \
    '/^answer_end/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'timeout shortens the wait for the end of the data' \
    src/smtp/session.c 's/ || step == STEP_END//' dialogues
mutant 'AUTH has a line of 514 octets' src/smtp/login.c \
    's/\(#define LOGIN_COMMAND_MAX\).*/\1 514/' dialogues
mutant 'quoted-printable has lines of 77' src/message/encoder.c \
    's/\(#define QP_LINE\).*/\1 76/' unit message/recode
mutant 'base64 has lines of 80' src/message/encoder.c \
    '/^#define BASE64_/{s/57/60/;s/76/80/}' unit message/recode
mutant 'the initial response is not wiped when it was sent' \
    src/smtp/login.c '/say_secret(l, command/{n;d}' threats canary_in_session
mutant 'a response is not wiped when it was sent' src/smtp/login.c \
    's/buf_wipe(&response)/buf_clear(\&response)/' threats canary_in_memory
mutant 'what AUTH sent is not wiped' src/smtp/login.c \
    '/^login_answer/,/^}/s/pipeline_wipe(.*);//' threats canary_in_session
mutant 'the secrets to know an echo by are not wiped' src/smtp/echo.c \
    '/^echo_clear/,/^}/s/buf_wipe/buf_clear/' threats canary_in_memory
mutant 'what a server says is not wiped' src/run/connection.c \
    's/explicit_bzero(in, len);//' threats canary_in_memory
mutant 'the password is not wiped' src/run/dispatch.c \
    's/buf_wipe(&d->password)/buf_clear(\&d->password)/' \
    threats canary_in_memory
mutant 'the password is not forgotten' src/run/dispatch.c \
    '/^forget_password/,/^}/s/buf_wipe(&d->password);//' threats forgotten
mutant 'the password in the configuration is not forgotten' \
    src/run/dispatch.c 's/config_forget(.*);//' threats forgotten
mutant 'the password file is not wiped' src/world/secret.c \
    's/buf_wipe(&whole)/buf_clear(\&whole)/' threats canary_in_memory
mutant 'a buffer that grows leaves its bytes behind' src/base/buf.c \
    's/mem_wipe(b->at, b->size);/free(b->at);/' threats canary_in_memory

echo "1..$n"
exit $failed

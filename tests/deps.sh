#!/bin/sh
# tests/deps.sh build|check ...: installs what building and the demo (build) or
# the tests and lint (check) need. Says nothing when nothing is missing.

# Lists of names are meant to be split:
# shellcheck disable=SC2046,SC2086
set -eu

# The names that the words on the command line stand for.
names() {
	for part; do
		case "$system/$part" in
		debian/build) echo gcc libc6-dev make pkg-config libgnutls28-dev \
			libbsd-dev python3-minimal python3 openssl ;;
		debian/check) echo libcmocka-dev clang libclang-rt-dev perl \
			valgrind python3-aiosmtpd ca-certificates cppcheck \
			clang-format mandoc shellcheck strace swaks ;;
		fedora/build) echo gcc make pkgconf-pkg-config gnutls-devel \
			libbsd-devel python3 openssl ;;
		fedora/check) echo libcmocka-devel clang compiler-rt libasan \
			libubsan perl-Test-Harness valgrind python3-aiosmtpd \
			cppcheck clang-tools-extra mandoc ShellCheck ;;
		alpine/build) echo build-base pkgconf gnutls-dev libbsd-dev \
			python3 openssl ;;
		alpine/check) echo bash cmocka-dev clang compiler-rt \
			perl-utils valgrind py3-aiosmtpd cppcheck \
			clang-extra-tools mandoc shellcheck ;;
		arch/build) echo base-devel gnutls libbsd python openssl ;;
		arch/check) echo cmocka clang compiler-rt perl valgrind \
			python-aiosmtpd cppcheck mandoc shellcheck ;;
		freebsd/build) echo gmake pkgconf gnutls libbsd python3 ;;
		freebsd/check) echo bash cmocka llvm perl5 valgrind \
			py311-aiosmtpd cppcheck hs-ShellCheck ;;
		esac
	done
}

# Whether all is there, where no package manager of ours can tell.
all_there() {
	for part; do
		case $part in
		build) wanted='cc pkg-config python3 openssl' ;;
		check) wanted='clang prove valgrind cppcheck clang-format
			mandoc shellcheck' ;;
		esac
		for name in $wanted; do
			command -v "$name" >/dev/null || return 1
		done
	done
	pkg-config --exists gnutls libbsd-overlay
}

missing() {
	for name; do
		dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null |
		    grep -qx installed || echo "$name"
	done
}

install_debian() {
	list=$(missing $(names "$@"))
	test -n "$list" || return 0
	become=
	test "$(id -u)" = 0 || become=sudo
	if test -n "$become" && ! command -v sudo >/dev/null; then
		echo 'As root:' apt-get install $list >&2
		return 1
	fi
	echo 'Installing' $list
	log=$(mktemp)
	install="$become env DEBIAN_FRONTEND=noninteractive apt-get -q -y
	    install --no-install-recommends"
	# The lists may be old, or not there yet.
	if ! $install $list >"$log" 2>&1 </dev/null &&
	    ! { $become apt-get -q update && $install $list; } >"$log" 2>&1 \
	    </dev/null; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

identify() {
	case "$(uname -s)" in
	FreeBSD) echo freebsd; return ;;
	esac
	# shellcheck source=/dev/null
	test ! -r /etc/os-release || . /etc/os-release
	for id in ${ID-} ${ID_LIKE-}; do
		case $id in
		debian|ubuntu) echo debian; return ;;
		fedora|rhel) echo fedora; return ;;
		alpine|arch) echo "$id"; return ;;
		esac
	done
	echo debian-names-only
}

test $# -gt 0 || set -- build
system=$(identify)
if test "$system" = debian; then
	install_debian "$@"
elif ! all_there "$@"; then
	case $system in
	fedora) echo dnf install $(names "$@") ;;
	alpine) echo apk add $(names "$@") ;;
	arch) echo pacman -S --needed $(names "$@") ;;
	freebsd) echo pkg install $(names "$@") ;;
	*)
		system=debian
		echo 'Needed, by the names of Debian:' $(names "$@") ;;
	esac
fi

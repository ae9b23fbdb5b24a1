#!/bin/sh
# tests/deps.sh build|check|more|lint|recording ...: installs what building and
# the demo (build), the tests (check), the slow ones (more), lint or a recording
# of the demo need. Says how much that is, and nothing when nothing is missing.

# Lists of names are meant to be split:
# shellcheck disable=SC2046,SC2086
set -eu

# The names that the words on the command line stand for.
names() {
	for part; do
		case "$system/$part" in
		debian/build) echo gcc libc6-dev make pkg-config libgnutls28-dev \
			libbsd-dev python3-minimal python3 openssl netbase \
			ca-certificates ;;
		debian/check) echo libcmocka-dev perl python3-aiosmtpd curl jq \
			busybox gawk mawk original-awk netcat-openbsd \
			mandoc strace swaks softhsm2 \
			gnutls-bin dnsmasq-base netcat-openbsd \
			microsocks systemd passwd \
			zsh fish bash-completion ;;
		debian/recording) echo asciinema termtosvg ;;
		debian/deb) echo build-essential debhelper libcmocka-dev ;;
		debian/trees) echo autopkgtest mmdebstrap ;;
		debian/more) echo clang libclang-rt-dev valgrind ;;
		debian/lint) echo clang cppcheck clang-format mandoc \
			shellcheck ;;
		fedora/build) echo gcc make pkgconf-pkg-config gnutls-devel \
			libbsd-devel python3 openssl ;;
		fedora/check) echo libcmocka-devel perl-Test-Harness mandoc curl \
			jq dash busybox gawk netcat \
			python3-aiosmtpd softhsm gnutls-utils zsh fish \
			bash-completion ;;
		fedora/more) echo clang compiler-rt libasan libubsan valgrind ;;
		fedora/lint) echo clang cppcheck clang-tools-extra mandoc \
			ShellCheck ;;
		alpine/build) echo build-base pkgconf gnutls-dev libbsd-dev \
			python3 openssl ;;
		alpine/check) echo bash cmocka-dev perl-utils py3-aiosmtpd curl \
			jq dash gawk mawk netcat-openbsd \
			mandoc softhsm gnutls-utils zsh fish bash-completion ;;
		alpine/more) echo clang compiler-rt valgrind ;;
		alpine/lint) echo clang cppcheck clang-extra-tools mandoc \
			shellcheck ;;
		arch/build) echo base-devel gnutls libbsd python openssl ;;
		arch/check) echo cmocka perl python-aiosmtpd mandoc softhsm \
			curl jq dash openbsd-netcat zsh fish bash-completion ;;
		arch/more) echo clang compiler-rt valgrind ;;
		arch/lint) echo clang cppcheck mandoc shellcheck ;;
		freebsd/build) echo gmake pkgconf gnutls libbsd python3 ;;
		freebsd/check) echo bash cmocka perl5 py311-aiosmtpd softhsm2 \
			curl jq dash zsh fish bash-completion ;;
		freebsd/more) echo llvm valgrind ;;
		freebsd/lint) echo llvm cppcheck hs-ShellCheck ;;
		esac
	done
}

# Whether all is there, where no package manager of ours can tell.
all_there() {
	for part; do
		case $part in
		build) wanted='cc pkg-config python3 openssl' ;;
		check) wanted='prove' ;;
		more) wanted='clang valgrind' ;;
		recording) wanted='asciinema termtosvg' ;;
		trees) wanted='autopkgtest mmdebstrap' ;;
		deb) wanted='dpkg-buildpackage dh' ;;
		lint) wanted='clang cppcheck clang-format mandoc shellcheck' ;;
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
	install="$become env DEBIAN_FRONTEND=noninteractive apt-get -q -y
	    install --no-install-recommends"
	# The lists may be old, or not there yet.
	if ! told=$(how_much $list) || ! { echo "$told" && install_now; }; then
		echo 'Fetching the lists of packages: apt-get update'
		$become apt-get -q update >"$log" 2>&1 && how_much $list &&
		    install_now
	fi
}

# What apt would install, with what that needs, and fetch of it.
how_much() {
	files=$(apt-get install --no-install-recommends --print-uris -qq -y \
	    "$@" 2>"$log") || return 1
	n=$(apt-get install --no-install-recommends -s -qq -y "$@" 2>"$log" |
	    grep -c '^Inst ')
	echo "$files" | awk -v n="$n" -v names="$*" '
		/^\047/ { size += $3 }
		END { printf "Installing %d package%s, %d MB to fetch: %s%s\n",
		    n, n == 1 ? "" : "s", (size + 999999) / 1000000, names,
		    (n > split(names, a)) ? " and what they need" : "" }'
}

install_now() {
	start=$(date +%s)
	$install $list >"$log" 2>&1 </dev/null &&
	    echo "Installed, $(($(date +%s) - start)) s"
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
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	install_debian "$@" || {
		cat "$log" >&2
		exit 1
	}
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

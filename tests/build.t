#!/bin/sh
# The Makefile: its variables are respected, what it installs goes away again,
# the program is hardened and links what it should, and knows its version, as
# packed sources do.

cd "$(dirname "$0")/.." || exit 1
: "${SENDLING:=build/sendling}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
n=0 failed=0

ok() {
	n=$((n + 1))
	if test "$1" = 0; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		tail -n 20 "$folder/said" | sed 's/^/# /'
		failed=1
	fi
}

# says PATTERN SENTENCE: of the output in $folder/said
says() {
	grep -qE -e "$1" "$folder/said"
	ok $? "$2"
}

# Of this run's own variables none may leak into a make that is looked at.
plain_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "${MAKE-make}" "$@" \
	    >"$folder/said" 2>&1
}

plain_make -n B="$folder/b" CC=other-cc CFLAGS=-Dcflags LDFLAGS=-Wl,ldflags \
    CPPFLAGS=-Dcppflags SYSCONFDIR=/other/etc
says '^other-cc .*-Dcppflags .*-Dcflags .* src/base/buf\.c' \
    'CC, CPPFLAGS and CFLAGS compile'
says '^other-cc .*-Dcflags .*-Wl,ldflags .*-o .*/sendling ' \
    'CC, CFLAGS and LDFLAGS link'
says '/other/etc' 'SYSCONFDIR reaches the program'
! grep -q _FORTIFY_SOURCE= "$folder/said"
ok $? 'without -O nothing is fortified, which would only warn'
plain_make -n B="$folder/b"
says '-fPIE .*-fstack-protector-strong .*-D_FORTIFY_SOURCE=2 .*-O2' \
    'by default all is hardened'

readelf -hld "$SENDLING" >"$folder/said"
says 'Type: +DYN' 'the program is position independent'
says 'GNU_RELRO' '... with relocations read-only'
says 'BIND_NOW' '... all of them'
grep -A1 GNU_STACK "$folder/said" | grep -q 'RW  '
ok $? 'its stack does not execute'
if grep -qE 'lib(a|ub)san' "$folder/said"; then
	n=$((n + 1))
	echo "ok $n - libraries # SKIP a sanitizer brings its own"
else
	libraries=$(sed -n 's/.*(NEEDED).*\[lib\([a-z]*\)\.so.*/\1/p' \
	    "$folder/said" | sort | tr '\n' ' ')
	test "$libraries" = 'bsd c gnutls '
	ok $? 'GnuTLS and libbsd are the only libraries'
fi

# README says why no static program can be had: this is where it fails.
if test -e /etc/debian_version; then
	# shellcheck disable=SC2046 # lists of words
	! ${CC-cc} -static -o "$folder/static" "$(dirname "$SENDLING")"/cmd/*.o \
	    "$(dirname "$SENDLING")/libsendling.a" \
	    $(pkg-config --static --libs gnutls libbsd-overlay) \
	    >"$folder/said" 2>&1 && grep -q 'cannot find -lp11-kit' "$folder/said"
	ok $? "Debian's GnuTLS cannot be linked into a static program"
fi

# Objects of another SYSCONFDIR are not taken for those of this one.
compile() {
	plain_make B="$folder/b" CFLAGS=-O0 SYSCONFDIR="$1" \
	    "$folder/b/src/world/settings.o" "$folder/b/src/base/mem.o" &&
	    grep -aqF "$1/sendling.conf" "$folder/b/src/world/settings.o"
}
compile /one/etc
ok $? 'one SYSCONFDIR'
compile /other/etc
ok $? '... and another, whose objects are made anew'
! grep -q 'src/base/mem\.c' "$folder/said"
ok $? '... but no others are'
compile /other/etc && ! grep -q 'settings\.c' "$folder/said"
ok $? '... and once only'
plain_make -n B="$folder/b" SYSCONFDIR=/other/etc install
says 's.*/etc/aliases.*/other/etc/aliases' '... and what is installed names it'
says 's.*CONFIG_HOME=/etc.*CONFIG_HOME=/other/etc' '... and so does the service'
plain_make -n B="$folder/b" UNITDIR=/units USERUNITDIR=/theirs install
grep -q '=/units/' "$folder/said" && grep -q '=/theirs/' "$folder/said"
ok $? 'units go where UNITDIR and USERUNITDIR say'

# The version.
stamp() {
	plain_make B="$folder/b" CFLAGS=-O0 VERSION="$1" \
	    "$folder/b/cmd/sendling.o" &&
	    grep -aqF "sendling $1" "$folder/b/cmd/sendling.o"
}
stamp 7.8 && stamp 7.9
ok $? 'VERSION reaches the program, and so does another'
stamp 7.9 && ! grep -q 'sendling\.c' "$folder/said"
ok $? '... once only'
"$SENDLING" --version >"$folder/said"
says '^sendling [0-9]+\.[0-9]' 'the program says its version'
plain_make B="$folder/b" VERSION=7.8 dist && mkdir "$folder/t" &&
    tar -x -f "$folder/b/dist/sendling-7.8.tar.gz" -C "$folder/t"
ok $? 'make dist'
(
	cd "$folder/t/sendling-7.8" && cmd/version.sh && ls
) >"$folder/said" 2>&1
says '^7\.8$' '... stamps the version'
says '^Makefile$' '... packs the sources'
! grep -q '^build$' "$folder/said"
ok $? '... and nothing that was built'
(
	cd "$folder/t/sendling-7.8" && env -u B -u MAKEFLAGS "${MAKE-make}" -s \
	    dist && cmp build/dist/sendling-7.8.tar.gz \
	    "$folder/b/dist/sendling-7.8.tar.gz"
) >"$folder/said" 2>&1
ok $? '... which pack themselves again, to the octet'

# lies NAME COMMAND: what is called in place of a program of Debian's.
lies() {
	printf '#!/bin/sh\n%s\n' "$2" >"$folder/lies/$1"
	chmod +x "$folder/lies/$1"
}
pack() {
	PATH="$folder/lies:$PATH" DEB_BUILD_OPTIONS=parallel=2 \
	    MAKEFLAGS=' -- B=x' cmd/deb.sh \
	    "$folder/b/dist/sendling-7.8.tar.gz" "$folder/deb" \
	    >"$folder/said" 2>&1
}
mkdir "$folder/lies"
lies dpkg-parsechangelog 'echo 7.8-1'
lies getent 'exit 2'
# shellcheck disable=SC2016 # of that program
lies dpkg-buildpackage 'echo "$DEB_BUILD_OPTIONS${MAKEFLAGS-}" >../options
>../x.deb'
pack && says '^localhost has no address here' \
    'make deb where there is no localhost says so'
grep -qx 'parallel=2 nocheck' "$folder/deb/options"
ok $? '... and builds without tests'
lies getent 'exit 0'
pack && ! grep -q localhost "$folder/said" &&
    grep -qx parallel=2 "$folder/deb/options"
ok $? '... as it does not elsewhere'
lies dpkg-buildpackage 'echo "not ok 3 - far up"; seq 99; exit 2'
! pack && says '^1:not ok 3 - far up' 'a package that fails says what failed'
grep -q "$folder/deb/log\$" "$folder/said"
ok $? '... and where all of it is'
rm "$folder/t/sendling-7.8/VERSION"
"$folder/t/sendling-7.8/cmd/version.sh" >"$folder/said" 2>&1
says '^[0-9]+(\.[0-9]+)+$' 'sources without a stamp are the release'
release=$(cat "$folder/said")
grep -q "^sendling ($release-" cmd/debian/changelog
ok $? '... which the changelog of the Debian package names'

# What version.sh says in a clone, after COMMAND there.
in_clone() {
	(
		cd "$folder/clone" || exit 1
		export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
		export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
		eval "$1" && cmd/version.sh
	) >"$folder/said" 2>&1
}
if command -v git >/dev/null; then
	mkdir -p "$folder/clone/cmd"
	cp cmd/version.sh "$folder/clone/cmd"
	in_clone 'git init -q . && git add . && git commit -q -m a'
	says "^$release\+git[0-9]{8}\.[0-9a-f]{9}\$" 'a clone has day and commit'
	in_clone "git tag -a -m a v$release && git tag another"
	says "^$release\$" '... at its tag it is the release'
	in_clone 'echo >>cmd/version.sh'
	says "^$release\+git[0-9]{8}\.[0-9a-f]{9}\.changed\$" \
	    '... unless something was changed'
	mkdir "$folder/clone/other" && cp -R cmd "$folder/clone/other"
	"$folder/clone/other/cmd/version.sh" >"$folder/said" 2>&1
	says "^$release\$" '... and sources in it are not of it'
else
	n=$((n + 1))
	echo "ok $n - versions of a clone # SKIP git is missing"
fi

"${MAKE-make}" -s install DESTDIR="$folder/d" PREFIX=/opt >"$folder/said" 2>&1
ok $? 'make install'
find "$folder/d" ! -type d | sort >"$folder/said"
for file in bin/sendling share/man/man1/sendling.1 \
    share/man/man5/sendling.conf.5 share/doc/sendling/README \
    share/doc/sendling/config.example share/doc/sendling/NEWS \
    bin/sendling-setup \
    share/man/man7/sendling-providers.7 \
    share/man/man7/sendling-spool.7 \
    share/man/man1/sendling-setup.1 share/sendling/setup-files \
    share/sendling/providers bin/sendling-token \
    share/man/man1/sendling-token.1 share/sendling/oauth \
    share/sendling/oauth-login bin/sendling-import \
    share/man/man1/sendling-import.1 share/sendling/import/accounts.awk \
    share/sendling/import/msmtp.awk lib/systemd/system/sendling-flush.service \
    lib/systemd/system/sendling-flush.timer \
    lib/systemd/user/sendling-flush.service \
    lib/systemd/user/sendling-flush.timer \
    lib/systemd/system/sendling.socket lib/systemd/system/sendling@.service \
    lib/systemd/system/sendling-tcp.socket \
    lib/systemd/system/sendling-tcp@.service \
    lib/systemd/system/sendling-service-flush.service \
    lib/systemd/system/sendling-service-flush.timer \
    lib/sysusers.d/sendling.conf lib/tmpfiles.d/sendling.conf \
    share/bash-completion/completions/sendling \
    share/bash-completion/completions/sendling-setup \
    share/bash-completion/completions/sendmail \
    share/bash-completion/completions/mailq \
    share/bash-completion/completions/newaliases \
    share/zsh/site-functions/_sendling \
    share/fish/vendor_completions.d/sendling.fish \
    share/fish/vendor_completions.d/sendling-token.fish \
    share/fish/vendor_completions.d/sendmail.fish \
    share/doc/sendling/examples/Containerfile \
    share/doc/sendling/examples/sendling-online; do
	says "/d/opt/$file\$" "... installs $file"
done
! grep -v "$folder/d/opt/" "$folder/said" | grep -q .
ok $? '... and nothing outside PREFIX'
grep -q '/opt/share/doc/sendling/config\.example' \
    "$folder/d/opt/share/man/man5/sendling.conf.5" &&
    grep -q 'ln -s /opt/bin/sendling ' \
    "$folder/d/opt/share/doc/sendling/README" &&
    ! grep -rq /usr/local/bin/sendling "$folder/d/opt/share"
ok $? '... whose pages name PREFIX'
grep -qx 'ExecStart=/opt/bin/sendling -q' \
    "$folder/d/opt/lib/systemd/user/sendling-flush.service" &&
    grep -qx 'sendling=/opt/bin/sendling' \
	"$folder/d/opt/share/doc/sendling/examples/sendling-online"
ok $? '... and so do units and hooks'
if systemd-analyze --version >/dev/null 2>&1; then
	sed -i "s|=/opt/bin|=$folder/d/opt/bin|" \
	    "$folder/d/opt/lib/systemd/system/sendling-flush.service"
	systemd-analyze --man=no verify \
	    "$folder"/d/opt/lib/systemd/system/sendling-flush.* \
	    >"$folder/said" 2>&1 && ! grep -q . "$folder/said"
	ok $? '... in which systemd-analyze finds nothing'
else
	n=$((n + 1))
	echo "ok $n - units # SKIP systemd-analyze is missing"
fi
printf '%s\n' 'host mail.example.org' 'tls on' >"$folder/msmtprc"
sed -i "s|^share=.*|share=$folder/d/opt/share/sendling|" \
    "$folder/d/opt/bin/sendling-import"
"$folder/d/opt/bin/sendling-import" "$folder/msmtprc" >"$folder/said" 2>&1
says '^smarthost smtp://mail' '... and sendling-import, with its parts'
"$folder/d/opt/bin/sendling" --version >"$folder/said" 2>&1
ok $? 'what is installed runs'
sed -n '/^etc=/p; /^share=/p' "$folder/d/opt/bin/sendling-setup" \
    >"$folder/said"
grep -qx 'etc=/etc' "$folder/said" &&
    grep -qx 'share=/opt/share/sendling' "$folder/said" &&
    test -x "$folder/d/opt/bin/sendling-setup"
ok $? '... and its scripts know their folders'
PATH="$folder/d/opt/bin:$PATH" sendling-token --login a@example.org \
    </dev/null >"$folder/said" 2>&1
grep -q '/opt/share/sendling/oauth-login is missing' "$folder/said" &&
    sed "s|^share=/opt|share=$folder/d/opt|" \
	"$folder/d/opt/bin/sendling-token" >"$folder/token" &&
    HOME=$folder sh "$folder/token" --login --client-id x a@outlook.com \
	</dev/null 2>&1 | grep -q login.microsoftonline.com
ok $? '... where sendling-token finds its own'
theirs=/opt/lib/systemd/user/theirs.service
touch "$folder/d$theirs"
# What a make above says of its jobs is none of its words.
env -u MAKEFLAGS "${MAKE-make}" -s uninstall DESTDIR="$folder/d" PREFIX=/opt \
    >"$folder/said" 2>&1 && ! grep -q . "$folder/said"
ok $? 'make uninstall'
find "$folder/d" ! -type d -printf '/%P\n' >"$folder/said"
test "$(cat "$folder/said")" = $theirs
ok $? '... leaves no file but those of others'
find "$folder/d" -type d -empty -printf '%P\n' | sort >"$folder/said"
printf '%s\n' opt/bin opt/share/man opt/share/zsh/site-functions |
    cmp -s - "$folder/said"
ok $? '... and no empty folder but those that systems have'

echo "1..$n"
exit $failed

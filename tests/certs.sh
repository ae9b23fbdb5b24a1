#!/bin/sh
# usage: tests/certs.sh FOLDER [more | NAME=NAMES ...]
# Makes certificates and keys for the tests, with openssl(1): NAME.pem (the
# chain that a server shows) and NAME.key, and ca.pem, the authority to trust.
# With `more' also what is about small keys, odd names, revocation and clients,
# lists of what was revoked (NAME.crl) and answers of OCSP (NAME.ocsp).
# NAMES are those in a further certificate, as in DNS:a.example,DNS:b.example.
set -eu

mkdir -p "$1/made"
cd "$1"
trap 'rm -rf made openssl.cnf index.txt* said' EXIT
: > index.txt
cat > openssl.cnf << END
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = made
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = subject
[subject]
[authority_extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server_extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = \${ENV::PURPOSE}
subjectAltName = \${ENV::NAMES}
authorityKeyIdentifier = keyid, issuer
[server_extensions_without_purpose]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectAltName = \${ENV::NAMES}
[nameless_extensions]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
[stapled_extensions]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = \${ENV::NAMES}
tlsfeature = status_request
END
OPENSSL_CONF=$PWD/openssl.cnf
export OPENSSL_CONF NAMES PURPOSE

run() {
	openssl "$@" > said 2>&1 || {
		cat said
		exit 1
	}
}

key() {
	if test -n "${BITS-}"; then
		run genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$BITS" \
		    -out "$1.key"
	else
		run genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		    -out "$1.key"
	fi
}

# self NAME EXTENSIONS
self() {
	key "$1"
	run req -new -x509 -days 30 -key "$1.key" -out "$1.pem" \
	    -subj "/CN=${CN-sendling test $1}" -extensions "$2"
}

# signed NAME AUTHORITY EXTENSIONS [OPTION...]
signed() {
	name=$1 authority=$2 extensions=$3
	shift 3
	key "$name"
	run req -new -key "$name.key" -out "made/$name.csr" \
	    -subj "/CN=${CN-sendling test $name}"
	run ca -batch -notext -in "made/$name.csr" -out "$name.pem" \
	    -cert "$authority.pem" -keyfile "$authority.key" -days 30 \
	    -extensions "$extensions" "$@"
}

# server NAME NAMES [OPTION...]
server() {
	NAMES=$2
	name=$1
	shift 2
	signed "$name" ca server_extensions "$@"
}

PURPOSE=serverAuth
NAMES=DNS:localhost

self ca authority_extensions
self other-ca authority_extensions
self self-signed server_extensions
signed unknown-ca other-ca server_extensions

server good DNS:localhost
server all-names DNS:localhost,IP:127.0.0.1,IP:::1
server ip IP:127.0.0.1,IP:::1
server ip-as-name DNS:127.0.0.1
server expired DNS:localhost -startdate 20200101000000Z \
    -enddate 20200201000000Z
server not-yet DNS:localhost -startdate 20900101000000Z \
    -enddate 20900201000000Z
server wrong-name DNS:mail.example.org
server domain DNS:example.org
server provider DNS:mx.provider.net
server longer-name DNS:localhost.evil.test
(CN=localhost && server cn-only DNS:mail.example.org)
(CN=127.0.0.1 && signed ip-as-cn ca nameless_extensions)
server wildcard 'DNS:*.example.org'
server star 'DNS:*'
server star-org 'DNS:*.org'
server sha1 DNS:localhost -md sha1
(PURPOSE=clientAuth && server no-server DNS:localhost)

NAMES=DNS:localhost
signed no-purpose ca server_extensions_without_purpose
signed intermediate ca authority_extensions
signed chained intermediate server_extensions
cat intermediate.pem >> chained.pem
# An ordinary server's certificate that signs another.
signed not-a-ca good server_extensions
cat good.pem >> not-a-ca.pem

for further; do
	case $further in
	*=DNS:*) server "${further%%=*}" "${further#*=}" ;;
	esac
done
test "${2-}" = more || exit 0

# Keys.
(BITS=2048 && server rsa DNS:localhost)
(BITS=1024 && server small DNS:localhost)
(BITS=1024 && signed small-issuer ca authority_extensions)
signed below-small small-issuer server_extensions
cat small-issuer.pem >> below-small.pem
(BITS=1024 && self small-ca authority_extensions)
signed of-small small-ca server_extensions
(BITS=1024 && self small-self server_extensions)

# Names.
(CN=localhost && signed cn-alone ca nameless_extensions)
(CN=localhost && server cn-and-ip IP:192.0.2.1)
server part-star 'DNS:f*.example.org'
server middle-star 'DNS:mail.*.org'
server two-stars 'DNS:*.*.example.org'
# localhost, a NUL, .evil.test
server nul DER:301682146c6f63616c686f7374002e6576696c2e74657374
# "a, b", "c d", "(e)", "f\x00", "g" NUL, punycode, "h" U+00A0
server odd-names DER:30378204612c2062820363206482032865298205665c783030\
820267008215786e2d2d62636865722d6b76612e6578616d706c65820368c2a0
(CN=' a,  b (as a DNS name) c' && signed odd-cn ca nameless_extensions)
many=
for n in 1 2 3 4 5 6 7 8 9; do
	many=$many,DNS:mail-$n.a-rather-long-name.example.org
done
server many-names "${many#,}"

# For clients.
(PURPOSE=clientAuth && server client DNS:client.example)
(BITS=2048 PURPOSE=clientAuth && server rsa-client DNS:client.example)
run pkey -in client.key -aes128 -passout pass:secret -out locked.key
cat client.pem client.key > both.pem
chmod 600 both.pem

# Revocation. The first serial numbers are of those above.
list() {
	name=$1 authority=$2
	shift 2
	run ca -gencrl -out "$name.crl" -cert "$authority.pem" \
	    -keyfile "$authority.key" -crldays 30 "$@"
}
server revoked DNS:localhost
signed stapled ca stapled_extensions
signed revoked-issuer ca authority_extensions
signed below-revoked revoked-issuer server_extensions
cat revoked-issuer.pem >> below-revoked.pem
run ca -revoke revoked.pem -cert ca.pem -keyfile ca.key
run ca -revoke revoked-issuer.pem -cert ca.pem -keyfile ca.key
list ca ca
list other-ca other-ca
list old ca -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
(CN='sendling test ca' && self forger authority_extensions)
cp index.txt index.txt.kept
: > index.txt
list forged forger
list no-news ca
cp index.txt.kept index.txt
list intermediate intermediate
cat other-ca.crl old.crl ca.crl > many.crl
run crl -in ca.crl -outform DER -out der.crl

# answer NAME [OPTION...]
answer() {
	name=$1
	shift
	run ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key \
	    -issuer ca.pem -cert "$name.pem" -respout "$name.ocsp" -ndays 30 \
	    "$@"
}
answer good
answer stapled
answer revoked

#!/bin/sh
# usage: tests/certs.sh FOLDER
# Makes certificates and keys for the tests, with openssl(1): NAME.pem (the
# chain that a server shows) and NAME.key, and ca.pem, the authority to trust.
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
	run genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$1.key"
}

# self NAME EXTENSIONS
self() {
	key "$1"
	run req -new -x509 -days 30 -key "$1.key" -out "$1.pem" \
	    -subj "/CN=sendling test $1" -extensions "$2"
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

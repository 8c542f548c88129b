#!/usr/bin/env bash
# Runs a program with certificates, and with a broker that uses them:
#   tls.sh BROKER_SCRIPT PROGRAM [ARGUMENT...]
# The program starts in the directory of the certificates. Its last argument is the broker's first port,
# which has no TLS. support/tls_listeners.h has the same listeners in the same order.
set -euo pipefail

broker=$1 program=("${@:2}")
tmp=$(mktemp -d)
trap '"$broker" kill "$tmp/broker"; rm -rf "$tmp"' EXIT
cd "$tmp"

past=20200101000000Z lately=20200201000000Z future=20900101000000Z later=20900201000000Z
curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)

# self_signed NAME SAN
self_signed() {
    openssl req -x509 "${curve[@]}" -nodes -days 2 -subj "/CN=$1" ${2:+-addext "subjectAltName=$2"} \
        -keyout "$1.key" -out "$1.pem"
}

# issue AUTHORITY NAME SAN [FROM UNTIL]
issue() {
    openssl req -new "${curve[@]}" -nodes -subj "/CN=$2" ${3:+-addext "subjectAltName=$3"} \
        -keyout "$2.key" -out "$2.csr"
    openssl ca -batch -notext -config ca.conf -cert "$1.pem" -keyfile "$1.key" \
        -startdate "${4:-$past}" -enddate "${5:-$later}" -in "$2.csr" -out "$2.pem"
}

make_certificates() {
    cat >ca.conf <<'CONF'
[ca]
default_ca = any
[any]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
copy_extensions = copy
policy = names
[names]
commonName = supplied
CONF
    : >index
    self_signed authority
    self_signed stranger
    issue authority named DNS:broker.test
    issue authority addressed IP:127.0.0.1
    issue authority wildcard 'DNS:*.wild.test'
    issue authority expired IP:127.0.0.1 "$past" "$lately"
    issue authority early IP:127.0.0.1 "$future" "$later"
    self_signed alone IP:127.0.0.1
    issue authority client ''
    issue stranger impostor ''
    openssl pkey -in client.key -aes256 -passout pass:sesame -out locked.key
    echo 'no certificate' >text.pem
    echo 'somebody:00112233445566778899aabbccddeeff' >psk
}

# A listener for each line: its certificate, and its other settings. Nothing needs the broker to save
# each change.
listeners() {
    local port=$1 certificate rest
    printf '%s\n' "psk_file $tmp/psk" 'persistence false'
    while read -r certificate rest; do
        port=$((port + 1))
        printf '%s\n' "listener $port 127.0.0.1"
        [[ $certificate == - ]] || printf '%s\n' "certfile $tmp/$certificate.pem" "keyfile $tmp/$certificate.key"
        [[ -z $rest ]] || printf '%b\n' "$rest"
    done <<LIST
named
addressed
wildcard
expired
early
alone
addressed cafile $tmp/authority.pem\nrequire_certificate true
addressed tls_version tlsv1.3
- psk_hint pmqtt\nuse_identity_as_username true
LIST
}

start_broker() {
    local attempt port
    mkdir broker
    for ((attempt = 0; attempt < 10; attempt++)); do
        port=$((20000 + ($$ * 10 + attempt * 3001) % 12000))
        listeners "$port" >broker/extra.conf
        ! "$broker" start "$tmp/broker" "$port" || return 0
    done
    return 1
}

make_certificates >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
start_broker
"${program[@]}" "$(<broker/port)"

#!/bin/sh
# A certificate authority of your own and a certificate of the queue host, in the folder tls:
#
#   sh certificates.sh queue.example.com [10.0.0.7]
#
# authority.crt goes to the platform and to every worker (REDIS_CA_FILE). Keep authority.key elsewhere: whoever has it can
# pretend to be the queue. Where a public authority signs, this script is not needed, nor is REDIS_CA_FILE.
set -eu
host=${1:?name the host of the queue, as workers dial it}
address=${2:-}
umask 077
mkdir -p tls
cd tls
if [ ! -e authority.key ]; then
    openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 3650 -subj "/CN=Authority of the queue" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout authority.key -out authority.crt 2> /dev/null
fi
openssl req -newkey rsa:3072 -nodes -sha256 -subj "/CN=$host" -keyout queue.key -out queue.csr 2> /dev/null
case $host in *[!0-9.]*) names="DNS:$host" ;; *) names="IP:$host" ;; esac
printf 'subjectAltName=%s%s\nextendedKeyUsage=serverAuth\n' "$names" "${address:+,IP:$address}" > queue.ext
openssl x509 -req -in queue.csr -CA authority.crt -CAkey authority.key -CAcreateserial -sha256 -days 825 \
    -extfile queue.ext -out queue.crt 2> /dev/null
rm queue.csr queue.ext
chmod 644 authority.crt queue.crt

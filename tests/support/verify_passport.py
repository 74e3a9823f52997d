"""Verifies a PASSporT (RFC 8225) by PyJWT and cryptography, and prints what it says.

usage: verify_passport.py CERTIFICATE.pem TOKEN
"""

import json
import sys

import jwt
from cryptography import x509


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    claims = jwt.decode(sys.argv[2], certificate.public_key(), algorithms=["ES256"])
    print(json.dumps({"header": jwt.get_unverified_header(sys.argv[2]), "claims": claims}))


main()

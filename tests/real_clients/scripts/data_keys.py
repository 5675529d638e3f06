"""libmongocrypt, through pymongocrypt and without any mongod, makes a data key, uses it, and moves it to another master key.

usage: data_keys.py make|open PORT FOLDER [--delegated]

`make` makes a data key and encrypts with it. `open`, later and in a process of its own, decrypts, rewraps the data key,
and decrypts again. FOLDER holds kmipCA.pem and kmipClient.pem, and keeps what one process leaves for the next. Each
line is JSON and says what was seen.
"""

import json
import pathlib
import socket
import ssl
import sys

import bson
from pymongocrypt.errors import MongoCryptError
from pymongocrypt.mongocrypt import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

phase, port, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
delegated = {"delegated": True} if "--delegated" in sys.argv else {}
vault, sealed = folder / "vault.bson", folder / "sealed.bson"
tls = ssl.create_default_context(cafile=folder / "kmipCA.pem")
tls.load_cert_chain(folder / "kmipClient.pem")


def say(**seen):
    print(json.dumps(seen), flush=True)


class Driver(MongoCryptCallback):
    """What a driver does for libmongocrypt: it asks KMIP, on a connection for each request, and keeps the data keys."""

    def kms_request(self, context):
        host, _, at = context.endpoint.rpartition(":")
        with tls.wrap_socket(socket.create_connection((host, int(at)), 20), server_hostname=host) as connection:
            connection.sendall(context.message)
            while context.bytes_needed > 0:
                received = connection.recv(context.bytes_needed)
                if not received:
                    raise OSError("the server hung up")
                context.feed(received)

    def fetch_keys(self, filter):
        yield vault.read_bytes()

    def insert_data_key(self, data_key):
        vault.write_bytes(data_key)
        return bson.decode(data_key)["_id"]

    def bson_encode(self, document):
        return bson.encode(document)

    def collection_info(self, database, filter):
        raise NotImplementedError("nothing is encrypted automatically here")

    mark_command = collection_info

    def close(self):
        pass


def encrypter():
    """A new one each time: nothing that an older one has opened is at hand."""
    return ExplicitEncrypter(Driver(), MongoCryptOptions({"kmip": {"endpoint": f"127.0.0.1:{port}"}}))


def opened():
    return bson.decode(encrypter().decrypt(sealed.read_bytes()))["v"]


def master_key():
    return bson.decode(vault.read_bytes())["masterKey"]


def refused(act):
    try:
        act()
    except MongoCryptError as error:
        return str(error)
    return None


if phase == "make":
    key = encrypter().create_data_key("kmip", delegated or None)
    say(made=master_key())
    algorithm = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
    sealed.write_bytes(encrypter().encrypt(bson.encode({"v": "457-55-5462"}), algorithm, key_id=key))
    say(opened=opened())
    unknown = delegated | {"keyId": "no-such-key"}
    say(refused=refused(lambda: encrypter().create_data_key("kmip", unknown)))
else:
    before = master_key()
    say(opened=opened(), by=before)
    rewrapped = encrypter().rewrap_many_data_key({}, "kmip", delegated)
    changed = bson.decode(rewrapped)["v"][0]
    vault.write_bytes(bson.encode(bson.decode(vault.read_bytes()) | changed))
    say(opened=opened(), by=master_key(), same_master_key=master_key() == before)

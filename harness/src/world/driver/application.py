"""An application with client-side encryption: pymongo, libmongocrypt, and a mongod behind it.

usage: application.py MONGODB_URI ENDPOINT FOLDER

It does what it is told: each line on standard input is an order in JSON, and has one line in JSON as its answer. FOLDER
holds kmipCA.pem and kmipClient.pem, which are read anew with every client. Nothing is judged here: what was decrypted is
said, and so is what went wrong, in the words of the driver. It ends when its standard input is closed.
"""

import json
import platform
import sys

import pymongo
import pymongocrypt
from bson.binary import STANDARD
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.encryption import Algorithm, ClientEncryption
from pymongo.encryption_options import AutoEncryptionOpts
from pymongo.errors import EncryptionError, PyMongoError

uri, endpoint, folder = sys.argv[1:4]
VAULT = "encryption.__keyVault"
NAME = "the-key"
PROVIDERS = {"kmip": {"endpoint": endpoint}}
TLS = {"kmip": {"tlsCAFile": f"{folder}/kmipCA.pem", "tlsCertificateKeyFile": f"{folder}/kmipClient.pem"}}
RANDOM = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random
PATIENCE = 20_000

client = MongoClient(uri, serverSelectionTimeoutMS=PATIENCE, uuidRepresentation="standard")
vault = client.encryption["__keyVault"]
people = client.test.get_collection("people", write_concern=pymongo.WriteConcern(w=1, j=True))
reader = None


def explicit():
    """Makes data keys and encrypts. A new one each time: nothing that an older one has opened is at hand."""
    return ClientEncryption(PROVIDERS, VAULT, client, CodecOptions(uuid_representation=STANDARD), kms_tls_options=TLS)


def reading(fresh):
    """Decrypts by itself what it reads. It keeps the data keys that it has opened, as libmongocrypt does."""
    global reader
    if fresh or reader is None:
        if reader is not None:
            reader.close()
        # Without automatic encryption neither mongocryptd nor crypt_shared is needed, which are not free software.
        automatic = AutoEncryptionOpts(PROVIDERS, VAULT, kms_tls_options=TLS, bypass_auto_encryption=True)
        reader = MongoClient(uri, serverSelectionTimeoutMS=PATIENCE, auto_encryption_opts=automatic)
    return reader


def master_key():
    return vault.find_one({"keyAltNames": NAME})["masterKey"]["keyId"]


def make(order):
    """Makes the data key, under a master key that is named or else under a new one."""
    wanted = {name: order[name] for name in ("keyId", "delegated") if order.get(name)}
    with explicit() as keys:
        keys.create_data_key("kmip", master_key=wanted or None, key_alt_names=[NAME])
    return {"made": master_key()}


def write(order):
    """Writes a document, encrypted with the data key."""
    with explicit() as keys:
        people.insert_one({"_id": 1, "secret": keys.encrypt(order["clear"], RANDOM, key_alt_name=NAME)})
    return {"wrote": master_key()}


def read(order):
    """Reads the document back, with what was opened before unless it is to be opened anew."""
    document = reading(order["fresh"]).test.people.find_one({"_id": 1})
    return {"read": document["secret"], "under": master_key()}


def look(order):
    """What is there already."""
    return {"key": vault.count_documents({}) > 0, "document": people.count_documents({}) > 0}


def rewrap(order):
    """Wraps the data key anew under a new master key."""
    wanted = {"delegated": True} if order.get("delegated") else {}
    with explicit() as keys:
        result = keys.rewrap_many_data_key({"keyAltNames": NAME}, provider="kmip", master_key=wanted)
    done = result.bulk_write_result
    return {"rewrapped": done.modified_count if done else 0, "under": master_key()}


def kind(trouble):
    """The class of an exception. Encryption fails, too, when the key vault is not reached: then it is that of reaching it."""
    if isinstance(trouble, EncryptionError):
        try:
            client.admin.command("ping")
        except PyMongoError as cause:
            return type(cause).__name__
    return type(trouble).__name__


def say(line):
    print(json.dumps(line), flush=True)


ORDERS = {"look": look, "make": make, "write": write, "read": read, "rewrap": rewrap}
about = client.server_info()
say(
    {
        "pymongo": pymongo.version,
        "libmongocrypt": pymongocrypt.libmongocrypt_version(),
        "python": platform.python_version(),
        "mongod": about["version"],
        "modules": about["modules"],
    }
)
for line in sys.stdin:
    order = json.loads(line)
    try:
        say(ORDERS[order["do"]](order))
    except (PyMongoError, ValueError, OSError) as trouble:
        say({"failed": str(trouble), "kind": kind(trouble)})

"""pymongo with client-side encryption, a real mongod behind it, and the proxy as its KMIP server.

usage: csfle.py make|open MONGODB_URI PORT FOLDER [--delegated]

`make` makes a data key, writes an encrypted document, and moves the data key to another master key. `open`, when
everything has been restarted, decrypts explicitly and automatically, and finds the document by its encrypted field.
FOLDER holds kmipCA.pem and kmipClient.pem. Each line is JSON and says what was seen.
"""

import json
import sys

import pymongo
import pymongocrypt
from bson.binary import STANDARD
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.encryption import Algorithm, ClientEncryption
from pymongo.encryption_options import AutoEncryptionOpts

phase, uri, port, folder = sys.argv[1:5]
master_key = {"delegated": True} if "--delegated" in sys.argv else {}
VAULT = "encryption.__keyVault"
PROVIDERS = {"kmip": {"endpoint": f"127.0.0.1:{port}"}}
TLS = {"kmip": {"tlsCAFile": f"{folder}/kmipCA.pem", "tlsCertificateKeyFile": f"{folder}/kmipClient.pem"}}
EXACT = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Deterministic
RANDOM = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random
PATIENCE = 20_000


def say(**seen):
    print(json.dumps(seen), flush=True)


client = MongoClient(uri, serverSelectionTimeoutMS=PATIENCE, uuidRepresentation="standard")
keys = ClientEncryption(PROVIDERS, VAULT, client, CodecOptions(uuid_representation=STANDARD), kms_tls_options=TLS)
vault, people = client.encryption["__keyVault"], client.test.people
if phase == "make":
    about = client.server_info()
    versions = {"pymongo": pymongo.version, "libmongocrypt": pymongocrypt.libmongocrypt_version()}
    say(mongod=about["version"], modules=about["modules"], **versions)
    key = keys.create_data_key("kmip", master_key=master_key or None, key_alt_names=["the-key"])
    people.insert_one({"_id": 1, "ssn": keys.encrypt("457-55-5462", EXACT, key), "blob": keys.encrypt({"n": 42}, RANDOM, key)})
    made = vault.find_one({"_id": key})["masterKey"]
    result = keys.rewrap_many_data_key({"_id": key}, provider="kmip", master_key=master_key or None)
    rewrapped = vault.find_one({"_id": key})["masterKey"]
    say(rewrapped=result.bulk_write_result.modified_count, same_master_key=made == rewrapped, delegated=made.get("delegated"))
else:
    raw = people.find_one({"_id": 1})
    say(stored=raw["ssn"].subtype, explicit=[keys.decrypt(raw["ssn"]), keys.decrypt(raw["blob"])])
    # Without automatic encryption neither mongocryptd nor crypt_shared is needed, which are not free software.
    automatic = AutoEncryptionOpts(PROVIDERS, VAULT, kms_tls_options=TLS, bypass_auto_encryption=True)
    with MongoClient(uri, serverSelectionTimeoutMS=PATIENCE, auto_encryption_opts=automatic) as decrypting:
        found = decrypting.test.people.find_one({"_id": 1})
        say(automatic=[found["ssn"], found["blob"]])
    sought = keys.encrypt("457-55-5462", EXACT, key_alt_name="the-key")
    say(found=people.count_documents({"ssn": sought}))
keys.close()
client.close()

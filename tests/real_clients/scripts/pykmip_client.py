"""PyKMIP's client goes through the life of a key, and prints a line of JSON for each step.

usage: pykmip_client.py PORT FOLDER VERSION

FOLDER holds kmipCA.pem and kmipClient.pem. A line says what a step gave, or the reason for which it was refused. Nothing
is judged here, and a step goes on with what the steps before it gave.
"""

import json
import logging
import sys
import warnings
from enum import Enum

warnings.simplefilter("ignore")  # PyKMIP names ciphers where cryptography no longer has them.

from kmip import enums
from kmip.core.exceptions import OperationFailure
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

logging.disable(logging.CRITICAL)
port, folder, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]

AES = enums.CryptographicAlgorithm.AES
MASK = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
CBC = {
    "block_cipher_mode": enums.BlockCipherMode.CBC,
    "padding_method": enums.PaddingMethod.PKCS5,
    "cryptographic_algorithm": AES,
}
IV = bytes(range(16))
TOLD = ["Unique Identifier", "Name", "Object Type", "Cryptographic Algorithm", "Cryptographic Length"]
TOLD += ["Cryptographic Usage Mask", "State", "Initial Date", "Activation Date", "Last Change Date"]
MATERIAL = bytes(range(32))
SEED = bytes(range(96))


def step(name, call, show=lambda gave: gave):
    """Takes a step, prints what came of it, and gives it; None where it was refused."""
    try:
        gave = call()
    except (KmipOperationFailure, OperationFailure) as refused:
        print(json.dumps({"step": name, "refused": refused.reason.name, "message": str(refused)}), flush=True)
        return None
    except Exception as fault:  # of the client: no answer of a server should bring one about
        print(json.dumps({"step": name, "client": f"{type(fault).__name__}: {fault}"}), flush=True)
        return None
    print(json.dumps({"step": name, "gave": show(gave)}), flush=True)
    return gave


def plain(value):
    """A value of PyKMIP's as JSON has it: enumerations by name, everything else without its wrapping."""
    value = getattr(value, "name_value", value)
    while not isinstance(value, Enum) and hasattr(value, "value"):
        value = value.value
    if isinstance(value, Enum):
        return value.name
    return value if isinstance(value, (str, int)) else str(value)


def attributes(gave):
    return {attribute.attribute_name.value: plain(attribute.attribute_value) for attribute in gave[1]}


def found(gave):
    return [str(plain(name)) for name in gave]


def asked(result):
    """A result of the lower of PyKMIP's two clients, refused as the upper one refuses."""
    if result.result_status.value != enums.ResultStatus.SUCCESS:
        message = result.result_message.value
        raise KmipOperationFailure(result.result_status.value, result.result_reason.value, message)
    return result


def attribute(kind, value):
    return AttributeFactory().create_attribute(kind, value)


client = ProxyKmipClient(
    hostname="127.0.0.1",
    port=port,
    ca=f"{folder}/kmipCA.pem",
    cert=f"{folder}/kmipClient.pem",
    key=f"{folder}/kmipClient.pem",
    kmip_version=enums.KMIPVersion[f"KMIP_{version.replace('.', '_')}"],
)
KIND, NAME = enums.AttributeType.OBJECT_TYPE, enums.AttributeType.NAME
with client:
    names = [enums.QueryFunction.QUERY_OPERATIONS, enums.QueryFunction.QUERY_OBJECTS]
    step(
        "query",
        lambda: asked(client.proxy.query(query_functions=names)),
        lambda gave: {
            "operations": sorted(plain(operation) for operation in gave.operations),
            "objects": sorted(plain(kind) for kind in gave.object_types),
        },
    )
    step(
        "discover versions",
        lambda: asked(client.proxy.discover_versions()),
        lambda gave: [f"{known.major}.{known.minor}" for known in gave.protocol_versions],
    )

    made = step("create", lambda: client.create(AES, 256, name="the-key", cryptographic_usage_mask=MASK))
    step("get", lambda: client.get(made), lambda gave: [type(gave).__name__, len(gave.value)])
    step("get attributes, pre-active", lambda: client.get_attributes(made, ["State"]), attributes)
    step("encrypt, pre-active", lambda: client.encrypt(b"x", made, CBC, IV))
    step("activate", lambda: client.activate(made))
    step("activate again", lambda: client.activate(made))
    step("get attributes", lambda: client.get_attributes(made, TOLD), attributes)
    step("get attributes, all", lambda: client.get_attributes(made), attributes)
    step("get attribute list", lambda: client.get_attribute_list(made), lambda gave: "State" in found(gave))
    step("locate by name", lambda: client.locate(attributes=[attribute(NAME, "the-key")]), lambda gave: gave == [made])
    step("locate none", lambda: client.locate(attributes=[attribute(NAME, "no such key")]), found)
    sealed = step("encrypt", lambda: client.encrypt(SEED, made, CBC, IV), lambda gave: len(gave[0]))
    if sealed:
        step("decrypt", lambda: client.decrypt(sealed[0], made, CBC, IV), lambda gave: gave == SEED)
    drawn = step("encrypt, iv drawn", lambda: client.encrypt(SEED, made, CBC | {"random_iv": True}), lambda gave: len(gave[1]))
    if drawn:
        step("decrypt, iv drawn", lambda: client.decrypt(drawn[0], made, CBC, drawn[1]), lambda gave: gave == SEED)
    renamed = attribute(NAME, "another name")
    step("modify attribute", lambda: client.modify_attribute(made, attribute=renamed), lambda gave: gave[0] == made)
    step("delete attribute", lambda: client.delete_attribute(made, attribute_name="Name"), lambda gave: gave[0] == made)

    step("destroy, active", lambda: client.destroy(made))
    stopped = enums.RevocationReasonCode.CESSATION_OF_OPERATION
    step("revoke", lambda: client.revoke(stopped, made, revocation_message="no longer used"))
    step("get attributes, revoked", lambda: client.get_attributes(made, ["State"]), attributes)
    step("encrypt, revoked", lambda: client.encrypt(b"x", made, CBC, IV))
    step("get, revoked", lambda: client.get(made), lambda gave: len(gave.value))
    step("destroy", lambda: client.destroy(made))
    step("get, destroyed", lambda: client.get(made))
    step("get, unknown", lambda: client.get("no such key"))

    key = objects.SymmetricKey(AES, 256, MATERIAL, masks=MASK, name="registered")
    given = step("register", lambda: client.register(key), lambda gave: bool(gave))
    step("get, registered", lambda: client.get(given), lambda gave: gave.value == MATERIAL)
    secret = objects.SecretData(SEED, enums.SecretDataType.SEED, masks=[])
    kept = step("register secret data", lambda: client.register(secret), lambda gave: bool(gave))
    step("get, secret data", lambda: client.get(kept), lambda gave: [type(gave).__name__, gave.value == SEED])
    symmetric = attribute(KIND, enums.ObjectType.SYMMETRIC_KEY)
    step("locate by type", lambda: client.locate(attributes=[symmetric]), lambda gave: gave == [given])
    compromised = enums.RevocationReasonCode.KEY_COMPROMISE
    step("revoke, compromised", lambda: client.revoke(compromised, given, compromise_occurrence_date=1700000000))
    step("get attributes, compromised", lambda: client.get_attributes(given, ["State"]), attributes)
    step("destroy, compromised", lambda: client.destroy(given))
    step("destroy, pre-active", lambda: client.destroy(kept))
    step("locate, all destroyed", lambda: client.locate(), found)

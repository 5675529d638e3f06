"""moto's KMS and STS on a port of its own choice, with two CMKs and a role.

usage: moto_clouds.py

Prints one line of JSON with where it listens and what it made, and serves until its standard input is closed. moto knows
neither disabled keys nor signatures; what it answers is somebody else's reading of AWS, not AWS.
"""

import json
import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"


def service(name):
    return boto3.client(
        name, region_name="eu-west-1", endpoint_url=endpoint, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="sesame"
    )


trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
role = service("iam").create_role(RoleName="opens-keys", AssumeRolePolicyDocument=json.dumps(trust))
kms = service("kms")
made = {
    "endpoint": endpoint,
    "cmk": kms.create_key()["KeyMetadata"]["Arn"],
    "other": kms.create_key()["KeyMetadata"]["Arn"],
    "role": role["Role"]["Arn"],
}
print(json.dumps(made), flush=True)
sys.stdin.read()
server.stop()

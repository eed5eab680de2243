"""Judges cases by the reference standalone verifier, one JSON object a line.

Each line in: {"receipt", "jwks", "predecessor"?, "originating"?, "tsa_keys"?,
"bitcoin_headers"?}, every value the text of a file. Each line out: {"verdict",
"failure_class", "axes": {name: [result, failure_class, note]}}. A text that the
reference refuses to read is "unverified", "unverifiable", without axes.
"""

import json
import sys

from asqav.verifier import verify_receipt as reference


def judge(case):
    def load(name):
        return reference._parse_object(case[name], name) if name in case else None

    try:
        receipt, jwks = load("receipt"), load("jwks")
        predecessor, originating = load("predecessor"), load("originating")
    except reference.VerifierInputError as error:
        return refused(str(error))
    headers = json.loads(case["bitcoin_headers"]) if "bitcoin_headers" in case else None
    tsa_keys = [reference.tsa_key_material(key.encode()) for key in case.get("tsa_keys", [])]
    result = reference.run_structured(
        receipt,
        jwks,
        predecessor,
        counterparty=originating,
        trusted_tsa_keys=tsa_keys,
        bitcoin_headers=headers,
    )
    axes = {a["name"]: [a["result"], a["failure_class"], a["note"]] for a in result["axes"]}
    return {"verdict": result["verdict"], "failure_class": result["failure_class"], "axes": axes}


def refused(note):
    return {
        "verdict": "unverified",
        "failure_class": "unverifiable",
        "axes": {"input": ["FAIL", "unverifiable", note]},
    }


for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except Exception as error:  # a crash is the reference's, and is told apart
        answer = {"verdict": "crashed", "failure_class": None, "axes": {"input": ["FAIL", None, repr(error)]}}
    print(json.dumps(answer), flush=True)

"""Checks every receipt of a log with code that is not ours.

usage: check_receipts.py LOG_LINES KEYS

LOG_LINES holds one receipt per line, KEYS the JWKS. For each receipt:
  - the reference oracle (python -m asqav.verifier.oracle) says `verified`;
  - the reference standalone verifier passes every axis, anchors skipped;
  - dilithium-py verifies the signature over the canonical payload.
Prints one JSON object: how many receipts each peer accepted, and what it
refused. Exits 1 if anything was refused.
"""

import base64
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from asqav.verifier import verify_receipt as standalone
from asqav.verifier.oracle import __main__ as oracle
from dilithium_py.ml_dsa import ML_DSA_65


def oracle_verdict(arguments):
    """The oracle's exit code and output, run in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            code = oracle.main(arguments)
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue()


def oracle_process(arguments):
    """The same through the documented command line, for the first receipt."""
    command = [sys.executable, "-m", "asqav.verifier.oracle", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def axes_refused(receipt, keys, predecessor):
    result = standalone.run_structured(receipt, keys, predecessor)
    odd = []
    for axis in result["axes"]:
        wanted = "SKIPPED" if axis["name"] == "anchors" else "PASS"
        if axis["result"] != wanted:
            odd.append(f"{axis['name']} {axis['result']}: {axis['note']}")
    return odd


def signature_holds(receipt, public_keys):
    text = receipt["signature"]["sig"]
    signature = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    message = standalone.canonical_json(receipt["payload"])
    return ML_DSA_65.verify(public_keys[receipt["signature"]["kid"]], message, signature)


def main(lines_file, keys_file):
    lines = Path(lines_file).read_bytes().split(b"\n")
    receipts = [line for line in lines if line]
    keys = json.loads(Path(keys_file).read_bytes())
    public_keys = {entry["kid"]: base64.b64decode(entry["public_key"]) for entry in keys["keys"]}
    accepted = {"oracle": 0, "standalone": 0, "dilithium-py": 0}
    refused = []
    kinds = {}
    with tempfile.TemporaryDirectory() as folder:
        previous = None
        for number, line in enumerate(receipts, start=1):
            path = Path(folder) / f"{number}.json"
            path.write_bytes(line)
            receipt = json.loads(line)
            payload = receipt["payload"]
            kind = f"{payload['type']} {payload['decision']}"
            kinds[kind] = kinds.get(kind, 0) + 1

            arguments = [str(path), "--keys", keys_file]
            if previous is not None:
                arguments += ["--predecessor", str(previous)]
            code, text = (oracle_process if number == 1 else oracle_verdict)(arguments)
            if code == 0 and json.loads(text)["verdict"] == "verified":
                accepted["oracle"] += 1
            else:
                refused.append({"seq": number, "peer": "oracle", "why": text[-2000:]})

            before = json.loads(previous.read_bytes())["payload"] if previous else None
            odd = axes_refused(receipt, keys, before)
            if odd:
                refused.append({"seq": number, "peer": "standalone", "why": odd})
            else:
                accepted["standalone"] += 1

            if signature_holds(receipt, public_keys):
                accepted["dilithium-py"] += 1
            else:
                refused.append({"seq": number, "peer": "dilithium-py", "why": "signature"})
            previous = path
    print(json.dumps({"receipts": len(receipts), "accepted": accepted, "refused": refused, "kinds": kinds}))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

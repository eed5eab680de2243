"""Work of the Python peers, timed inside their process: seconds, one a line.

The interpreter's start and imports are not counted.
"""

import json
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")


def inference_log(directory):
    from pqc_audit_log_fs import LogAppender, RotationPolicy
    from quantumshield.identity.agent import AgentIdentity

    signer = AgentIdentity.create("peer")
    never = RotationPolicy(10**9, 10**12, 10**9)
    return LogAppender(directory, signer, rotation=never), signer


def inference_event(number):
    from pqc_audit_log_fs import InferenceEvent

    return InferenceEvent.create(
        model_did="did:pqaid:model",
        model_version="1",
        input_bytes=b"i" * 500,
        output_bytes=b"o" * 500,
        decision_type="classification",
        decision_label="approve",
        actor_did="did:pqaid:actor",
        session_id="session",
        metadata={"number": number},
    )


def append(directory, callers, seconds):
    """Durable appends by so many threads under the lock that they need."""
    log, _ = inference_log(directory)
    lock, end = threading.Lock(), time.perf_counter() + float(seconds)
    counts = [0] * int(callers)

    def caller(at):
        while time.perf_counter() < end:
            event = inference_event(counts[at])
            with lock:
                log.append(event)
            counts[at] += 1

    start = time.perf_counter()
    threads = [threading.Thread(target=caller, args=(at,)) for at in range(int(callers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print((time.perf_counter() - start) / sum(counts))


def segment(directory, events):
    """Writes one sealed segment without waiting for the disk; prints the key."""
    import os

    log, signer = inference_log(directory)
    os.fsync = lambda _: None
    for number in range(int(events)):
        log.append(inference_event(number))
    log.close()
    print(signer.signing_keypair.public_key.hex())


def prove(directory, event_id, times):
    from pqc_audit_log_fs import InclusionProver, LogReader

    start = time.perf_counter()
    for _ in range(int(times)):
        InclusionProver(LogReader(directory)).prove_event(1, event_id)
    print((time.perf_counter() - start) / int(times))


def verify(directory):
    from pqc_audit_log_fs import LogReader

    start = time.perf_counter()
    sound, problems = LogReader(directory).verify_chain()
    print(time.perf_counter() - start)
    assert sound, problems


def receipts(file, keys):
    """Verifies receipts, one a line, by the reference verifier of asqav."""
    from asqav.verifier import verify_receipt as reference

    keys = json.load(open(keys, encoding="utf-8"))
    parsed = [json.loads(line) for line in open(file, encoding="utf-8")]
    start = time.perf_counter()
    for receipt in parsed:
        result = reference.run_structured(receipt, keys, None)
        signature = [axis["result"] for axis in result["axes"] if axis["name"] == "signature"]
        assert signature == ["PASS"], result
    print((time.perf_counter() - start) / len(parsed))


def witness_log(directory, calls):
    """Two leaves a call, first without, then with a sync for each call."""
    import os

    import witness_log as peer

    for name, synced in (("written", False), ("synced", True)):
        log = peer.JournaledLog.create(os.path.join(directory, name), bytes(32))
        payload = b"a" * 500
        start = time.perf_counter()
        for _ in range(int(calls)):
            log.append_intent(payload)
            log.append_result(payload)
            if synced:
                log.sync()
        print((time.perf_counter() - start) / int(calls))


if __name__ == "__main__":
    {f.__name__: f for f in (append, segment, prove, verify, receipts, witness_log)}[sys.argv[1]](*sys.argv[2:])

"""Follows golden.txt from docs/key-epochs.md alone: another implementation of
the transcript, keys and MACs, over OpenSSL's primitives instead of circl's.
Needs Python's `cryptography` with ML-KEM and ML-DSA (48 has them). Not part of
`make test`: it was run when the specification was written, and is to be run
again when golden.txt changes:  python3 verify.py < golden.txt
"""

import hashlib
import hmac
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM1024PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey


def number(n):
    return struct.pack(">Q", n)


class Frame:
    def __init__(self, kind):
        self.bytes = b""
        self.add("keiro key epochs v1", kind.encode())

    def add(self, label, value):
        self.bytes += struct.pack(">H", len(label)) + label.encode() + struct.pack(">I", len(value)) + value
        return self

    def sum(self):
        return hashlib.sha256(self.bytes).digest()


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def extract(salt, secret):
    return hmac256(salt, secret)


def expand(key, info):
    return hmac256(key, info + b"\1")  # one block


def fingerprint(public):
    return Frame("fingerprint").add("ed25519", public[:32]).add("ml-dsa-65", public[32:]).sum()


def verify(public, purpose, message, signature):
    assert len(signature) == 3373
    frame = Frame("signature").add("purpose", purpose.encode())
    signed = frame.add("signer", fingerprint(public)).add("message", message).sum()
    Ed25519PublicKey.from_public_bytes(public[:32]).verify(signature[:64], signed)
    MLDSA65PublicKey.from_public_bytes(public[32:]).verify(signature[64:], signed)


class Reader:
    def __init__(self, message, kind):
        self.rest = message
        assert self.take(2) == bytes([1, kind])
        self.exchange, self.epoch = self.take(16), self.int(8)

    def take(self, n):
        taken, self.rest = self.rest[:n], self.rest[n:]
        assert len(taken) == n
        return taken

    def int(self, n):
        return int.from_bytes(self.take(n), "big")

    def text(self):
        return self.take(self.int(1))


def shared_secret(suite, seed, key, ciphertext):
    if suite == "X-Wing":  # draft-connolly-cfrg-xwing-kem
        expanded = hashlib.shake_256(seed[:32]).digest(96)
        quantum, classic, cut, scheme = expanded[:64], expanded[64:], 1088, MLKEM768PrivateKey
    else:
        quantum, classic, cut, scheme = seed[:64], seed[64:96], 1568, MLKEM1024PrivateKey
    static = X25519PrivateKey.from_private_bytes(classic)
    classic = static.exchange(X25519PublicKey.from_public_bytes(ciphertext[cut:]))
    quantum = scheme.from_seed_bytes(quantum).decapsulate(ciphertext[:cut])
    if suite == "X-Wing":
        rest = ciphertext[cut:] + static.public_key().public_bytes_raw() + b"\\.//^\\"
    else:
        rest = ciphertext + key + b"keiro key epochs v1 X25519-ML-KEM-1024"
    return hashlib.sha3_256(quantum + classic + rest).digest()


def follow(suite, number_of_suite, key_size, given, lines):
    init = Reader(lines["kind-1"], 1)
    assert init.int(1) == number_of_suite
    ends = [init.text(), init.take(32), init.text(), init.take(32)]
    assert ends[1] == fingerprint(given["aki"]) and ends[3] == fingerprint(given["bea"])
    nonce, key = init.take(32), init.take(key_size)
    lanes = [(init.text(), init.int(4), init.text()) for _ in range(init.int(2))]

    def add_lane(frame, lane):
        return frame.add("intent", lane[0]).add("lane", number(lane[1])).add("QKD key", lane[2])

    t = Frame("exchange").add("exchange", init.exchange).add("suite", bytes([number_of_suite]))
    t.add("epoch", number(init.epoch)).add("initiator node", ends[0]).add("initiator identity", ends[1])
    t.add("responder node", ends[2]).add("responder identity", ends[3])
    t.add("initiator nonce", nonce).add("encapsulation key", key).add("lanes", number(len(lanes)))
    for lane in lanes:
        add_lane(t, lane)

    reply = Reader(lines["kind-2"], 2)
    t.add("responder nonce", reply.take(32))
    ciphertext = reply.take(reply.int(2))
    t1 = t.add("ciphertext", ciphertext).sum()
    signature = reply.take(3373)
    verify(given["bea"], "reply", t1, signature)
    k = extract(t1, shared_secret(suite, given["seed"], key, ciphertext))

    def mac(role):
        return hmac256(expand(k, Frame(role + " MAC").sum()), t.sum())

    t.add("responder signature", signature)
    assert reply.rest == mac("responder")
    t.add("responder MAC", reply.rest)

    def context(purpose, lane):
        return add_lane(Frame(purpose), lane).add("epoch", number(init.epoch)).sum()

    keys, checks = [], []
    for lane in lanes:
        base = k
        if lane[2]:
            part, length = expand(k, context("lane secret to mix with QKD", lane)), struct.pack(">I", 32)
            base = extract(t1, length + part + length + given["qkd"])
            checks.append(expand(base, context("lane check", lane)))
        keys.append(expand(base, context("lane key", lane)))

    confirm = Reader(lines["kind-3"], 3)
    assert [confirm.take(32) for _ in range(confirm.int(2))] == checks
    t.add("checks", number(len(checks)))
    for check in checks:
        t.add("check", check)
    signature = confirm.take(3373)
    verify(given["aki"], "confirm", t.sum(), signature)
    t.add("initiator signature", signature)
    assert confirm.rest == mac("initiator")
    t.add("initiator MAC", confirm.rest)

    commit = Reader(lines["kind-4"], 4)
    assert commit.int(2) == len(lanes) == 3
    t.add("taken", commit.take(1))
    assert commit.rest == mac("commit")

    for lane, psk in zip(lanes, keys):
        assert lines["%s/%d" % (lane[0].decode(), lane[1])] == psk

    nudge = Reader(lines["kind-5"], 5)
    signed = Frame("nudge").add("epoch", number(nudge.epoch)).add("responder node", ends[2]).add("responder identity", ends[3])
    signed = signed.add("initiator node", ends[0]).add("initiator identity", ends[1]).sum()
    assert nudge.exchange == signed[:16]
    verify(given["bea"], "nudge", signed, nudge.rest[-3373:])


def main():
    lines = {}
    for line in sys.stdin:
        group, name, value = line.split()
        lines.setdefault(group, {})[name] = bytes.fromhex(value)
    follow("X-Wing", 1, 1216, lines["input"], lines["X-Wing"])
    follow("X25519-ML-KEM-1024", 2, 1600, lines["input"], lines["X25519-ML-KEM-1024"])
    print("both exchanges: signatures, checks, MACs and keys are those of the specification")


main()

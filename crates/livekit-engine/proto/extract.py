#!/usr/bin/env python3
"""Writes the engine's protobuf descriptor set, taken from the published wheel.

    pip download livekit==<version> --no-deps --dest wheels
    python3 extract.py wheels/livekit-<version>-*.whl livekit-ffi-<engine version>.fds

The wheel carries every message description as a bytes literal in its *_pb2.py modules. A
FileDescriptorSet is those descriptions one after another as field 1, each behind its length, with a
file after the files it imports. So neither protoc nor the protobuf package is needed, and no code of
the wheel is run.
"""

import ast
import sys
import zipfile

FOLDER = "livekit/rtc/_proto/"
FILE_NAME, FILE_IMPORT = 1, 3  # fields of google.protobuf.FileDescriptorProto


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def strings(data, wanted):
    """The top-level string fields of one message with the number `wanted`."""
    at, found = 0, []
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            _, at = read_varint(data, at)
            continue
        if key & 7 != 2:
            sys.exit(f"unexpected wire type {key & 7} in a file description")
        size, at = read_varint(data, at)
        if key >> 3 == wanted:
            found.append(data[at : at + size].decode())
        at += size
    return found


def description(source):
    """The argument of the module's single AddSerializedFile call."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return node.args[0].value
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    files = {}
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        for name in sorted(wheel.namelist()):
            if name.startswith(FOLDER) and name.endswith("_pb2.py"):
                data = description(wheel.read(name))
                if data is not None:
                    files[strings(data, FILE_NAME)[0]] = data

    written, out = set(), bytearray()

    def write(name):
        if name in written:
            return
        written.add(name)
        for needed in strings(files[name], FILE_IMPORT):
            write(needed)
        out.extend(b"\x0a" + varint(len(files[name])) + files[name])

    for name in sorted(files):
        write(name)
    with open(sys.argv[2], "wb") as target:
        target.write(out)
    print(f"{len(written)} files, {len(out)} bytes")


if __name__ == "__main__":
    main()

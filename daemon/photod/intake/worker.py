"""The process that decodes, one photo after the other: `python -m photod.intake.worker`, started by `process`.

It trusts nothing that it decodes and is trusted with nothing: it shuts itself in before it sees the first byte.
"""

import argparse
import errno
import gc
import json
import mmap
import os
import signal
import socket
import warnings

from photod.errors import DecodeError
from photod.intake import decode, protocol, sandbox
from photod.photos import InputSpec


def main() -> None:
    """Shut this process in, then serve the socket on file descriptor 0 until the other side closes it."""
    options = _parse()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the daemon decides when its workers end
    warnings.simplefilter("ignore")
    missing = sandbox.close(options.memory_mb)
    sandbox.die_with_parent()  # now: a change of credentials would have revoked it
    if options.report:
        print(json.dumps(missing))
        return
    with socket.socket(fileno=0) as wire:
        protocol.send_answer(wire, protocol.HELLO)
        serve(wire, InputSpec(options.size, options.resize, options.decode_sides), options)


def serve(wire: socket.socket, spec: InputSpec, options: argparse.Namespace) -> None:
    """Decode what comes until the other side is gone."""
    while True:
        header, descriptors, _flags, _address = socket.recv_fds(wire, protocol.TASK.size, 1)
        if not header:
            return
        protocol.send_answer(wire, protocol.STARTED)
        (size,) = protocol.TASK.unpack(header)
        sandbox.limit_cpu(options.cpu_s)
        try:
            photo = _decode(descriptors[0], size, spec, options.max_pixels)
        except DecodeError as error:
            reason = str(error)
        except MemoryError:
            reason = f"needs more than {options.memory_mb} MB to decode"
        else:
            protocol.send_answer(wire, protocol.DECODED, protocol.pack_facts(photo.facts), photo.pixels)
            continue
        protocol.send_answer(wire, protocol.FAILED, reason)
        gc.collect()  # an exception's traceback may keep the whole photo mapped


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--resize", required=True)
    parser.add_argument("--decode-sides", type=int, required=True)
    parser.add_argument("--max-pixels", type=int, required=True)
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--cpu-s", type=float, required=True)
    parser.add_argument("--report", action="store_true", help="print which walls are missing, and end")
    return parser.parse_args()


def _decode(descriptor: int, size: int, spec: InputSpec, max_pixels: int) -> decode.ModelInput:
    try:
        if size == 0:
            return decode.decode_photo(b"", spec, max_pixels)
        # Not closed but let go: what failed in the middle may still hold views of it.
        return decode.decode_photo(_map(descriptor, size), spec, max_pixels)
    finally:
        os.close(descriptor)


def _map(descriptor: int, size: int) -> mmap.mmap:
    try:
        return mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    except OSError as error:
        if error.errno == errno.ENOMEM:  # the file is larger than the address space that it may take
            raise MemoryError from error
        raise


if __name__ == "__main__":
    main()

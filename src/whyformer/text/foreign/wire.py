"""The wire format of Protocol Buffers, as far as the files of SentencePiece use it.

A message is a sequence of fields. Each field is a key (the field number and the kind of its value)
and a value. Format: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The kinds of values: an integer, 8 bytes, a length and as many bytes, 4 bytes."""

Value = int | bytes


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of each field of a message.

    Raises: ValueError if the message is damaged.

    >>> list(fields(b"\\x08\\x96\\x01\\x12\\x02hi"))
    [(1, 150), (2, b'hi')]
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, place = _varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError("it is not a Protocol Buffers message")
        if place + size > len(message):
            raise ValueError("the file ends in the middle of a value")
        yield key >> 3, message[place : place + size]
        place += size


def field(number: int, value: int | float | str | bytes) -> bytes:
    """Return one field. A float has 4 bytes.

    >>> field(1, 150) + field(2, "hi")
    b'\\x08\\x96\\x01\\x12\\x02hi'
    """
    if isinstance(value, int):
        return _as_varint(number << 3 | VARINT) + _as_varint(value % (1 << 64))
    if isinstance(value, float):
        return _as_varint(number << 3 | FIXED32) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return _as_varint(number << 3 | BYTES) + _as_varint(len(content)) + content


def as_float(value: Value) -> float:
    """Return the number that 4 bytes stand for."""
    if not isinstance(value, bytes):
        raise ValueError("a number has the wrong type")
    (number,) = struct.unpack("<f", value)
    return number


def as_bytes(value: Value) -> bytes:
    """Return the bytes of a text or an inner message."""
    if not isinstance(value, bytes):
        raise ValueError("a text has the wrong type")
    return value


def as_int(value: Value) -> int:
    """Return an integer of 32 bits, which may be negative."""
    if not isinstance(value, int):
        raise ValueError("an integer has the wrong type")
    low = value & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the integer at ``place``, in groups of 7 bits, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("the file ends in the middle of a value")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("it is not a Protocol Buffers message")


def _as_varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

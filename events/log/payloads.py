"""Payloads at rest: the bytes as they came, zstd-compressed.

We compress and not PostgreSQL: its own pglz costs several times the processor time for a larger result, and lz4 is not
in every build of it.
"""

from threading import local

import zstandard

_LEVEL = 1
# More than the largest body the door takes; a frame that claims more is not one of ours.
_LARGEST_BYTES = 64 * 1024 * 1024


class _PerThread(local):
    """zstd contexts are not safe to share between threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _PerThread()


def compressed(payload: bytes) -> bytes:
    """Give the payload as one zstd frame that names its size."""
    return _zstd.compressor.compress(payload)


def decompressed(frame: bytes) -> bytes:
    """Give the payload of a frame.

    :raises zstandard.ZstdError: the frame is damaged
    """
    return _zstd.decompressor.decompress(frame, max_output_size=_LARGEST_BYTES)


def original_size(frame: bytes) -> int:
    """Give the size in bytes that a frame says it unpacks to."""
    return zstandard.frame_content_size(frame)

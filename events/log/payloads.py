"""Compress payloads with zstd for storage, and decompress them.

This is not left to PostgreSQL: its own pglz costs several times the processor time for a larger result, and lz4 is not
in every build of it.
"""

from threading import local

import zstandard

_LEVEL = 1
# More than the largest body that is accepted: a frame that declares more is not one of ours.
_LARGEST_BYTES = 64 * 1024 * 1024


class _PerThread(local):
    """One pair of zstd contexts per thread, because they are not safe to share."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _PerThread()


def compressed(payload: bytes) -> bytes:
    """Return the payload as one zstd frame that declares its size."""
    return _zstd.compressor.compress(payload)


def decompressed(frame: bytes) -> bytes:
    """Return the payload of a frame.

    :raises zstandard.ZstdError: the frame is damaged
    """
    return _zstd.decompressor.decompress(frame, max_output_size=_LARGEST_BYTES)


def original_size(frame: bytes) -> int:
    """Return the decompressed size in bytes that a frame declares."""
    return zstandard.frame_content_size(frame)

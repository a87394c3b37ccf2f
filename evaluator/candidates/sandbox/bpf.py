"""Programs for the kernel's filter of system calls, in classic BPF: (code, jump if true, jump if false, constant)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from evaluator.candidates.sandbox.calls import Check

Instruction = tuple[int, int, int, int]
Block = tuple[Instruction, ...]
LOAD, AND, JUMP, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x45, 0x06
ERRNO, ALLOW, KILL = 0x00050000, 0x7FFF0000, 0x80000000
EPERM, EAGAIN, ENOSYS = 1, 11, 38


def allowed() -> Block:
    """Return the block that allows a call."""
    return ((RETURN, 0, 0, ALLOW),)


def refused(number: int = EPERM) -> Block:
    """Return the block that refuses a call with an error's number."""
    return ((RETURN, 0, 0, ERRNO | number),)


def argument(index: int, *, high: bool = False) -> Instruction:
    """Return what loads half an argument of the call."""
    return LOAD, 0, 0, 16 + 8 * index + 4 * high


def checked(checks: tuple[Check, ...]) -> Block:
    """Return the block that allows a call where every check of its arguments holds."""
    block: list[Instruction] = []
    for check in checks:
        block.append(argument(check.argument, high=check.high))
        if check.mask != 0xFFFFFFFF:
            block.append((AND, 0, 0, check.mask))
        left = len(check.values)
        for value in check.values:
            left -= 1
            # what is wanted jumps over the others and the refusal; what is not goes on after its own refusal
            block += [(JUMP_EQUAL, left + 1, 0, value)] if check.wanted else [(JUMP_EQUAL, 0, 1, value), *refused()]
        if check.wanted:
            block += refused()
    return (*block, *allowed())


def of_futex() -> Block:
    """Return the block that allows what is private to the process, and answers shared waits at once."""
    operation = argument(1)
    return (
        operation,
        (JUMP_BITS, 0, 1, 128),
        *allowed(),
        (AND, 0, 0, 127),
        (JUMP_EQUAL, 1, 0, 0),
        (JUMP_EQUAL, 0, 1, 9),
        *refused(EAGAIN),
        *refused(),
    )


def filter_of(architecture: int, blocks: Mapping[int, Block]) -> list[Instruction]:
    """Return the filter that gives each call's number to its block and refuses all others.

    Numbers of another architecture end the process. The blocks are found by halving: a chain would be walked for each
    of the kernel's calls when the filter is put on.
    """
    segments: list[tuple[int, Block]] = [(0, refused())]
    for number in sorted(blocks):
        _add(segments, number, blocks[number])
        _add(segments, number + 1, refused())
    head = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    return [*head, *_tree(segments)]


def _add(segments: list[tuple[int, Block]], start: int, block: Block) -> None:
    """Let a block hold from a number on."""
    if segments[-1][0] == start:
        segments.pop()
    if not segments or segments[-1][1] != block:
        segments.append((start, block))


def _tree(segments: list[tuple[int, Block]]) -> list[Instruction]:
    if len(segments) == 1:
        return list(segments[0][1])
    middle = len(segments) // 2
    below, above = _tree(segments[:middle]), _tree(segments[middle:])
    return [(JUMP_AT_LEAST, 0, 1, segments[middle][0]), (JUMP, 0, 0, len(below)), *below, *above]


def packed(program: list[Instruction]) -> bytes:
    """Return a program as the kernel reads it."""
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)

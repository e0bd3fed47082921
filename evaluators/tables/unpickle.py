"""Plain data from a pickle that somebody else made, without the `pickle` module.

A pickle is a program for a stack machine: each opcode is one byte, some are followed by an operand. Python's
own machine calls any function that a pickle names and reserves any amount of memory that it asks for. This
one is smaller. It has the opcodes that Python 3 writes for plain data (protocols 2 to 5), and these limits:

- It calls nothing but the functions of `constructors`.
- A length may not exceed the bytes that are left, and a place in the memo may not lie beyond its end.
- One opcode makes at most one object, of some 80 bytes plus the text that it holds. With a limit on the
  number of opcodes, memory is limited too.
- The keys of a dictionary are text, whole numbers of 32 bits, or pairs of them: hashing them is fast.
"""

import pickle
import struct
from collections.abc import Callable
from types import FunctionType
from typing import Any

from nao.evaluators.tables.constructors import NOTHING, UnpickleError, find
from nao.evaluators.tables.machine import Machine

STOP = pickle.STOP[0]
SMALLEST, LARGEST = -(2**31), 2**31 - 1  # whole numbers that may be keys

Step = Callable[[Machine], object]  # what an opcode does


def unpickle(machine: Machine, most_opcodes: int) -> Any:
    """Runs a pickle. `machine.at` is then the first byte after it.

    Args:
      machine: as it is before the first opcode.
      most_opcodes: of the pickle.

    Returns:
      The object that the pickle describes.

    Raises:
      UnpickleError: the pickle has more opcodes, is damaged, or holds more than plain data.
    """
    try:
        for _ in range(most_opcodes):
            code = machine.data[machine.at]
            machine.at += 1
            if code == STOP:
                return machine.stack.pop()
            OPCODES[code](machine)
    except UnpickleError:
        raise
    except KeyError as error:
        raise UnpickleError(f"byte {machine.at:,} is {code}, no opcode that plain data need") from error
    except (LookupError, TypeError, ValueError, struct.error) as error:
        raise UnpickleError(f"it ends or makes no sense at byte {machine.at:,}") from error
    raise UnpickleError(f"it has more than {most_opcodes:,} opcodes, too many for its size")


def number(layout: str) -> Step:
    """The opcode of a number that is stored like this."""
    stored = struct.Struct(layout)

    def run(machine: Machine) -> None:
        machine.stack.extend(stored.unpack_from(machine.data, machine.at))
        machine.at += stored.size

    return run


def text(size: int) -> Step:
    """The opcode of a text, after its length in `size` bytes."""
    return lambda machine: machine.stack.append(
        str(machine.take(machine.take_int(size)), "utf-8", "surrogatepass")
    )


def raw(size: int) -> Step:
    """The opcode of bytes, after their length in `size` bytes."""
    return lambda machine: machine.stack.append(machine.take(machine.take_int(size)))


def constant(value: Any) -> Step:
    """The opcode of a value that never changes."""
    return lambda machine: machine.stack.append(value)


def long(machine: Machine) -> None:
    """A whole number of up to 255 bytes."""
    machine.stack.append(int.from_bytes(machine.take(machine.take_int(1)), "little", signed=True))


def tuple_of(count: int) -> Step:
    """The opcode of a tuple of the topmost objects."""
    return lambda machine: machine.stack.append(tuple(machine.pop(count)))


def put(size: int) -> Step:
    """The opcode that writes the topmost object into the memo."""

    def run(machine: Machine) -> None:
        index = machine.take_int(size)
        if index > len(machine.memo):
            raise UnpickleError(f"it writes to place {index:,} of a memo of {len(machine.memo):,}")
        if index == len(machine.memo):
            machine.memo.append(machine.stack[-1])
        else:
            machine.memo[index] = machine.stack[-1]

    return run


def get(size: int) -> Step:
    """The opcode that reads an object from the memo."""
    return lambda machine: machine.stack.append(machine.memo[machine.take_int(size)])


def mark(machine: Machine) -> None:
    """Begins a group of objects."""
    machine.below.append(machine.stack)
    machine.stack = []


def take_tuple(machine: Machine) -> None:
    """A tuple of the group."""
    items = machine.pop_mark()
    machine.stack.append(tuple(items))


def take_frozenset(machine: Machine) -> None:
    """A frozen set of the group, which nobody reads."""
    machine.pop_mark()
    machine.stack.append(NOTHING)


def fill_list(machine: Machine, items: list[Any]) -> None:
    """Puts objects into the list on top of the stack."""
    if type(machine.stack[-1]) is not list:
        raise UnpickleError("it appends to what is no list")
    machine.stack[-1].extend(items)


def fill_dict(machine: Machine, items: list[Any]) -> None:
    """Puts keys and values, in turn, into the dictionary on top of the stack."""
    target = machine.stack[-1]
    if type(target) is not dict:
        raise UnpickleError("it gives items to what is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        for part in key if type(key) is tuple and len(key) == 2 else (key,):
            if type(part) is not str and not (type(part) is int and SMALLEST <= part <= LARGEST):
                raise UnpickleError("a key is neither text, nor a small whole number, nor a pair of them")
        target[key] = value


def fill_set(machine: Machine, items: list[Any]) -> None:
    """Puts objects into the set on top of the stack, which nobody reads."""
    if machine.stack[-1] is not NOTHING:
        raise UnpickleError("it adds to what is no set")


def persistent(machine: Machine) -> None:
    """The numbers of a tensor, which lie outside of the pickle."""
    machine.pop(1)
    machine.stack.append(NOTHING)


def global_(machine: Machine) -> None:
    """A name whose two parts are lines of text."""
    machine.stack.append(find(machine.take_line(), machine.take_line()))


def stack_global(machine: Machine) -> None:
    """A name whose two parts are on the stack."""
    module, name = machine.pop(2)
    if type(module) is not str or type(name) is not str:
        raise UnpickleError("a name is no text")
    machine.stack.append(find(module, name))


def reduce(machine: Machine) -> None:
    """Calls a constructor."""
    constructor, arguments = machine.pop(2)
    if type(constructor) is not FunctionType or type(arguments) is not tuple:
        raise UnpickleError("it calls what cannot be called")
    machine.stack.append(constructor(arguments))


def build(machine: Machine) -> None:
    """Gives an object its state. Only that of a NumPy type matters: its numbers must be little-endian."""
    state = machine.stack.pop()
    if type(machine.stack[-1]) is struct.Struct:
        if type(state) is not tuple or state[1] not in ("<", "|"):
            raise UnpickleError("a NumPy type is not little-endian")
    elif machine.stack[-1] is not NOTHING and type(machine.stack[-1]) is not dict:
        raise UnpickleError("it gives a state to what has none")


OPCODES: dict[int, Step] = {
    ord(code): step
    for code, step in {
        pickle.PROTO: lambda machine: machine.take(1),
        pickle.FRAME: lambda machine: machine.take(8),  # the length of a part; nothing depends on it
        pickle.NONE: constant(None),
        pickle.NEWTRUE: constant(True),
        pickle.NEWFALSE: constant(False),
        pickle.BININT: number("<i"),
        pickle.BININT1: number("<B"),
        pickle.BININT2: number("<H"),
        pickle.LONG1: long,
        pickle.BINFLOAT: number(">d"),
        pickle.BINUNICODE: text(4),
        pickle.SHORT_BINUNICODE: text(1),
        pickle.BINBYTES: raw(4),
        pickle.SHORT_BINBYTES: raw(1),
        pickle.MARK: mark,
        pickle.EMPTY_TUPLE: constant(()),
        pickle.TUPLE: take_tuple,
        pickle.TUPLE1: tuple_of(1),
        pickle.TUPLE2: tuple_of(2),
        pickle.TUPLE3: tuple_of(3),
        pickle.EMPTY_LIST: lambda machine: machine.stack.append([]),
        pickle.APPEND: lambda machine: fill_list(machine, machine.pop(1)),
        pickle.APPENDS: lambda machine: fill_list(machine, machine.pop_mark()),
        pickle.EMPTY_DICT: lambda machine: machine.stack.append({}),
        pickle.SETITEM: lambda machine: fill_dict(machine, machine.pop(2)),
        pickle.SETITEMS: lambda machine: fill_dict(machine, machine.pop_mark()),
        pickle.EMPTY_SET: constant(NOTHING),
        pickle.ADDITEMS: lambda machine: fill_set(machine, machine.pop_mark()),
        pickle.FROZENSET: take_frozenset,
        pickle.MEMOIZE: lambda machine: machine.memo.append(machine.stack[-1]),
        pickle.BINPUT: put(1),
        pickle.LONG_BINPUT: put(4),
        pickle.BINGET: get(1),
        pickle.LONG_BINGET: get(4),
        pickle.GLOBAL: global_,
        pickle.STACK_GLOBAL: stack_global,
        pickle.REDUCE: reduce,
        pickle.BUILD: build,
        pickle.BINPERSID: persistent,
    }.items()
}
"""What each opcode does."""

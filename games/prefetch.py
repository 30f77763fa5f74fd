"""Prefetching: say which row of a large table is needed soon, so that several waits for memory overlap instead of adding up."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

_FLAGS: Any = {"nogil": True, "_nrt": False}


def prefetch(table: Any, row: Any) -> None:
    """Ask for the cache line at the beginning of ``table[row]`` (two axes; `row` unsigned, in range); results stay as they are."""


@overload(prefetch, strict=False, jit_options=_FLAGS)
def _prefetch(table: Any, row: Any) -> Any:
    return lambda table, row: _ask(table, row)  # type: ignore[call-arg]


@intrinsic
def _ask(context: Any, table: Any, row: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        stride = cgutils.unpack_tuple(builder, array.strides)[0]
        place = builder.mul(context.cast(builder, args[1], signature.args[1], types.intp), stride)
        line = builder.gep(builder.bitcast(array.data, cgutils.voidptr_t), [place])
        number = ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0")
        builder.call(call, [line, number(0), number(3), number(1)])  # for reading, kept in all caches, data
        return context.get_dummy_value()

    return types.void(table, row), build

"""DuckDB, which writes Parquet for the tests that read it."""
import ctypes


class Duck:
    """Just enough of DuckDB's C interface to run statements."""

    class Result(ctypes.Structure):
        _fields_ = [('a', ctypes.c_uint64 * 3), ('b', ctypes.c_void_p * 3)]

    def __init__(self, library):
        self.lib = ctypes.CDLL(library)
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.base, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.lib.duckdb_open(None, ctypes.byref(self.base)) == 0
        assert self.lib.duckdb_connect(self.base, ctypes.byref(self.connection)) == 0

    def run(self, sql):
        result = self.Result()
        if self.lib.duckdb_query(self.connection, sql.encode(), ctypes.byref(result)) != 0:
            raise RuntimeError(self.lib.duckdb_result_error(ctypes.byref(result)).decode())
        self.lib.duckdb_destroy_result(ctypes.byref(result))
